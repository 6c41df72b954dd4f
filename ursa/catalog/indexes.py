"""Which columns of a catalog table have an index, and of which kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ursa.catalog.arrow import LABELS
from ursa.catalog.derived import promoted_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa
    from lancedb.table import Table as LanceTable

    from ursa.catalog.schemas import Row

_RANGES = {"recording_hash", "source_hash", "start_time", "end_time", "duration"}
_CLASSES = {"modality", "ingestion_status", "event_type", "model"}


def make_indexes(table: LanceTable, wanted: Mapping[str, Any]) -> None:
    """Make the indexes that are not there yet."""
    there = {column for index in table.list_indices() for column in index.columns}
    for column, config in wanted.items():
        if column not in there:
            table.create_index(column, config=config)


def indexes(schema: pa.Schema, row_type: type[Row]) -> dict[str, Any]:
    """Return the index of each column that queries filter by; never one on ``k64``."""
    from lancedb.index import FTS, Bitmap, BTree, LabelList

    found: dict[str, Any] = {}
    for field in schema:
        name = field.name
        if name in _RANGES | {row_type.__primary_key__[0]} or promoted_key(name) is not None:
            found[name] = BTree()
        elif name in _CLASSES:
            found[name] = Bitmap()
        elif field.type == LABELS:
            found[name] = LabelList()
        elif name == "search_text":
            # Notes are in any language, so no words are stemmed or left out.
            found[name] = FTS(with_position=False, stem=False, remove_stop_words=False)
    return found
