"""The command line: data on standard output, progress and errors on standard error.

Exit codes: 0 done, 1 refused, 2 wrong usage, 3 something is wrong or missing, or some of the files
or modalities failed, 4 no access, 130 interrupted.
"""

import io
import sys

from ursa.cli.audit import audit
from ursa.cli.catalog import catalog_app
from ursa.cli.commands import app
from ursa.cli.config import config_app
from ursa.cli.download import download
from ursa.cli.process import process
from ursa.cli.serve import serve
from ursa.cli.showing import PARTIAL, failure_lines, harmless
from ursa.errors import (
    DownloadFailures,
    IntegrityError,
    InvalidArgument,
    SiteError,
    UnknownKeyword,
    UrsaError,
)

__all__ = ["app", "main"]

REFUSED, USAGE, ACCESS = 1, 2, 4
app.command()(download)
app.command()(process)
app.command()(serve)
catalog_app.command()(audit)
app.add_typer(catalog_app, name="catalog")
app.add_typer(config_app, name="config")


def main() -> None:
    """Run the command line, turning errors into a message and an exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a path need not be valid text to be printed
        sys.stdout.reconfigure(errors="surrogateescape")
    try:
        app(prog_name="ursa")
    except DownloadFailures as error:
        print(*failure_lines(error), sep="\n", file=sys.stderr)
        sys.exit(PARTIAL)
    except UrsaError as error:
        print(f"ursa: {harmless(error)}", file=sys.stderr)
        sys.exit(_exit_code(error))
    except OSError as error:  # such as a full disk behind standard output
        print(f"ursa: {harmless(error)}", file=sys.stderr)
        sys.exit(REFUSED)


def _exit_code(error: UrsaError) -> int:
    if isinstance(error, InvalidArgument | UnknownKeyword | SiteError):
        return USAGE
    if isinstance(error, PermissionError):
        return ACCESS
    return PARTIAL if isinstance(error, IntegrityError) else REFUSED
