"""Results for people: plain text of 80 columns, and its twin in HTML."""

from __future__ import annotations

import html
from datetime import timedelta
from typing import TYPE_CHECKING

from ursa.text import counted, cut, in_columns
from ursa.time import iso

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ursa.result import QueryResult

SHOWN_ROWS = 10
_HEADINGS = ("recording", "participant", "start (UTC)", "length", "status", "modalities")
_WIDTHS = (12, 11, 16, 8, 9, 19)
_CELL_MAX = 60  # characters, so that ten rows of the longest names stay a small page


def as_text(shown: Sequence[QueryResult], number: int, matched: int, hidden_raw: int) -> str:
    """Return results as plain text of at most 80 columns.

    Parameters
    ----------
    shown : sequence of QueryResult
        The first ones.
    number, matched : int
        How many there are, and how many match on any page.
    hidden_raw : int
        How many recordings only the status filter hides.

    Examples
    --------
    >>> print(as_text([], 0, 0, 3))
    0 recordings; 3 unprocessed: add status="raw" to see them, or status="all"
    """
    table = [_HEADINGS, *map(_cells, shown)] if shown else []
    lines = [in_columns(cells, _WIDTHS) for cells in table]
    return "\n".join([_headline(number, matched, hidden_raw), *lines, *_more(shown, number)])


def as_html(shown: Sequence[QueryResult], number: int, matched: int, hidden_raw: int) -> str:
    """Return what `as_text` says as HTML without any style, so that it fits every theme.

    Examples
    --------
    >>> as_html([], 0, 0, 0)
    '<div class="ursa-results"><p>0 recordings</p></div>'
    """
    parts = [_element("p", _headline(number, matched, hidden_raw))]
    if shown:
        rows = "".join(f"<tr>{_elements('td', _cells(each))}</tr>" for each in shown)
        head = f"<thead><tr>{_elements('th', _HEADINGS)}</tr></thead>"
        parts.append(f"<table>{head}<tbody>{rows}</tbody></table>")
    parts += [_element("p", line) for line in _more(shown, number)]
    return f'<div class="ursa-results">{"".join(parts)}</div>'


def _headline(number: int, matched: int, hidden_raw: int) -> str:
    """Say how many there are, and how to see those that only the status filter hides."""
    found = counted(matched, "recording")
    line = f"{number} of {found}" if matched > number else found
    hint = f'; {hidden_raw} unprocessed: add status="raw" to see them, or status="all"'
    return line + (hint if hidden_raw and not number else "")


def _more(shown: Sequence[QueryResult], number: int) -> list[str]:
    return [f"… {number - len(shown)} more"] if number > len(shown) else []


def _cells(result: QueryResult) -> tuple[str, ...]:
    return (
        result.recording_hash[:12],
        ",".join(result.participant_ids) or "-",
        iso(result.start_time)[:16].replace("T", " "),
        str(timedelta(seconds=round(result.duration.total_seconds()))),
        result.status or "-",
        ", ".join(result.modalities) or "-",
    )


def _elements(tag: str, texts: Iterable[str]) -> str:
    return "".join(_element(tag, cut(text, _CELL_MAX)) for text in texts)


def _element(tag: str, text: str) -> str:
    return f"<{tag}>{html.escape(text)}</{tag}>"
