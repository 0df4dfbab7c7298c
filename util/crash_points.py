"""Places where a test can kill the process, to prove that a crash there loses nothing. Inert by default."""

import os
import signal

VARIABLE = "FPP_ANALYTICS_CRASH_AT"


def crash_point(name: str) -> None:
    """Kill this process, as a power cut would, when `VARIABLE` names this place."""
    if os.environ.get(VARIABLE) == name:
        os.kill(os.getpid(), signal.SIGKILL)
