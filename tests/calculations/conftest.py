"""How many examples Hypothesis draws: `HYPOTHESIS_PROFILE=thorough` draws ten times as many, and others every time."""

import os

from hypothesis import settings

EXAMPLES = 40

# A computation takes as long as the machine is busy: no deadline. The same examples in every run, unless thorough.
settings.register_profile("fast", max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)
settings.register_profile("thorough", max_examples=10 * EXAMPLES, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))
