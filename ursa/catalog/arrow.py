"""Rows as Arrow: the physical schema of each table, and the way there and back.

Beside a row's own fields every table holds

``k64``
    int64, 63 bits of the SHA-256 of the primary key: the unenforced primary key that Lance guards
    concurrent inserts with. It must never get an index: an index turns that guard off.
``rev``
    int64, counts the updates of a row; compare-and-swap key.
``extra``
    JSON of fields that neither the row class nor the table knows.
``metadata_kv``, and ``channel_spec_kv`` of modalities
    labels of each entry, for indexed conditions: ``key=<canonical JSON>``, and its kind, like
    ``key=#number``.
``metadata__<key>``
    one entry of the metadata as a typed column, where somebody asked for it.

Recordings also hold ``end_time``, ``modality_names`` and ``modality_status``; recordings and
events ``search_text`` for the full-text index; embeddings ``source_hash``, since LanceDB cannot
optimize an index on a field of a struct. A recording's modalities are one JSON text, since
reading a page of structs costs several times as much.
"""

from __future__ import annotations

import functools
import json
import types
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, Union, get_args, get_origin

import pyarrow as pa
from pydantic import BaseModel

from ursa.catalog.derived import LABELLED, derived, is_derived
from ursa.catalog.schemas import EmbeddingRow, EventRow, ModalityRow, RecordingEntry, Row
from ursa.catalog.types import Interval, Json, Vector, json_text
from ursa.errors import CatalogSchemaError
from ursa.time import ns_to_timedelta, timedelta_to_ns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

RowT = TypeVar("RowT", bound=Row)

PRIMARY_KEY = {"lance-schema:unenforced-primary-key": "true"}
LABELS = pa.list_(pa.field("item", pa.utf8()))  # Lance indexes a list only if its child is "item"
_INTERVAL = pa.struct([("start", pa.float64()), ("end", pa.float64())])
_PLAIN = {str: pa.utf8(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}


def schema_of(row_type: type[Row], *, vector_size: int = 0) -> pa.Schema:
    """Return the physical schema of the table that stores `row_type`."""
    key = row_type.__primary_key__
    fields = [pa.field("k64", pa.int64(), nullable=False, metadata=PRIMARY_KEY)]
    fields += [
        pa.field(name, type_, nullable=name not in key)
        for name, type_ in _field_types(row_type, vector_size)
    ]
    labels = [f"{name}_kv" for name in LABELLED if name in row_type.model_fields]
    if issubclass(row_type, RecordingEntry):
        fields.append(pa.field("end_time", pa.int64()))
        labels += ["modality_names", "modality_status"]
    fields += [pa.field(name, LABELS) for name in labels]
    if issubclass(row_type, EmbeddingRow):
        fields.append(pa.field("source_hash", pa.utf8()))
    if issubclass(row_type, RecordingEntry | EventRow):
        fields.append(pa.field("search_text", pa.utf8()))
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
        return pa.struct(_field_types(annotation))
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
    reserved = sorted(name for name in row.model_extra or () if is_derived(name))
    if reserved:
        msg = f"field {reserved[0]!r} is reserved for the catalog; use another name"
        raise CatalogSchemaError(msg)
    return {**record, **derived(row, schema)}


def _plain(model: BaseModel, fields: pa.Schema | pa.StructType) -> dict[str, Any]:
    """Return the model's values by column; what has no column goes to `extra` as JSON."""
    extra = dict(model.model_extra or {})
    record = {
        field.name: _to_arrow(extra.pop(field.name, model.__dict__.get(field.name)), field.type)
        for field in fields
        if not is_derived(field.name)
    }
    if extra:
        record["extra"] = json_text(extra)
    return record


def _to_arrow(value: Any, type_: pa.DataType) -> Any:  # noqa: PLR0911 - one line per kind
    if pa.types.is_string(type_) and isinstance(value, dict):
        return json_text(value)
    if pa.types.is_string(type_) and isinstance(value, tuple):
        return json_text([_nested(row) for row in value])
    if isinstance(value, timedelta):
        return timedelta_to_ns(value)
    if isinstance(value, BaseModel):
        return _plain(value, type_)
    if isinstance(value, tuple) and pa.types.is_struct(type_):
        return {"start": value[0], "end": value[1]}
    if isinstance(value, tuple):
        return [_to_arrow(item, type_.value_type) for item in value]
    return value.value if isinstance(value, Enum) else value


def _nested(row: ModalityRow) -> dict[str, Any]:
    """Return a modality without what its recording or its own fields say already."""
    record = row.model_dump(mode="json", exclude={"recording_hash"}, exclude_defaults=True)
    if row.storage_uri == row.raw_storage_uri:
        record.pop("storage_uri", None)
    return record


def nested_modalities(recording_hash: str, text: str | None) -> list[ModalityRow]:
    """Return the modalities of a recording from their JSON text."""
    return [
        ModalityRow.model_validate({"recording_hash": recording_hash, **record})
        for record in json.loads(text or "[]")
    ]


def from_record(row_type: type[RowT], record: Mapping[str, Any]) -> RowT:
    """Return the row stored in one record of Arrow's Python values."""
    decoders = _decoders(row_type)
    values = {
        name: decoders[name](value) if name in decoders and value is not None else value
        for name, value in record.items()
        if not is_derived(name) and not (value is None and name not in row_type.model_fields)
    }
    if "modalities" in values:
        values["modalities"] = nested_modalities(record["recording_hash"], record["modalities"])
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
    if get_origin(annotation) is tuple and get_args(annotation)[0] is not ModalityRow:
        inner = _decoder(get_args(annotation)[0])
        return (lambda values: [inner(value) for value in values]) if inner else None
    return None
