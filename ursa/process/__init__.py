"""Raw segments to processed assets."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ursa.catalog.schemas import IngestionStatus, ModalityRow
from ursa.files import chunks_of, sha256_file
from ursa.formats import write_inventory
from ursa.formats.stored import write_stream
from ursa.frozen import FrozenDict
from ursa.readers import Source, streams
from ursa.register.rows import put_modalities
from ursa.transfer.download import download

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ursa.catalog import Catalog
    from ursa.formats.streams import Stream, Written
    from ursa.result import QueryResult
    from ursa.stores import Stores


def process(
    results: Iterable[QueryResult], catalog: Catalog, reading: Stores, writing: Stores, assets: str
) -> int:
    """Process every raw modality of `results`; return how many were processed."""
    done = 0
    for result in results:
        for name, row in result.modalities.items():
            if row.ingestion_status is IngestionStatus.RAW:
                part = result.model_copy(update={"modalities": FrozenDict({name: row})})
                with tempfile.TemporaryDirectory(prefix="ursa-process-") as work:
                    rows = _one(part, row, Path(work), reading, writing, assets)
                put_modalities(catalog, rows, "overwrite")
                done += 1
    return done


def _one(
    part: QueryResult, row: ModalityRow, work: Path, reading: Stores, writing: Stores, assets: str
) -> list[ModalityRow]:
    copies = download(part, reading, work / "raw", source="raw").plan.copies
    folder = (work / "raw" / copies[0].rel_path).parent
    files = tuple(
        sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    )
    source = Source(folder, files, row, part.start_time, part.duration.total_seconds())
    found, _left = streams(source)
    return [_stored(each, row, work / "made", writing, assets) for each in found]


def _stored(
    stream: Stream, row: ModalityRow, made: Path, writing: Stores, assets: str
) -> ModalityRow:
    made.mkdir(exist_ok=True)
    modality = f"{row.modality}-{stream.name}" if stream.name else row.modality
    stem = f"{modality}_{row.worker_id}" if row.worker_id else modality
    written = write_stream(stream, made, stem)
    uri = f"{assets}/virgo/{row.recording_hash}/{written.name}"
    store, key = writing.writable(uri)
    files = []
    for path in sorted(made.rglob("*")):
        if path.is_file() and path.relative_to(made).as_posix().startswith(written.name):
            name = f"{key.rpartition('/')[0]}/{path.relative_to(made).as_posix()}"
            digest = sha256_file(path)
            with path.open("rb") as file:
                size = store.write(name, chunks_of(file), sha256=digest)
            files.append((name, size, digest))
    write_inventory(store, key, files)
    return _row(row, modality, uri, written)


def _row(row: ModalityRow, modality: str, uri: str, written: Written) -> ModalityRow:
    fields = {
        "modality": modality,
        "ingestion_status": IngestionStatus.PROCESSED,
        "storage_uri": uri,
        "format": written.format,
        "sampling_rate": written.sampling_rate,
        "domain_intervals": written.domain,
        "channel_spec": {**row.channel_spec, **written.channel_spec},
        "metadata": {**row.metadata, **written.metadata},
    }
    return ModalityRow(**{**dict(row), **fields})
