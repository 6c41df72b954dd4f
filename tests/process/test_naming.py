from __future__ import annotations

import re
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
    """Not even where a file system takes upper and lower case for one."""
    modalities = [
        *("eeg", "eeg.2", "eeg.2.1", "eeg.10", "EEG", "Eeg.2", "eeg-a", "eeg-a-b", "eeg--a", "-"),
        *("a_b", "a", "a_", "a__b", "eeg_a.2", "x.mp4", "x", "мозг", "Мозг", "e\u0301", "\xe9"),
        *("eeg run 1", "eeg-run-1", "a%20b", "a#b", "l" * 255, "l" * 254, "ß" * 127, "ss"),
    ]
    workers = ["", "c", "b_c", "_c", "C", "c.2", "2", "w" * 255]
    rows = [row(modality, worker) for modality in modalities for worker in workers]
    stems = [stem_of(each, each.modality, attempt) for each in rows for attempt in (1, 2, 10)]
    stems += [stem_of(row("eeg", worker), "eeg-a", 1) for worker in workers]
    stems += [stem_of(row("eeg", worker), "eeg-a-b", 2) for worker in workers]
    stems += [stem_of(row("eeg-a", worker), "eeg-a-b", 2) for worker in workers]
    assert len({each.casefold() for each in stems}) == len(stems)
    assert max(len(f"{each}.123.mp4.lance.sha256.json".encode()) for each in stems) <= 255
    assert all(re.fullmatch(r"[\w.-]+", each) and each[0] not in ".-" for each in stems)


def test_usual_names_stay_as_they_are() -> None:
    told = [
        ("eeg", "", "eeg"),
        ("samsung-watch", "a", "samsung-watch_a"),
        ("eeg", "b_1", "eeg_b_1"),
    ]
    assert [stem_of(row(each, worker), each, 1) for each, worker, _ in told] == [
        expected for *_, expected in told
    ]


def test_an_asset_that_an_older_version_named_is_not_written_over() -> None:
    asset = "r2://constellation-assets/virgo/h/a_b_c.2.zarr"
    older = row("a_b", "c").model_copy(update={"storage_uri": asset})
    own = row("a", "b_c")
    assert stem_of(own, "a", 1) == "a_b_c"
    assert stem_of(own, "a", 1, [older, own]).startswith("a-b-c.x")
    assert stem_of(own, "a", 1, [own.model_copy(update={"storage_uri": asset})]) == "a_b_c"
    marked = row("EEG").model_copy(update={"storage_uri": f"{asset[:-11]}eeg.x{'0a' * 8}.zarr"})
    assert stem_of(row("eeg"), "eeg", 1, [marked]) == "eeg"
