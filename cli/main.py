"""The `fpp` command: `fpp report` prints the report of a day, or mails it.

Exit codes are those of the other commands (see `util.errors`).
"""

import sys
from typing import NoReturn

import typer

from cli.report import report
from util.errors import AnalyticsError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.command()(report)


@app.callback()
def fpp() -> None:
    """FPP Analytics on the command line."""


def main() -> NoReturn:
    """Run the command given by the arguments."""
    try:
        app(standalone_mode=True)
    except AnalyticsError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(error.exit_code) from None
    raise SystemExit(0)
