"""What a query found."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

from ursa.text import counted
from ursa_jupyter.html import parts
from ursa_jupyter.html.markup import Html, tag, text
from ursa_jupyter.html.style import view

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from ursa import QueryResult, QueryResultList

ROWS = 10
LOOKED_AT = 200  # results that are made to count what is in them, few enough to be quick
_CHIPS, _ROW_CHIPS, _KEYS = 16, 6, 3
_VALUE = 48  # characters of a metadata value
_COLUMNS = {"participants": "", "length": "n", "modalities": "c", "metadata": "l"}


def results_html(results: QueryResultList) -> str:
    """Return results as HTML: what they are together, the first ten, and what to do next.

    Parameters
    ----------
    results : QueryResultList

    Examples
    --------
    >>> import tempfile
    >>> from ursa import DataInterface
    >>> data = DataInterface("local", path=tempfile.mkdtemp())
    >>> data.enable_writes()
    >>> "<strong>0 recordings</strong>" in results_html(data.query())
    True
    """
    seen = list(islice(results, LOOKED_AT))
    head = [_header(results, seen)]
    if not seen:
        return view(*head, *_empty(results))
    more = len(results) - ROWS
    rest = [parts.paragraph(f"… {parts.grouped(more)} more")] if more > 0 else []
    table, next_ = _table(seen[:ROWS]), parts.delivery("_[0]", "_.spec")
    return view(*head, _chips(seen, len(results)), table, *rest, next_)


def _header(results: QueryResultList, seen: Sequence[QueryResult]) -> Html:
    number, matched = parts.grouped(len(results)), counted(results.matched, "recording")
    matched = matched.replace(str(results.matched), parts.grouped(results.matched))
    title = matched if len(results) == results.matched else f"{number} of {matched}"
    whole = len(seen) == len(results)
    known = [_people(seen), _span(seen)] if whole and seen else []
    return parts.header(title, *known, *_asked(results))


def _people(seen: Iterable[QueryResult]) -> str:
    people = {person for each in seen for person in each.participant_ids}
    return counted(len(people), "participant")


def _span(seen: Sequence[QueryResult]) -> str:
    first, last = (choose(each.start_time for each in seen) for choose in (min, max))
    days = [f"{parts.local(ns):%Y-%m-%d}" for ns in (first, last)]
    return " to ".join(dict.fromkeys(days))


def _asked(results: QueryResultList) -> list[str | Html]:
    asked = results.spec.as_magic()
    # The status that nobody asked for hides the most.
    status = "" if "status=" in asked else f"status: {results.spec.status}"
    return [status, tag("code", text(asked, 200)) if asked else ""]


def _empty(results: QueryResultList) -> list[Html]:
    if results.matched:
        return [parts.paragraph("none of them on this page")]
    if not results.hidden_raw:
        return [parts.paragraph("nothing matches; ", tag("code", "%ursa_browse"), " shows all")]
    hidden = f"{parts.grouped(results.hidden_raw)} unprocessed: add "
    codes = [tag("code", f"status={each}") for each in ("raw", "all")]
    return [parts.paragraph(hidden, codes[0], " to see them, or ", codes[1])]


def _chips(seen: Sequence[QueryResult], number: int) -> Html:
    counts = Counter(row.modality for each in seen for row in _one_of_each(each))
    shown = [
        tag("span", text(name, parts.NAME), " ", tag("b", str(count)), class_="ursa-chip")
        for name, count in counts.most_common(_CHIPS)
    ]
    if len(counts) > _CHIPS:
        shown.append(tag("span", f"+{len(counts) - _CHIPS}"))
    if number > len(seen):
        shown.insert(0, tag("span", f"in the first {len(seen)}:", class_="ursa-key"))
    return tag("div", Html(" ".join(shown)), class_="ursa-chips")


def _one_of_each(result: QueryResult) -> Iterable[Any]:
    return {row.modality: row for row in result.modalities.values()}.values()


def _table(shown: Sequence[QueryResult]) -> Html:
    zones = parts.zones(each.start_time for each in shown)
    first, *others = _COLUMNS.items()
    columns = dict([("#", "n"), first, (f"start ({zones})", "w"), *others])
    keys = telling_keys([each.metadata for each in shown])
    statuses = {row.ingestion_status.value for each in shown for row in each.modalities.values()}
    caption = f"Recordings · {parts.legend(statuses)}" if statuses else "Recordings"
    rows = [_cells(place, each, keys) for place, each in enumerate(shown)]
    return parts.table(caption, columns, rows)


def _cells(place: int, result: QueryResult, keys: Sequence[str]) -> list[Html]:
    chips = [parts.chip(*item) for item in list(result.modalities.items())[:_ROW_CHIPS]]
    if len(result.modalities) > _ROW_CHIPS:
        chips.append(tag("span", f"+{len(result.modalities) - _ROW_CHIPS}"))
    said = [parts.pair(key, result.metadata[key], _VALUE) for key in keys if key in result.metadata]
    return [
        tag("span", str(place), title=result.recording_hash),
        text(parts.names_text(result.participant_ids)),
        parts.when(result.start_time),
        text(parts.length_text(result.duration)),
        Html(" ".join(chips)) or Html("-"),
        Html(" · ".join(said)),
    ]


def telling_keys(metadata: Sequence[Mapping[str, object]]) -> list[str]:
    """Return the keys that say most: the task, then those with values that some share.

    Of several recordings, what all share tells nothing about one.

    Examples
    --------
    >>> telling_keys([{"id": n, "run": n // 2, "task": "rest"} for n in range(3)])
    ['task', 'run', 'id']
    """
    values: dict[str, list[str]] = {}
    for each in metadata:
        for key, value in each.items():
            values.setdefault(key, []).append(parts.value_text(value))

    def rank(key: str) -> tuple[bool, bool, bool, int, str]:
        found = values[key]
        long = max(map(len, found)) > _VALUE
        alone = len(set(found)) == len(found)
        return key != "task", long, alone, -len(found), key

    shared = {key for key, found in values.items() if len(found) > 1 and len(set(found)) == 1}
    return sorted(values.keys() - (shared - {"task"}), key=rank)[:_KEYS]
