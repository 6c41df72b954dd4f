from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ursa.catalog.schemas import ModalityRow, StorageFormat
from ursa.errors import UnsafePath
from ursa.files import safe_rel_path
from ursa.formats import raw_format, worker_of

NAMES = st.text("ae_. ä", min_size=1, max_size=6) | st.text(min_size=1, max_size=20)


def is_directory_name(name: str) -> bool:
    try:
        return "/" not in safe_rel_path(name)
    except UnsafePath:
        return False


@pytest.mark.parametrize(
    ("subdir", "modality", "worker"),
    [
        ("eeg", "eeg", ""),
        ("eeg_a", "eeg", "a"),
        ("camera_front_left", "camera", "front_left"),
        ("samsung-watch_2", "samsung-watch", "2"),
        ("EEG_A", "EEG", "A"),
        ("neon demo", "neon demo", ""),
        ("eeg_", "eeg_", ""),
        ("_hidden", "_hidden", ""),
        ("._mac", "._mac", ""),
        ("a_..", "a_..", ""),
        ("", "session_files", ""),
    ],
)
def test_directory_names_modality_and_worker(subdir: str, modality: str, worker: str) -> None:
    assert worker_of(subdir) == (modality, worker)


@given(NAMES.filter(is_directory_name))
def test_any_directory_gets_names_that_a_row_takes(subdir: str) -> None:
    modality, worker = worker_of(subdir)
    uri = f"r2://constellation-data/recordings/rec_1/{subdir}/"
    names = {"recording_hash": "h", "modality": modality, "worker_id": worker}
    row = ModalityRow.model_validate({**names, "raw_storage_uri": uri})
    assert row.primary_key == ("h", modality, worker)


@given(NAMES.filter(is_directory_name) | st.just(""), NAMES.filter(is_directory_name))
def test_two_directories_never_share_a_key(first: str, second: str) -> None:
    assume(first != second)
    assert worker_of(first) != worker_of(second)


@pytest.mark.parametrize(
    ("modality", "names", "form"),
    [
        ("camera", ["a.bin"], StorageFormat.RAW_VIDEO),
        ("Camera2", ["a.bin"], StorageFormat.RAW_VIDEO),
        ("mic", ["a.bin"], StorageFormat.RAW_AUDIO),
        ("eeg", ["a.mp4"], StorageFormat.RAW_BINARY),
        ("notes", ["a.txt"], StorageFormat.RAW_JSONL),
        ("other", ["a.mp4", "b.MKV"], StorageFormat.RAW_VIDEO),
        ("other", ["a.flac"], StorageFormat.RAW_AUDIO),
        ("other", ["a.jsonl", "b.ndjson"], StorageFormat.RAW_JSONL),
        ("other", ["a.mp4", "a.time"], StorageFormat.RAW_BINARY),
        ("other", ["no suffix"], StorageFormat.RAW_BINARY),
    ],
)
def test_form_is_told_by_name_and_else_by_every_suffix(
    modality: str, names: list[str], form: StorageFormat
) -> None:
    assert raw_format(modality, names) is form
