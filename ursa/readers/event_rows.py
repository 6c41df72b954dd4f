"""Rows of events and notes under the names that the catalog has for them."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, NamedTuple

from ursa.formats.streams import TIMESTAMP
from ursa.readers.clocks import plain_name
from ursa.readers.tables import common_type, conformed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa

    from ursa.readers.clocks import Clock


class Form(NamedTuple):
    """What rows of a kind have in common.

    Attributes
    ----------
    numbers, texts : tuple of str
        Names of the columns that every table of this kind has.
    roles : mapping
        For some of these, the columns that may hold it; the first found one counts.
    """

    numbers: tuple[str, ...]
    texts: tuple[str, ...]
    roles: Mapping[str, Sequence[str]]


EVENTS = Form(
    (TIMESTAMP, "duration"),
    ("event_type", "prompt", "response"),
    {
        "event_type": ("event_type", "trial_type", "type", "label", "event", "value"),
        "prompt": ("prompt",),
        "response": ("response",),
        "duration": ("duration", "duration_s"),
    },
)
NOTES = Form(
    (TIMESTAMP,),
    ("text", "author"),
    {"text": ("text", "note", "comment"), "author": ("author",)},
)
_NO_TYPE = "event"
_ABSENT = {"", "n/a"}  # BIDS writes the latter


def shared_schema(form: Form, tables: Iterable[tuple[pa.Schema, str]]) -> pa.Schema:
    """Return the schema of rows from tables, each with the name of its column of times."""
    import pyarrow as pa

    fixed = {name: pa.float64() for name in form.numbers} | {
        name: pa.string() for name in form.texts
    }
    further: dict[str, pa.DataType] = {}
    for schema, time in tables:
        for name, new in _further(form, schema, time).items():
            further[new] = common_type(further.get(new), schema.field(name).type)
    return pa.schema([*fixed.items(), *further.items()])


def shaped(form: Form, batch: pa.RecordBatch, clock: Clock, schema: pa.Schema) -> pa.RecordBatch:
    """Return a table's rows under the names of `schema`."""
    import pyarrow as pa

    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    roles = _roles(form, batch.schema, clock.column)
    found = {name: _text(columns[roles[name]]) for name in form.texts if name in roles}
    if form is EVENTS:
        kinds = found.get("event_type", pa.nulls(len(batch), pa.string()))
        found["event_type"] = kinds.fill_null(_NO_TYPE)
        found["duration"] = _durations(columns, roles.get("duration"))
    kept = {new: columns[n] for n, new in _further(form, batch.schema, clock.column).items()}
    seconds = pa.array(clock.seconds(columns[clock.column]), pa.float64())
    return conformed({**kept, **found, TIMESTAMP: seconds}, len(batch), schema)


def _roles(form: Form, schema: pa.Schema, time: str) -> dict[str, str]:
    """Return which column holds each of the catalog's names."""
    plain = {plain_name(name): name for name in reversed(schema.names) if name != time}
    found = {}
    for role, names in form.roles.items():
        known = [plain[name] for name in names if name in plain]
        if role in form.numbers:
            known = [name for name in known if _is_number(schema.field(name).type)]
        if known:
            found[role] = known[0]
    return found


def _further(form: Form, schema: pa.Schema, time: str) -> dict[str, str]:
    """Return the other columns, and under which names they are kept."""
    used = {*_roles(form, schema, time).values(), time}
    fixed = {*form.numbers, *form.texts}
    return {
        name: f"{name}_column" if name in fixed else name
        for name in schema.names
        if name not in used
    }


def _is_number(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _text(values: pa.Array) -> pa.Array:
    import pyarrow as pa

    texts = values.cast(pa.string()).to_pylist()
    return pa.array([None if each in _ABSENT else each for each in texts], pa.string())


def _durations(columns: Mapping[str, pa.Array], named: str | None) -> pa.Array:
    """Return durations from their own column, or from what each row's metadata say."""
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = len(next(iter(columns.values())))
    if named is not None:
        values = columns[named].cast(pa.float64(), safe=False)  # seconds, not codes
        return pc.if_else(pc.is_finite(values), values, pa.scalar(None, pa.float64()))
    metadata = columns.get("metadata")
    if metadata is None or not pa.types.is_string(metadata.type):
        return pa.nulls(rows, pa.float64())
    return pa.array([_stated_duration(each) for each in metadata.to_pylist()], pa.float64())


def _stated_duration(metadata: str | None) -> float | None:
    try:
        stated = json.loads(metadata or "{}")
    except (ValueError, RecursionError):
        return None
    found = stated.get("duration_s") if isinstance(stated, dict) else None
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        return None
    return float(found)
