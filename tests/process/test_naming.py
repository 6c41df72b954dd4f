from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from ursa.catalog.processing import DERIVED_FROM
from ursa.catalog.schemas import ModalityRow
from ursa.formats.streams import SparseStream
from ursa.process.naming import named, stem_of

if TYPE_CHECKING:
    from collections.abc import Sequence

URI = "r2://constellation-data/recordings/rec_1/{}/"


def row(modality: str, worker: str = "", **metadata: str) -> ModalityRow:
    return ModalityRow(
        recording_hash="h",
        modality=modality,
        worker_id=worker,
        raw_storage_uri=URI.format(modality),
        metadata=metadata,
    )


def stream(name: str) -> SparseStream:
    return SparseStream(name, pa.schema([("timestamp", pa.float64())]), lambda: iter(()), "samples")


def names(modality: str, streams: Sequence[str], known: Sequence[ModalityRow] = ()) -> list[str]:
    found = [stream(name) for name in streams]
    return [each.modality for each in named(row(modality), found, [row(modality), *known])]


@pytest.mark.parametrize(
    ("streams", "expected"),
    [
        (["", "a", "a"], ["eeg", "eeg-a", "eeg-a-2"]),
        (["", "", ""], ["eeg", "eeg-2", "eeg-3"]),
        (["a", "A!", "a", "a-2"], ["eeg", "eeg-a", "eeg-a-2", "eeg-a-2-2"]),
        (["", "x.2", "x_y", "../up"], ["eeg", "eeg-x-2", "eeg-x-y", "eeg-up"]),
    ],
)
def test_no_two_streams_become_one_modality(streams: list[str], expected: list[str]) -> None:
    assert names("eeg", streams) == expected


def test_names_of_recorded_modalities_and_their_streams_are_not_taken() -> None:
    rig = [row("eeg-events"), row("eeg-a")]
    assert names("eeg", ["", "events", "a-b"], rig) == ["eeg", "eeg-2-events", "eeg-2-a-b"]
    assert names("eeg-a", ["", "b"], [row("eeg"), *rig]) == ["eeg-a", "eeg-a-b"]


def test_a_stream_keeps_its_name_when_processed_again() -> None:
    before = row("eeg-events", **{DERIVED_FROM: "eeg"})
    assert names("eeg", ["", "events"], [before]) == ["eeg", "eeg-events"]


def test_no_two_attempts_at_anything_share_a_name() -> None:
    modalities = ["eeg", "eeg.2", "eeg.2.1", "eeg.10"]
    attempts = [(each, attempt) for each in modalities for attempt in (1, 2, 10)]
    stems = [stem_of(row(modality), modality, attempt) for modality, attempt in attempts]
    assert len(set(stems)) == len(stems)
