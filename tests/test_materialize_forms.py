"""Rows, videos and tables in memory, from what other packages read of the same files."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pyarrow as pa
import pytest
import temporaldata  # type: ignore[import-untyped]

from tests.formats.storing import clip
from tests.processed import dense, noise, store
from ursa import DataInterface
from ursa.errors import InvalidArgument
from ursa.formats.streams import SparseStream, TableStream, VideoPart, VideoStream
from ursa.reading import columns

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ursa.temporal import Data

TIMES = [0.5, 1.0, 1.25, 4.0, 9.0]


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clip(tmp_path_factory.mktemp("video") / "one.mp4", frames=60, gop=10)


@pytest.fixture(scope="module")
def decoded(video: Path) -> NDArray[np.uint8]:
    with av.open(video) as file:
        return np.stack([each.to_ndarray(format="rgb24") for each in file.decode(video=0)])


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, video: Path) -> DataInterface:
    events = pa.record_batch(
        {
            "timestamp": TIMES,
            "duration": [None, 8.0, 0.5, 1.0, None],
            "event_type": ["cue", "trial", "cue", None, "ende Ä"],
            "keys": pa.array([1, None, 3, 4, 5]),
            "hit": pa.array([True, None, False, True, True]),
        }
    )
    table = pa.record_batch({"question": ["a", "b"], "keys": [1, 2]})
    made = DataInterface("local", path=tmp_path_factory.mktemp("forms") / "site")
    made.enable_writes()
    store(
        made,
        {
            "eeg": dense(noise(1000)),
            "events": SparseStream("", events.schema, lambda: iter([events]), "events"),
            "camera": VideoStream("", (VideoPart(video, 1.0),)),
            "answers": TableStream("", table.schema, lambda: iter([table])),
        },
        seconds=10.0,
    )
    return made


@pytest.fixture
def whole(data: DataInterface) -> Data:
    return data.materialize(data.query()[0])


def test_rows_keep_their_times_and_columns(whole: Data) -> None:
    events = whole.events
    assert isinstance(events, temporaldata.IrregularTimeSeries)
    assert events.timestamps.tolist() == TIMES
    assert events.event_type.tolist() == ["cue", "trial", "cue", "", "ende Ä"]
    np.testing.assert_array_equal(events.duration, [np.nan, 8, 0.5, 1, np.nan])
    np.testing.assert_array_equal(events.keys_, [1, np.nan, 3, 4, 5])
    np.testing.assert_array_equal(events.hit, [1, np.nan, 0, 1, 1])


def test_rows_that_overlap_can_be_sliced(whole: Data) -> None:
    part = whole.slice(1, 5).events
    assert part.timestamps.tolist() == [0, 0.25, 3]
    assert part.duration.tolist() == [8, 0.5, 1]


def test_rows_are_clipped_to_what_was_asked_for(data: DataInterface) -> None:
    found = data.materialize(data.query()[0], time=(1, 4), modalities="events").events
    assert found.timestamps.tolist() == [1, 1.25]
    assert list(found.domain) == [(1, 4)]


def test_a_table_has_its_columns(whole: Data) -> None:
    assert whole.answers.question.tolist() == ["a", "b"]
    assert whole.answers.keys_.tolist() == [1, 2]


def test_frames_are_those_that_the_file_decodes_to(whole: Data, decoded: NDArray[np.uint8]) -> None:
    camera = whole.camera
    np.testing.assert_allclose(camera.timestamps, 1 + np.arange(60) / 25, atol=1e-9)
    times, frames = camera.frames(1.4, 2.0)
    assert np.array_equal(frames, decoded[10:25])
    assert np.array_equal(times, camera.timestamps[10:25])
    assert np.array_equal(camera.frames()[1], decoded)
    assert camera.frames(8, 9)[1].shape == (0, *decoded.shape[1:])


def test_slices_of_a_video_have_their_own_clock(
    data: DataInterface, decoded: NDArray[np.uint8]
) -> None:
    part = data.materialize(data.query()[0], time=(1.2, 3)).slice(1.4, 2.6).slice(0.2, 1).camera
    times, frames = part.frames()
    np.testing.assert_allclose(times, np.arange(20) / 25, atol=1e-9)
    assert np.array_equal(frames, decoded[15:35])
    again = pickle.loads(pickle.dumps(part))
    assert np.array_equal(again.frames(0.2, 0.4)[1], decoded[20:25])


def test_selected_spans_leave_out_the_frames_between(
    data: DataInterface, decoded: NDArray[np.uint8]
) -> None:
    result = data.query()[0].model_copy(update={"time_selection": ((1.0, 1.2), (2.0, 2.2))})
    camera = data.materialize(result, modalities="camera").camera
    assert np.array_equal(camera.frames()[1], np.concatenate([decoded[:5], decoded[25:30]]))
    assert np.array_equal(camera.frames(2)[1], decoded[25:30])


def test_windows_have_their_frames_and_rows(
    data: DataInterface, decoded: NDArray[np.uint8]
) -> None:
    found = list(data.stream(data.query(), window=0.8, modalities=["eeg", "camera", "events"]))
    np.testing.assert_allclose([each.start for each in found], [1, 1.8, 2.6], atol=1e-9)
    times, frames = found[1]["camera"]
    assert np.array_equal(frames, decoded[20:40])
    assert len(times) == 20
    assert found[0]["events"]["event_type"].tolist() == ["trial", "cue"]
    (batch,) = data.stream(data.query(), window=0.8, batch=3, modalities=["eeg", "camera"])
    assert np.array_equal(batch["camera"][2][1], decoded[40:])


def test_a_table_has_no_windows(data: DataInterface) -> None:
    assert "answers" not in next(iter(data.stream(data.query(), window=0.5)))
    with pytest.raises(InvalidArgument, match="answers has no times"):
        data.stream(data.query(), window=1, modalities="answers").__len__()


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([1, 2], pa.int16()), np.array([1, 2], np.int16)),
        (pa.array([True, False]), np.array([True, False])),
        (pa.array(["x", None]).dictionary_encode(), np.array(["x", ""])),
        (pa.array([], pa.utf8()), np.array([], np.str_)),
        (pa.array([[1.0, 2.0]], pa.list_(pa.float64(), 2)), np.array([[1.0, 2.0]])),
    ],
)
def test_columns_become_arrays(column: pa.Array, expected: NDArray[Any]) -> None:
    found = columns(pa.table({"x": column}))["x"]
    assert np.array_equal(found, expected)
    assert found.dtype.kind == expected.dtype.kind
    found.flags.writeable = True
