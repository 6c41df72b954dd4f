"""Rows of the table: which columns there are, and pages of recordings as plain values."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from ursa_jupyter.browse.messages import choice_of, number_of, text_of, texts_of
from ursa_jupyter.browse.selected_page import selected_page
from ursa_jupyter.browse.wire import cell, iso_exact, spec_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ursa import DataInterface, QueryResult, QuerySpec
    from ursa_jupyter.browse.messages import Message
    from ursa_jupyter.browse.selection import Selection

PAGE_MAX = 200
METADATA = "metadata."
_COLUMNS_MAX = 400
_DEEPEST = 2**53


class Column(NamedTuple):
    """A column of the table; `kind` says how a value of it is drawn."""

    name: str
    label: str
    kind: str
    sortable: bool
    shown: bool


FIXED = (
    Column("participants", "Participants", "chips", sortable=False, shown=True),
    Column("start_time", "Start", "time", sortable=True, shown=True),
    Column("duration", "Length", "length", sortable=True, shown=True),
    Column("modalities", "Modalities", "chips", sortable=False, shown=True),
    Column("status", "Status", "text", sortable=False, shown=True),
    Column("recording_hash", "Recording", "text", sortable=True, shown=False),
)
_SHOWN_KEYS = 3


def columns(kinds: Mapping[str, str], telling: Sequence[str]) -> list[dict[str, Any]]:
    """Return the columns of a table, those first that tell most.

    Parameters
    ----------
    kinds : mapping of str to str
        Keys of metadata, each with the kind of its values.
    telling : sequence of str
        Keys of which the first ones are shown.
    """
    own = (
        Column(METADATA + key, key, kinds[key], sortable=False, shown=key in telling[:_SHOWN_KEYS])
        for key in dict.fromkeys([*telling, *kinds])
    )
    return [column._asdict() for column in (*FIXED, *own)]


def page(data: DataInterface, selection: Selection, message: Message) -> Message:
    """Answer ``page``: some rows of what matches, at any place in its order."""
    started = time.perf_counter()
    spec = page_spec(message)
    wanted = texts_of(message, "columns", _COLUMNS_MAX) if "columns" in message else []
    keys = [name.removeprefix(METADATA) for name in wanted if name.startswith(METADATA)]
    if choice_of(message, "of", ("all", "selected"), "all") == "selected":
        found: Sequence[QueryResult]
        found, matched, version = selected_page(data, selection, spec)
    else:
        asked = data.query(spec)
        found, matched, version = asked, asked.matched, asked.catalog_version
    return {
        "rows": [row(each, keys, selected=each.recording_hash in selection) for each in found],
        "offset": spec.offset,
        "matched": matched,
        "version": version,
        "ms": round(1000 * (time.perf_counter() - started)),
    }


def page_spec(message: Message) -> QuerySpec:
    """Return the filter, order and page that a message asks for."""
    return spec_of(
        message.get("filter", {}),
        order_by=text_of(message, "order_by", "start_time"),
        offset=number_of(message, "offset", 0, _DEEPEST, 0),
        limit=number_of(message, "limit", 0, PAGE_MAX, 100),
    )


def row(result: QueryResult, keys: Iterable[str], *, selected: bool) -> dict[str, Any]:
    """Return a recording as a row of the table, with these keys of its metadata."""
    return {
        "hash": result.recording_hash,
        "selected": selected,
        "participants": list(result.participant_ids),
        "start": iso_exact(result.start_time),
        "duration_s": result.duration.total_seconds(),
        "modalities": [
            {"name": name, "status": each.ingestion_status.value}
            for name, each in result.modalities.items()
        ],
        "status": result.status,
        "metadata": {key: cell(result.metadata[key]) for key in keys if key in result.metadata},
    }
