"""Columns that follow from a row's fields, which queries use and rows do not show."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ursa.catalog.conditions import as_float, is_number
from ursa.catalog.result_keys import modality_keys
from ursa.catalog.schemas import EmbeddingRow, EventRow, RecordingEntry, Row
from ursa.catalog.types import canonical_json
from ursa.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

LABELLED = ("metadata", "channel_spec")
KINDS = ("number", "text", "other")
_KV_MAX = 64
_PROMOTED = "metadata__"
_DERIVED = {
    *("k64", "rev", "extra", "end_time", "search_text", "source_hash"),
    *("metadata_kv", "channel_spec_kv", "modality_names", "modality_status"),
}


def k64(row_type: type[Row], primary_key: Sequence[Any]) -> int:
    """Return the 63-bit key of a row, the same on every machine.

    Examples
    --------
    >>> from ursa.catalog.schemas import ParticipantRow
    >>> k64(ParticipantRow, ["P001"]) == k64(ParticipantRow, ["P001"])
    True
    """
    text = json.dumps([row_type.__table__, *primary_key], separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) >> 1


def metadata_entry(key: str, value: object) -> str:
    """Return the label of one metadata item; long values are hashed.

    Examples
    --------
    >>> metadata_entry("task", "rest")
    'task="rest"'
    """
    try:
        text = canonical_json(value)
    except (TypeError, ValueError) as error:
        msg = f"metadata {key!r} has a value that JSON cannot hold: {error}"
        raise InvalidArgument(msg) from error
    if len(text) > _KV_MAX:
        text = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    return f"{key}={text}"


def kind_entry(key: str, kind: str) -> str:
    """Return the label that says of which kind the value of a metadata key is.

    Parameters
    ----------
    kind : {"number", "text", "other"}

    Examples
    --------
    >>> kind_entry("age", "number")
    'age=#number'
    """
    return f"{key}=#{kind}"


def has_label(value: object) -> bool:
    """Return whether a value gets a label: measurements, which hardly repeat, get none."""
    return not isinstance(value, float) or value.is_integer()


def _labels(metadata: Mapping[str, Any]) -> list[str]:
    entries = {metadata_entry(key, value) for key, value in metadata.items() if has_label(value)}
    return sorted(entries | {kind_entry(key, kind_of(value)) for key, value in metadata.items()})


def kind_of(value: object) -> str:
    """Return which of `KINDS` a JSON value is of."""
    if isinstance(value, str):
        return "text"
    return "number" if is_number(value) else "other"


def promoted_column(key: str) -> str:
    """Return the name of the typed column of a metadata key.

    Examples
    --------
    >>> promoted_column("age"), promoted_column("Visit no")
    ('metadata__age', 'metadata___56_isit_20_no')
    """
    return _PROMOTED + re.sub(r"[^a-z0-9]", lambda found: f"_{ord(found[0]):x}_", key)


def promoted_key(column: str) -> str | None:
    """Return the metadata key of a typed column; None for any other column.

    Examples
    --------
    >>> promoted_key("metadata___56_isit_20_no"), promoted_key("metadata_kv")
    ('Visit no', None)
    """
    if not column.startswith(_PROMOTED):
        return None
    escaped = column.removeprefix(_PROMOTED)
    return re.sub(r"_([0-9a-f]+)_", lambda found: chr(int(found[1], 16)), escaped)


def promoted_columns(schema: pa.Schema) -> dict[str, tuple[str, str]]:
    """Return the typed columns of a schema: name → metadata key and kind of its values."""
    return {
        field.name: (key, "text" if pa.types.is_string(field.type) else "number")
        for field in schema
        if (key := promoted_key(field.name)) is not None
    }


def is_derived(column: str) -> bool:
    """Return whether a column follows from the others and is no field of a row."""
    return column in _DERIVED or promoted_key(column) is not None


def modality_labels(name: str, status: str) -> str:
    """Return the entry of `modality_status` for one modality in one status."""
    return f"{name}={status}"


def derived(row: Row, schema: pa.Schema) -> dict[str, Any]:
    """Return the values of the columns of `schema` that follow from `row`."""
    values: dict[str, Any] = {"k64": k64(type(row), row.primary_key)}
    for name in LABELLED:
        if name in type(row).model_fields:
            values[f"{name}_kv"] = _labels(getattr(row, name))
    for field in schema:
        key = promoted_key(field.name)
        if key is not None:
            values[field.name] = _promoted(getattr(row, "metadata", {}).get(key), field.type)
    if isinstance(row, RecordingEntry):
        values |= _of_recording(row)
    if isinstance(row, EmbeddingRow):
        values["source_hash"] = row.source.recording_hash
    if isinstance(row, EventRow):
        texts = [row.event_type, row.prompt, row.response]
        values["search_text"] = _search_text(texts, row.metadata)
    return values


def _promoted(value: object, type_: pa.DataType) -> object:
    if pa.types.is_string(type_):
        return value if isinstance(value, str) else None
    return as_float(value) if is_number(value) else None


def _of_recording(row: RecordingEntry) -> dict[str, Any]:
    named = [
        (name, each)
        for key, each in modality_keys(row.modalities).items()
        for name in {key, each.modality}
    ]
    statuses = {modality_labels(name, each.ingestion_status) for name, each in named}
    return {
        "end_time": row.end_time,
        "modality_names": sorted({name for name, _ in named}),
        "modality_status": sorted(statuses | {each.ingestion_status.value for _, each in named}),
        "search_text": _search_text(row.participant_ids, row.metadata),
    }


def _search_text(texts: Iterable[object], metadata: Mapping[str, object]) -> str:
    # In the order in which a row's metadata comes back, whatever it was when the row was made.
    values = [*texts, *(metadata[key] for key in sorted(metadata))]
    flat = [item for value in values for item in (value if isinstance(value, list) else [value])]
    return "\n".join(item for item in flat if isinstance(item, str))
