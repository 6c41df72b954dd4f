from __future__ import annotations

import struct
from array import array
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ursa.demo import readers

if TYPE_CHECKING:
    from pathlib import Path


def test_npy_float64_reads_what_numpy_wrote(tmp_path: Path) -> None:
    values = np.linspace(-1, 1, 1001)
    np.save(tmp_path / "a.npy", values)
    assert list(readers.npy_float64(tmp_path / "a.npy")) == values.tolist()


def test_npy_float64_reads_the_longer_header_of_version_2(tmp_path: Path) -> None:
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }\n"
    content = b"\x93NUMPY\x02\x00" + struct.pack("<I", len(header)) + header
    (tmp_path / "a.npy").write_bytes(content + struct.pack("<2d", 1.5, -2.0))
    assert list(readers.npy_float64(tmp_path / "a.npy")) == [1.5, -2.0]


@pytest.mark.parametrize("values", [np.zeros(3, "i4"), np.zeros((2, 2))])
def test_npy_float64_refuses_other_arrays(values: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(ValueError, match="float64"):
        readers.npy_float64(tmp_path / "a.npy")


def test_npy_float64_refuses_other_files(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(b"something else, and long enough for a header")
    with pytest.raises(ValueError, match=r"no \.npy file"):
        readers.npy_float64(tmp_path / "a.npy")


def test_pulses_are_where_a_channel_leaves_zero() -> None:
    assert readers.pulses(array("d", [1, 0, 0, 2, 2, 0, 1])) == [(0, 1.0), (3, 2.0), (6, 1.0)]
    assert readers.pulses(array("d")) == []


def test_trial_labels_follow_the_data_marker(tmp_path: Path) -> None:
    text = b"# a:b in \xb5Volt\n@classLabel true left right\n@data\n1,2:3,4:left\n\n5,6:7,8:right\n"
    (tmp_path / "a.ts").write_bytes(text)
    assert readers.trial_labels(tmp_path / "a.ts") == ["left", "right"]


def test_speaker_turns(tmp_path: Path) -> None:
    text = "SPEAKER f 1 6.69 0.43 <NA> <NA> anna <NA> <NA>\n\nLEXEME f 1 7 1 hi lex bob 1\n"
    (tmp_path / "a.rttm").write_text(text)
    assert readers.speaker_turns(tmp_path / "a.rttm") == [(6.69, 0.43, "anna")]


def test_utterances(tmp_path: Path) -> None:
    (tmp_path / "a.stm").write_text(";; a comment\nf 1 Anna 6.68 7.16 Hello, you there?\n")
    found = readers.utterances(tmp_path / "a.stm")
    assert found == [(6.68, 7.16, "Anna", "Hello, you there?")]
