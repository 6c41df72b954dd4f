"""Local sites with a catalog of many recordings, made once and kept."""

from __future__ import annotations

import hashlib
import inspect
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.benchmarks import catalogs, columns
from ursa import DataInterface
from ursa.catalog import EventRow, ModalityRow, ParticipantRow, RecordingEntry
from ursa.catalog.arrow import schema_of
from ursa.catalog.indexes import indexes
from ursa.demo.whole import whole_directory
from ursa.site_files import CATALOG_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa

    from ursa.catalog import Row

SEED = 7
BATCH = 100_000
MADE: tuple[type[Row], ...] = (RecordingEntry, ModalityRow, EventRow)


def site(top: Path, recordings: int) -> Path:
    """Return a site with a catalog of so many recordings, made if `top` has none yet."""
    place = top / f"site-{recordings}-{_form()}"
    if not place.exists():
        begin = time.perf_counter()
        with whole_directory(place) as directory:
            fill(directory, recordings)
        print(f"made {recordings} recordings in {time.perf_counter() - begin:.0f} s")
    return place


def _form() -> str:
    """Return what changes with what is made and with how it is stored."""
    parts = [str(CATALOG_VERSION)]
    parts += [str(indexes(schema_of(each), each)) + str(schema_of(each)) for each in MADE]
    parts += [inspect.getsource(each) for each in (catalogs, columns)]
    return hashlib.sha256("".join(parts).encode()).hexdigest()[:8]


def fill(place: Path, recordings: int) -> None:
    """Make a site at `place` with its catalog, compact and fully indexed."""
    data = DataInterface("local", path=place)
    data.enable_writes()
    tables = {each: data.catalog.table(each)._handle.create() for each in MADE}
    data.catalog.table(ParticipantRow)._handle.create().add(catalogs.people())
    for number, start in enumerate(range(0, recordings, BATCH)):
        made = catalogs.batch(SEED, number, min(BATCH, recordings - start))
        for row_type, rows in made.items():
            tables[row_type].add(rows)
    for table in tables.values():
        table.optimize(cleanup_older_than=timedelta(microseconds=1), delete_unverified=True)


def batches(
    data: DataInterface, row_type: type[Row], columns: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """Yield columns of a table, for those who store the same otherwise."""
    table = data.catalog.table(row_type)._handle.opened()
    assert table is not None
    yield from table.search().select(list(columns)).to_batches(BATCH)
