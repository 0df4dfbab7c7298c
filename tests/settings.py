"""All settings, by the process that reads them."""

from collections.abc import Mapping

from pydantic.fields import FieldInfo

from config import CollectorSettings, ReportSettings, ServerSettings
from update_readmodel import KNOWN

READERS: Mapping[str, Mapping[str, FieldInfo]] = {
    "server": ServerSettings.model_fields,
    "updater": {name: field for known in KNOWN.values() for name, field in known.settings.model_fields.items()},
    "collector": CollectorSettings.model_fields,
    "report": ReportSettings.model_fields,
}


def variables() -> dict[str, FieldInfo]:
    """Every setting of any process by its variable."""
    return {name.upper(): field for fields in READERS.values() for name, field in fields.items()}
