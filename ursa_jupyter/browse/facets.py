"""Facets: the values of a field among what matches, with counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ursa.catalog import EventRow
from ursa.catalog.types import canonical_json
from ursa.errors import InvalidArgument
from ursa.facets import FIELDS, FacetValue
from ursa.text import shortened
from ursa_jupyter.browse.messages import text_of, texts_of
from ursa_jupyter.browse.rows import METADATA
from ursa_jupyter.browse.wire import jsonable, shown, spec_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ursa import DataInterface, QuerySpec
    from ursa_jupyter.browse.messages import Message

VALUES_MAX = 50
_EVENTS_MAX = 200_000
_FIELDS_MAX = 40
_LABELS = {"ingested": "processed"}


def facet_fields(data: DataInterface, keys: Iterable[str]) -> list[dict[str, str]]:
    """Return the facets that are offered, those of some metadata keys last.

    Events have no index by which they could be counted for a filter, so that of a million every
    click would read all; their filter is there nevertheless.
    """
    own = [("status", "Status"), ("modalities", "Modalities"), ("participants", "Participants")]
    if 0 < data.catalog.table(EventRow).count() <= _EVENTS_MAX:
        own.append(("event_type", "Events"))
    return [
        {"field": field, "label": label}
        for field, label in (*own, *((METADATA + key, key) for key in keys))
    ]


def facets(data: DataInterface, message: Message) -> Message:
    """Answer ``facets``: for each field its most frequent values, and those chosen."""
    spec = spec_of(message.get("filter", {}))
    names = texts_of(message, "fields", _FIELDS_MAX)
    found = data.facets(*names, spec=spec)
    return {"facets": {name: _facet(found[name], chosen(spec, name)) for name in names}}


def find(data: DataInterface, message: Message) -> Message:
    """Answer ``find``: values of a field that contain a text."""
    spec = spec_of(message.get("filter", {}))
    name, part = text_of(message, "field"), text_of(message, "prefix", "").casefold()
    fitting = [
        each for each in data.facets(name, spec=spec)[name] if part in _label(each.value).casefold()
    ]
    picked = chosen(spec, name)
    return {"values": [_value(each, picked) for each in fitting[:VALUES_MAX]]}


def chosen(spec: QuerySpec, name: str) -> list[Any]:
    """Return the values of a field that a filter names."""
    if name.startswith(METADATA):
        given = spec.metadata.get(name.removeprefix(METADATA), _NOTHING)
        if isinstance(given, dict):
            return [*given.get("in", []), *([given["="]] if "=" in given else [])]
        return [] if given is _NOTHING else [given]
    if name == "status":
        return [] if spec.status == "all" else [spec.status]
    if name == "participants":
        return [*(spec.participants or ()), *(spec.participants_all or ())]
    if name not in ("modalities", "event_type"):
        raise InvalidArgument(f"no facet {shortened(name, 80)}; known: {', '.join(FIELDS)}")
    return list(getattr(spec, name) or ())


_NOTHING = object()


def _facet(values: Sequence[FacetValue], picked: Sequence[Any]) -> dict[str, Any]:
    first, rest = list(values[:VALUES_MAX]), values[VALUES_MAX:]
    counts = {canonical_json(each.value): each for each in rest} if picked else {}
    there = {canonical_json(each.value) for each in first}
    # What is chosen must be there to be unchosen, however rare it is.
    extra = [
        counts.get(canonical_json(value), FacetValue(value, 0))
        for value in picked
        if canonical_json(value) not in there
    ]
    room = first[: VALUES_MAX - len(extra)] if extra else first
    kept = [*room, *extra]
    return {
        "values": [_value(each, picked) for each in kept],
        "more": max(0, len(values) - sum(each.recordings > 0 for each in kept)),
    }


def _value(each: FacetValue, picked: Sequence[Any]) -> dict[str, Any]:
    return {
        "value": jsonable(each.value),
        "label": _label(each.value),
        "count": each.recordings,
        "chosen": canonical_json(each.value) in map(canonical_json, picked),
    }


def _label(value: object) -> str:
    return _LABELS.get(value, value) if isinstance(value, str) else shown(value)
