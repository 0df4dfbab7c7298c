"""Questions about the app."""

from read_model.tables.fpp import FPP
from web.questions.asking import Subject

APP = Subject(FPP, first_day=lambda _, settings: settings.start_date)
asked = APP.asked
