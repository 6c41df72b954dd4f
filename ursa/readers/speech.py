"""Speaker turns of RTTM files and transcripts of STM files, as tables."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ursa.errors import FileUnreadable
from ursa.readers.tables import Table
from ursa.text import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa

_LONGEST_LINE = 1 << 16
_ROWS = 4096


def speech_table(path: Path, name: str) -> Table:
    """Return the turns of an ``.rttm`` file, or the utterances of an ``.stm`` file.

    Raises
    ------
    FileUnreadable
        From its batches, where a line lacks a field.
    """
    import pyarrow as pa

    text = ["event_type", "speaker"] if _is_rttm(path) else ["text", "author"]
    first = "event_time" if _is_rttm(path) else "note_time"
    schema = pa.schema(
        [(first, pa.float64()), ("duration", pa.float64()), *((each, pa.string()) for each in text)]
    )
    form = "RTTM" if _is_rttm(path) else "STM"
    return Table(name, schema, partial(_batches, path, name, schema), {"table_format": form})


def _is_rttm(path: Path) -> bool:
    return path.suffix.lower() == ".rttm"


def _batches(path: Path, name: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    held: list[tuple[float, float, str, str]] = []
    for row in _rows(path, name):
        held.append(row)
        if len(held) == _ROWS:
            yield pa.record_batch([list(column) for column in zip(*held, strict=True)], schema)
            held = []
    if held:
        yield pa.record_batch([list(column) for column in zip(*held, strict=True)], schema)


def _rows(path: Path, name: str) -> Iterator[tuple[float, float, str, str]]:
    parse = _turn if _is_rttm(path) else _utterance
    with path.open("rb") as file:
        number = 0
        while line := file.readline(_LONGEST_LINE):
            number += 1
            text = line.decode("utf-8", "replace").strip()
            if not text or text.startswith(";;"):
                continue
            try:
                row = parse(text)
            except (ValueError, IndexError) as error:
                msg = f"{name}, line {number}: {shortened(text, 80)} lacks a field or a time"
                raise FileUnreadable(msg) from error
            if row is not None:
                yield row


def _turn(line: str) -> tuple[float, float, str, str] | None:
    cells = line.split()
    if cells[0] != "SPEAKER":
        return None
    return float(cells[3]), float(cells[4]), "speaker_turn", cells[7]


def _utterance(line: str) -> tuple[float, float, str, str]:
    _, _, speaker, start, end, text = line.split(maxsplit=5)
    return float(start), round(float(end) - float(start), 9), text, speaker
