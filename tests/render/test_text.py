from __future__ import annotations

import json
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ursa.errors import FileFailure
from ursa.progress import ActiveFile, JobSnapshot
from ursa.render.text import as_line, described, fraction, percent, printable

FAILURE = FileFailure("raw/k.bin", "h/eeg/k\x1b.bin", OSError("gone\naway"))


@pytest.mark.parametrize(
    ("snapshot", "line"),
    [
        (JobSnapshot("j", "planning"), "planning"),
        (
            JobSnapshot("j", "running", 4, 1, 1, 1, 8000, 2000, 500, 100.0, 3661.2),
            (
                "running, 25%, 1 failed, 2.0 kB/8.0 kB, 2/4 files, 1 there already, 1:01:01 left, "
                "100 B/s"
            ),
        ),
        (
            JobSnapshot("j", "running", 1, bytes_total=9),
            "running, 0%, 0 B/9 B, 0/1 files",
        ),
        (
            JobSnapshot("j", "paused", 4, 1, bytes_total=8000, bytes_valid=2000, rate=9, eta_s=1),
            "paused, 25%, 2.0 kB/8.0 kB, 1/4 files",
        ),
        (JobSnapshot("j", "cancelled", elapsed_s=2), "cancelled, 0%, 0 B/0 B, 0 files, in 0:00:02"),
        (
            JobSnapshot("j", "done", 1, 1, elapsed_s=0.4),
            "done, 100%, 0 B/0 B, 1/1 files, in 0:00:00",
        ),
    ],
)
def test_a_snapshot_is_one_line(snapshot: JobSnapshot, line: str) -> None:
    assert as_line(snapshot) == line


@given(st.integers(0, 10**15), st.integers(0, 10**15))
def test_the_fraction_stays_in_its_bounds_and_is_never_rounded_up(valid: int, total: int) -> None:
    snapshot = JobSnapshot("j", "running", bytes_total=total, bytes_valid=valid)
    assert 0 <= fraction(snapshot) <= 1
    assert (percent(snapshot) == "100%") == (0 < total <= valid)


def test_a_described_snapshot_has_every_field_and_is_json() -> None:
    snapshot = JobSnapshot("j", "failed", active=(ActiveFile("a", 1, 2),), failures=(FAILURE,))
    values = json.loads(json.dumps(described(snapshot)))
    assert set(values) == {field.name for field in fields(snapshot)}
    assert values["active"] == [{"key": "a", "bytes_done": 1, "size": 2}]
    assert values["failures"] == [
        {
            "key": "raw/k.bin",
            "rel_path": "h/eeg/k\x1b.bin",
            "error": "OSError",
            "message": "gone\naway",
        }
    ]


@given(st.text())
def test_printable_text_has_one_line_and_no_control_character(text: str) -> None:
    assert printable(text).isprintable()
