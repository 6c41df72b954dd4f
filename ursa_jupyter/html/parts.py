"""What several views are made of: headers, tables, chips, times and pairs of key and value."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ursa.time import iso, ns_to_datetime
from ursa_jupyter.html.markup import Html, clean, tag, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime, timedelta

    from ursa.catalog import ModalityRow

MARKS = {"processed": "●", "raw": "○", "ingesting": "◐", "failed": "✕"}
NAME = 40  # characters of a name
DEST = "ursa-downloads"
_HOUR, _MINUTE = 3600, 60


def header(title: str, *facts: str | Html) -> Html:
    """Return a title with what is known in short beside it.

    Examples
    --------
    >>> header("2 recordings", "", "1 participant")
    '<div class="ursa-head"><strong>2 recordings</strong> · 1 participant</div>'
    """
    # Blanks and dots that are text stay where a host strips styles from what it does not trust.
    shown = [f" · {fact if isinstance(fact, Html) else text(fact)}" for fact in facts if fact]
    return tag("div", tag("strong", title), *map(Html, shown), class_="ursa-head")


def table(
    caption: str,
    columns: Mapping[str, str],
    rows: Iterable[Sequence[str | Html]],
    total: Sequence[str] = (),
    *,
    headed: bool = True,
) -> Html:
    r"""Return a table in a box that scrolls sideways where there is no room for it.

    Parameters
    ----------
    caption : str
    columns : mapping of str to str
        Headings with what their cells are: ``"n"`` numbers, ``"w"`` not wrapped, ``"l"`` long,
        ``"c"`` chips, ``""`` texts.
    rows : iterable of sequences of str
        The first cell of each is its heading.
    total : sequence of str
        The cells of a last row.
    headed : bool
        Whether the headings are shown.

    Examples
    --------
    >>> "<th scope=\"row\">eeg</th>" in table("Files", {"modality": ""}, [["eeg"]])
    True
    """
    kinds = [f"ursa-{kind}" if kind else None for kind in columns.values()]
    pairs = zip(columns, kinds, strict=True)
    heads = [tag("th", name, scope="col", class_=kind) for name, kind in pairs]
    parts = [tag("caption", caption), *([tag("thead", tag("tr", *heads))] if headed else [])]
    parts.append(tag("tbody", *(_row(cells, kinds) for cells in rows)))
    if total:
        parts.append(tag("tfoot", _row(total, kinds)))
    inner = tag("table", *parts, class_="ursa-t")
    # Who scrolls by keyboard must be able to get there.
    return tag("div", inner, class_="ursa-scroll", role="region", aria_label=caption, tabindex=0)


def _row(cells: Sequence[str | Html], kinds: Sequence[str | None]) -> Html:
    first, *others = (
        tag("td" if place else "th", cell, scope=None if place else "row", class_=kind)
        for place, (cell, kind) in enumerate(zip(cells, kinds, strict=True))
    )
    return tag("tr", first, *others)


def paragraph(*children: str | Html, warn: bool = False) -> Html:
    """Return a line below a table."""
    return tag("p", *children, class_="ursa-p ursa-warn" if warn else "ursa-p")


def steps(*codes: str) -> Html:
    """Return what somebody may type next.

    Examples
    --------
    >>> steps("_.spec")
    '<p class="ursa-p">next: <code>_.spec</code></p>'
    """
    shown = [Html(" · ".join(tag("code", code) for code in codes))]
    return paragraph("next: ", *shown)


def delivery(*codes: str) -> Html:
    """Return what somebody may type next where data can be had of the value shown.

    Examples
    --------
    >>> "<code>%ursa_download ursa-downloads :_</code>" in delivery("_.spec")
    True
    """
    return steps(*codes, "%ursa_plan :_", f"%ursa_download {DEST} :_")


def chip(name: str, row: ModalityRow) -> Html:
    """Return a modality with the mark of its status."""
    status = row.ingestion_status.value
    return tag("span", mark(status), text(name, NAME), class_="ursa-chip", title=status)


def mark(status: str) -> Html:
    """Return the sign of a status, in its colour, and a blank.

    Examples
    --------
    >>> mark("raw")
    '<span class="ursa-raw">○</span> '
    """
    return Html(f"{tag('span', MARKS[status], class_=f'ursa-{status}')} ")


def pair(key: str, value: object, longest: int) -> Html:
    """Return a key with its value on one line."""
    return Html(
        f"{tag('span', text(key, NAME), class_='ursa-key')} {text(value_text(value), longest)}"
    )


def legend(statuses: Iterable[str]) -> str:
    """Return what the marks of these statuses mean.

    Examples
    --------
    >>> legend({"raw", "processed"})
    '● processed · ○ raw'
    """
    return " · ".join(f"{mark} {name}" for name, mark in MARKS.items() if name in set(statuses))


def local(ns: int) -> datetime:
    """Return a time on this machine's clock."""
    moment = ns_to_datetime(ns)
    try:
        return moment.astimezone()
    except (OSError, OverflowError):  # some systems know no zone for years before 1970
        return moment


def when(ns: int) -> Html:
    """Return a time as this machine's clock shows it, and in UTC to those who point at it."""
    utc = iso(ns)
    shown = f"{local(ns):%Y-%m-%d %H:%M}"
    return tag("time", shown, datetime=utc, title=f"{utc[:-1].replace('T', ' ')} UTC")


def zones(times: Iterable[int]) -> str:
    """Return the names of the zones in which `when` shows times."""
    return ", ".join(sorted({local(ns).tzname() or "" for ns in times}))


def length_text(length: timedelta) -> str:
    """Return a length of time for people.

    Examples
    --------
    >>> from datetime import timedelta
    >>> length_text(timedelta(seconds=7.5)), length_text(timedelta(minutes=61))
    ('7.5 s', '1:01:00')
    """
    seconds = length.total_seconds()
    if seconds < _MINUTE:
        return f"{round(seconds, 3):g} s"
    hours, rest = divmod(round(seconds), _HOUR)
    minutes, rest = divmod(rest, _MINUTE)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def names_text(names: Sequence[str], number: int = 3) -> str:
    """Return the first names, and how many more there are.

    Examples
    --------
    >>> names_text(["P1", "P2", "P3", "P4", "P5"])
    'P1, P2, P3 +2'
    """
    shown = ", ".join(clean(name, NAME) for name in names[:number]) or "-"
    return f"{shown} +{len(names) - number}" if len(names) > number else shown


def value_text(value: Any) -> str:
    """Return a value of the metadata: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def grouped(number: int) -> str:
    r"""Return a whole number with narrow spaces between groups of three digits.

    Examples
    --------
    >>> grouped(1234567) == "1\u202f234\u202f567"
    True
    """
    return f"{number:,}".replace(",", "\u202f")
