"""Rows as Arrow: the physical schema of each table, and the way there and back.

Beside a row's own fields every table holds

``k64``
    int64, 63 bits of the SHA-256 of the primary key: the unenforced primary key that Lance guards
    concurrent inserts with. It must never get an index: an index turns that guard off.
``rev``
    int64, counts the updates of a row; compare-and-swap key.
``extra``
    JSON of fields that neither the row class nor the table knows.
``metadata_kv``
    list of ``key=<canonical JSON>``, one per metadata entry, for indexed equality.

and recordings also ``end_time``, ``modality_names`` and ``modality_status``.
"""

from __future__ import annotations

import functools
import hashlib
import json
import types
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, Union, get_args, get_origin

import pyarrow as pa
from pydantic import BaseModel

from ursa.catalog.schemas import (
    RecordingEntry,
    Row,
    modality_keys,
)
from ursa.catalog.types import Interval, Json, Vector, canonical_json
from ursa.errors import CatalogSchemaError, InvalidArgument
from ursa.time import ns_to_timedelta, timedelta_to_ns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

RowT = TypeVar("RowT", bound=Row)

PRIMARY_KEY = {"lance-schema:unenforced-primary-key": "true"}
LABELS = pa.list_(pa.field("item", pa.utf8()))  # Lance indexes a list only if its child is "item"
_INTERVAL = pa.struct([("start", pa.float64()), ("end", pa.float64())])
_PLAIN = {str: pa.utf8(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
_KV_MAX = 200
DERIVED = ("k64", "rev", "extra", "metadata_kv", "end_time", "modality_names", "modality_status")


def schema_of(row_type: type[Row], *, vector_size: int = 0) -> pa.Schema:
    """Return the physical schema of the table that stores `row_type`."""
    key = row_type.__primary_key__
    fields = [pa.field("k64", pa.int64(), nullable=False, metadata=PRIMARY_KEY)]
    fields += [
        pa.field(name, type_, nullable=name not in key)
        for name, type_ in _field_types(row_type, vector_size)
    ]
    if "metadata" in row_type.model_fields:
        fields.append(pa.field("metadata_kv", LABELS))
    if issubclass(row_type, RecordingEntry):
        fields.append(pa.field("end_time", pa.int64()))
        fields += [pa.field(name, LABELS) for name in ("modality_names", "modality_status")]
    return pa.schema(
        [*fields, pa.field("extra", pa.utf8()), pa.field("rev", pa.int64(), nullable=False)]
    )


def _field_types(model: type[BaseModel], vector_size: int = 0) -> list[tuple[str, pa.DataType]]:
    return [
        (name, _arrow_type(field.annotation, field.metadata, vector_size))
        for name, field in model.model_fields.items()
    ]


def _arrow_type(  # noqa: PLR0911 - one line per kind of type
    annotation: Any, marks: Sequence[Any] = (), vector_size: int = 0
) -> pa.DataType:
    annotation, marks = _unwrapped(annotation, marks)
    if any(isinstance(mark, Json) for mark in marks):
        return pa.utf8()
    if any(isinstance(mark, Vector) for mark in marks):
        return pa.list_(pa.field("item", pa.float32()), vector_size)
    if annotation == Interval:
        return _INTERVAL
    if get_origin(annotation) is tuple:
        return pa.list_(pa.field("item", _arrow_type(get_args(annotation)[0])))
    if issubclass(annotation, timedelta):
        return pa.int64()
    if issubclass(annotation, BaseModel):
        extra = [("extra", pa.utf8())] if issubclass(annotation, Row) else []
        return pa.struct(_field_types(annotation) + extra)
    return pa.utf8() if issubclass(annotation, Enum) else _PLAIN[annotation]


def _unwrapped(annotation: Any, marks: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
    """Take `Annotated` and `| None` off a type, keeping what `Annotated` said."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation, *more = get_args(annotation)
            marks = [*marks, *more]
        elif get_origin(annotation) in (Union, types.UnionType):
            annotation = next(arg for arg in get_args(annotation) if arg is not type(None))
        else:
            return annotation, marks


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
    """Return the entry of `metadata_kv` for one metadata item; long values are hashed.

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


def modality_labels(name: str, status: str) -> str:
    """Return the entry of `modality_status` for one modality in one status."""
    return f"{name}={status}"


def _derived(row: Row) -> dict[str, Any]:
    values: dict[str, Any] = {"k64": k64(type(row), row.primary_key)}
    metadata = getattr(row, "metadata", None)
    if metadata is not None:
        values["metadata_kv"] = sorted(metadata_entry(k, v) for k, v in metadata.items())
    if isinstance(row, RecordingEntry):
        named = [
            (name, each)
            for key, each in modality_keys(row.modalities).items()
            for name in {key, each.modality}
        ]
        values["end_time"] = row.end_time
        values["modality_names"] = sorted({name for name, _ in named})
        statuses = {modality_labels(name, each.ingestion_status) for name, each in named}
        values["modality_status"] = sorted(
            statuses | {each.ingestion_status.value for _, each in named}
        )
    return values


def to_table(rows: Sequence[Row], schema: pa.Schema, rev: int = 0) -> pa.Table:
    """Return `rows` as one contiguous Arrow table of `schema`."""
    try:
        records = [{**_to_record(row, schema), "rev": rev} for row in rows]
        return pa.Table.from_pylist(records, schema=schema)
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, ValueError) as error:
        msg = f"{rows[0].__table__}: a row does not fit the table: {error}"
        raise CatalogSchemaError(msg) from error


def _to_record(row: Row, schema: pa.Schema) -> dict[str, Any]:
    record = _plain(row, schema)
    reserved = sorted(set(row.model_extra or ()) & set(DERIVED))
    if reserved:
        msg = f"field {reserved[0]!r} is reserved for the catalog; use another name"
        raise CatalogSchemaError(msg)
    return {**record, **_derived(row)}


def _plain(model: BaseModel, fields: pa.Schema | pa.StructType) -> dict[str, Any]:
    """Return the model's values by column; what has no column goes to `extra` as JSON."""
    extra = dict(model.model_extra or {})
    record = {
        field.name: _to_arrow(extra.pop(field.name, model.__dict__.get(field.name)), field.type)
        for field in fields
        if field.name not in DERIVED
    }
    if extra:
        record["extra"] = json.dumps(extra, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return record


def _to_arrow(value: Any, type_: pa.DataType) -> Any:
    if isinstance(value, dict) and pa.types.is_string(type_):
        return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)
    if isinstance(value, timedelta):
        return timedelta_to_ns(value)
    if isinstance(value, BaseModel):
        return _plain(value, type_)
    if isinstance(value, tuple) and pa.types.is_struct(type_):
        return {"start": value[0], "end": value[1]}
    if isinstance(value, tuple):
        return [_to_arrow(item, type_.value_type) for item in value]
    return value.value if isinstance(value, Enum) else value


def from_record(row_type: type[RowT], record: Mapping[str, Any]) -> RowT:
    """Return the row stored in one record of Arrow's Python values."""
    decoders = _decoders(row_type)
    values = {
        name: decoders[name](value) if name in decoders and value is not None else value
        for name, value in record.items()
        if name not in DERIVED and not (value is None and name not in row_type.model_fields)
    }
    return row_type.model_validate({**values, **json.loads(record.get("extra") or "{}")})


@functools.cache
def _decoders(model: type[BaseModel]) -> dict[str, Callable[[Any], Any]]:
    found = {
        name: _decoder(field.annotation, field.metadata)
        for name, field in model.model_fields.items()
    }
    return {name: decoder for name, decoder in found.items() if decoder is not None}


def _decoder(annotation: Any, marks: Sequence[Any] = ()) -> Callable[[Any], Any] | None:
    annotation, marks = _unwrapped(annotation, marks)
    if any(isinstance(mark, Json) for mark in marks):
        return json.loads
    if annotation is timedelta:
        return ns_to_timedelta
    if annotation == Interval:
        return lambda value: (value["start"], value["end"])
    if get_origin(annotation) is tuple:
        inner = _decoder(get_args(annotation)[0])
        return (lambda values: [inner(value) for value in values]) if inner else None
    if isinstance(annotation, type) and issubclass(annotation, Row):
        return functools.partial(from_record, annotation)
    return None
