from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.readers.given import as_dense, consumed, read_file, samples, source_of
from ursa.errors import FileUnreadable
from ursa.readers import streams

DEMO = Path("/tmp/x/demo6/sessions")
HEAD = (
    "# a comment, \xb5V\n@problemName Test\n@timeStamps false\n@classLabel true left right\n@data\n"
)
BODY = "1,2.5,-3:4,5,6e1:left\n\n-1,?,3:0,0,0:right\n7,8:9,10:left\n"


def written(folder: Path, text: str, name: str = "a.ts") -> Path:
    path = folder / name
    path.write_bytes(text.encode("latin-1"))
    return path


def test_each_trial_is_a_segment(tmp_path: Path) -> None:
    spec = {"channels": ["C3", "C4"], "unit": "uV"}
    path = written(tmp_path, HEAD + BODY)
    offset = {"start_offset_s": 2.0}
    stream = as_dense(read_file(path, sampling_rate=4.0, channel_spec=spec, metadata=offset)[""])
    assert [tuple(each) for each in stream.segments] == [
        (0, 3, 2.0, 4.0),
        (3, 3, 2.75, 4.0),
        (6, 2, 3.5, 4.0),
    ]
    expected = [[1, 4], [2.5, 5], [-3, 60], [-1, 0], [np.nan, 0], [3, 0], [7, 9], [8, 10]]
    assert np.array_equal(samples(stream), np.array(expected), equal_nan=True)
    assert [(each.name, each.unit, each.kind) for each in stream.channels] == [
        ("C3", "uV", "eeg"),
        ("C4", "uV", "eeg"),
    ]
    assert (stream.metadata["trials"], stream.metadata["trial_labels"]) == (3, ["left", "right"])


def test_trials_without_labels(tmp_path: Path) -> None:
    text = HEAD.replace("true left right", "false") + "1,2:3,4\n"
    stream = as_dense(read_file(written(tmp_path, text), sampling_rate=4.0)[""])
    assert samples(stream).tolist() == [[1, 3], [2, 4]]


@pytest.mark.parametrize("path", sorted(DEMO.glob("*/eeg/*.ts")) or [None])
def test_demo_recording_has_its_values(path: Path | None) -> None:
    if path is None:
        pytest.skip(f"no demo sessions at {DEMO}")
    manifest = json.loads((path.parents[1] / "manifest.json").read_text())
    known = manifest["modalities"]["eeg"]
    rate, spec = known["sampling_rate"], known["channel_spec"]
    stream = as_dense(read_file(path, sampling_rate=rate, channel_spec=spec)[""])
    lines = path.read_text("latin-1").lower().split("@data")[1].split()
    trials = [[part.split(",") for part in line.split(":")[:-1]] for line in lines]
    expected = np.array(trials, np.float64).transpose(0, 2, 1).astype(np.float32)
    assert (samples(stream).reshape(expected.shape) == expected).all()
    assert len(stream.segments) == known["metadata"]["trials"]
    assert stream.segments[1].start == known["metadata"]["trial_s"]
    assert [each.name for each in stream.channels] == spec["channels"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD, "has no trial"),
        (HEAD[:-7], "no line @data"),
        (HEAD + "1,2:3:left\n", "trial 1 has 2 channels"),
        (HEAD + "1:3:left\n1:2:3:left\n", "trial 2 has 3 channels"),
        (HEAD.replace("timeStamps false", "timeStamps true") + BODY, "@timeStamps true"),
        (HEAD + "1,x:3,4:left\n", "trial 1: .*could not convert"),
        (HEAD + "1,:3,4:left\n", "trial 1: .*could not convert"),
    ],
)
def test_a_damaged_file_is_refused_with_its_reason(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(FileUnreadable, match=said):
        consumed(read_file(written(tmp_path, text), sampling_rate=4.0).values())


@pytest.mark.parametrize("head", [b"G@\x00\x10" * 50, b"import { x } from 'y';\n"])
def test_videos_and_programs_of_the_same_suffix_are_not_claimed(
    tmp_path: Path, head: bytes
) -> None:
    (tmp_path / "a.ts").write_bytes(head)
    with pytest.raises(FileUnreadable, match="no reader knows"):
        read_file(tmp_path / "a.ts", sampling_rate=4.0)


def test_a_line_that_never_ends_is_refused_in_little_memory(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD)
    with path.open("r+b") as file:
        file.truncate(200 << 20)
    tracemalloc.start()
    try:
        with pytest.raises(FileUnreadable):
            consumed(read_file(path, sampling_rate=4.0).values())
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 300 << 20


@given(
    flips=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=4),
    length=st.integers(1, 200),
)
def test_any_bytes_are_refused_or_read(
    tmp_path_factory: pytest.TempPathFactory, flips: list[tuple[int, int]], length: int
) -> None:
    content = bytearray((HEAD + BODY).encode("latin-1"))
    for at, byte in flips:
        content[at % len(content)] = byte
    folder = tmp_path_factory.mktemp("damaged")
    (folder / "a.ts").write_bytes(bytes(content[:length]))
    try:
        found, _left = streams(source_of(folder, "a.ts", sampling_rate=4.0))
        consumed(found)
    except FileUnreadable as error:
        assert "a.ts" in str(error)  # noqa: PT017 no error at all is as good
