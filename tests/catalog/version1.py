"""Writes catalogs of format version 1, as `ursa.catalog.arrow` of commit 9e33236 did.

The schemas below were compared with those that that commit's own code makes.
"""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any

import lancedb
import pyarrow as pa
from pydantic import BaseModel

from ursa.catalog import ROW_CLASSES, EmbeddingRow, ModalityRow, RecordingEntry, RecordingRow, Row
from ursa.catalog.arrow import schema_of
from ursa.catalog.derived import k64, modality_labels
from ursa.catalog.result_keys import modality_keys
from ursa.catalog.types import canonical_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

NEW = {"channel_spec_kv", "search_text", "source_hash"}
DERIVED = {"k64", "rev", "extra", "metadata_kv", "end_time", "modality_names", "modality_status"}
LONGEST = 200


def schema(row_type: type[Row], vector_size: int = 0) -> pa.Schema:
    stored = RecordingEntry if row_type is RecordingRow else row_type
    fields = []
    for field in schema_of(stored, vector_size=vector_size):
        if field.name == "modalities":
            inner = [each.remove_metadata() for each in schema(ModalityRow)]
            kept = [each.with_nullable(nullable=True) for each in inner if each.name not in DERIVED]
            struct = pa.struct([*kept, pa.field("extra", pa.utf8())])
            fields.append(pa.field("modalities", pa.list_(pa.field("item", struct))))
        elif field.name not in NEW:
            fields.append(field)
    names = [field.name for field in fields]
    # The labels of metadata came before the end time.
    if "end_time" in names:
        fields.insert(names.index("end_time"), fields.pop(names.index("metadata_kv")))
    return pa.schema(fields)


def record(row: Row) -> dict[str, Any]:
    values: dict[str, Any] = {"k64": k64(type(row), row.primary_key), "rev": 0}
    values |= {name: plain(getattr(row, name)) for name in type(row).model_fields}
    values["metadata_kv"] = sorted(label(key, each) for key, each in row.metadata.items())  # type: ignore[attr-defined]
    if row.model_extra:
        values["extra"] = dumped(row.model_extra)
    if isinstance(row, RecordingEntry):
        named = [
            (name, each)
            for key, each in modality_keys(row.modalities).items()
            for name in {key, each.modality}
        ]
        statuses = {modality_labels(name, each.ingestion_status) for name, each in named}
        values["end_time"] = row.end_time
        values["modality_names"] = sorted({name for name, _ in named})
        values["modality_status"] = sorted(
            statuses | {each.ingestion_status.value for _, each in named}
        )
    return values


def plain(value: Any) -> Any:  # noqa: PLR0911 - one line per kind
    if isinstance(value, dict):
        return dumped(value)
    if isinstance(value, timedelta):
        return value // timedelta(microseconds=1) * 1000
    if isinstance(value, ModalityRow):
        inner = {name: each for name, each in record(value).items() if name not in DERIVED}
        return {**inner, "extra": dumped(value.model_extra) if value.model_extra else None}
    if isinstance(value, BaseModel):
        return {name: plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, tuple) and value and isinstance(value[0], tuple):
        return [{"start": start, "end": end} for start, end in value]
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    return value.value if isinstance(value, Enum) else value


def dumped(value: Mapping[str, Any]) -> str:
    return json.dumps(dict(value), sort_keys=True, ensure_ascii=False, allow_nan=False)


def label(key: str, value: Any) -> str:
    text = canonical_json(value)
    long = len(text) > LONGEST
    return f"{key}={'sha256:' + hashlib.sha256(text.encode()).hexdigest() if long else text}"


def write(directory: Path, rows: Mapping[type[Row], Sequence[Row]]) -> Path:
    """Write a catalog with all tables but empty embeddings, and return its directory."""
    connection = lancedb.connect(directory)
    for row_type in ROW_CLASSES:
        given = rows.get(row_type, [])
        if row_type is EmbeddingRow and not given:
            continue
        sizes = {len(row.vector) for row in given if isinstance(row, EmbeddingRow)}
        wanted = schema(row_type, max(sizes, default=0))
        table = connection.create_table(row_type.__table__, schema=wanted)
        if given:
            table.add(pa.Table.from_pylist([record(row) for row in given], schema=wanted))
    return directory


def write_site(root: Path, rows: Mapping[type[Row], Sequence[Row]]) -> Path:
    """Write a local site with such a catalog."""
    write(root / "assets" / "ursa" / "catalog-1", rows)
    (root / "assets" / "ursa" / "ACTIVE.json").write_text(
        '{\n  "prefix": "ursa/catalog-1",\n  "version": 1\n}'
    )
    (root / "ursa-site.json").write_text('{\n  "format": "ursa-site",\n  "version": 1\n}')
    return root
