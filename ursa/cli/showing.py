"""How transfers are shown on standard error, and how they end there."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import typer

from ursa.cli.options import ProgressChoice, SourceChoice
from ursa.errors import DownloadFailures
from ursa.render import ProgressName
from ursa.render.pace import Display
from ursa.render.text import printable

if TYPE_CHECKING:
    from ursa.data_interface import DataInterface
    from ursa.filters import QuerySpec
    from ursa.query import QueryResult, QueryResultList

_NAMED_MAX = 1_000
PARTIAL, INTERRUPTED = 3, 130


def display(choice: ProgressChoice, label: str) -> ProgressName | Display:
    """Return what draws; nothing sets up logging here, so a log is lines as well."""
    if choice is not ProgressChoice.LOG:
        return cast("ProgressName", choice.value)
    from ursa.render.lines import plain_lines

    return plain_lines(sys.stderr, label)


def chosen(
    data: "DataInterface", spec: "QuerySpec", source: SourceChoice
) -> "QueryResultList | list[QueryResult]":
    """Return what of a saved selection can be had, and say what is left out."""
    from ursa.transfer.available import available

    results = data.query(spec)
    kept, left_out = available(results, source=source.value)
    for each in left_out:
        print(printable(f"left out: {each}"), file=sys.stderr)
    # A receipt that named so many recordings once more would be longer than its list of files.
    is_short = len(spec.recording_hash or ()) <= _NAMED_MAX
    return results if len(kept) == len(results) and not left_out and is_short else kept


def harmless(error: Exception) -> str:
    """Return an error's text, of several lines maybe, as a terminal only shows it.

    Names in it may come from a manifest or a catalog that anybody wrote.
    """
    return "".join(sign if sign.isprintable() or sign == "\n" else "?" for sign in str(error))


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
