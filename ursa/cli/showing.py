"""How transfers are shown on standard error, and how they end there."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import typer

from ursa.cli.options import ProgressChoice
from ursa.errors import DownloadFailures
from ursa.render import ProgressName
from ursa.render.pace import Display
from ursa.render.text import printable

PARTIAL, INTERRUPTED = 3, 130


def display(choice: ProgressChoice, label: str) -> ProgressName | Display:
    """Return what draws; nothing sets up logging here, so a log is lines as well."""
    if choice is not ProgressChoice.LOG:
        return cast("ProgressName", choice.value)
    from ursa.render.lines import plain_lines

    return plain_lines(sys.stderr, label)


@contextmanager
def resumable(hint: str) -> Iterator[None]:
    """Turn Ctrl-C into a line that says how to go on, and the exit code 130."""
    try:
        yield
    except KeyboardInterrupt:
        print(f"interrupted: {hint}", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None


def failure_lines(error: DownloadFailures) -> Iterator[str]:
    """Yield a line for each file that failed, and one that counts them."""
    for failure in error.failures:
        yield printable(f"{failure.rel_path}: {failure.error}")
    yield f"ursa: {error.message}"
