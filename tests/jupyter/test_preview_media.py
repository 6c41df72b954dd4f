from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
import soundfile

from tests.formats.storing import clip as encoded
from tests.formats.storing import decoded
from tests.jupyter.browsing import Giver
from tests.jupyter.previewing import KEY, Looker, dense, stored
from ursa import DataInterface
from ursa.formats.streams import VideoPart, VideoStream

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

START, RATE = 2.0, 16_000.0
FRAMES = 100  # at 25 per second, a key frame each second


def noise(dtype: str, seconds: float = 4) -> NDArray[Any]:
    found = np.random.default_rng(1).uniform(-0.5, 0.5, (int(seconds * RATE), 2))
    if dtype == "f4":
        return found.astype("f4")
    if dtype == "i4":  # 24 bit, as soundfile reads them
        return (found * 2**23).astype("i4") << 8
    return (found * 2**15).astype(dtype)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return encoded(tmp_path_factory.mktemp("clip") / "a.mp4", FRAMES, 25, 2)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, video: Path) -> DataInterface:
    found = DataInterface("local", path=tmp_path_factory.mktemp("site") / "site")
    found.enable_writes(("assets_rw",))
    gap = ((0, START), (int(2 * RATE), 10.0))
    streams: Any = {
        "camera": VideoStream("", (VideoPart(video, START), VideoPart(video, 20.0))),
        "mic": dense(noise("i2"), RATE, gap, "audio", 2.0**-15),
        "fine": dense(noise("i4"), RATE, ((0, START),), "audio", 2.0**-31),
        "float": dense(noise("f4") * 2, RATE, ((0, START),), "audio", 0.5),
        "loud": dense(noise("i2", 30).repeat(16, 1), RATE, ((0, 0.0),), "audio", 2.0**-15),
    }
    stored(found, streams)
    return found


@pytest.fixture(scope="module")
def look(data: DataInterface) -> Looker:
    return Looker(data)


def heard(buffers: list[bytes], dtype: str) -> tuple[NDArray[Any], int]:
    (wav,) = buffers
    samples, rate = soundfile.read(io.BytesIO(wav), dtype=dtype, always_2d=True)
    return samples, rate


# -- sound -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "dtype", "subtype"),
    [("fine", "int32", "PCM_24"), ("float", "float32", "FLOAT"), ("mic", "int16", "PCM_16")],
)
def test_a_clip_is_the_stored_samples(look: Looker, name: str, dtype: str, subtype: str) -> None:
    reply, buffers = look(name, "clip", start=2.5, stop=3.25)
    samples, rate = heard(buffers, dtype)
    assert soundfile.info(io.BytesIO(buffers[0])).subtype == subtype
    first = int(0.5 * RATE)
    whole = noise({"fine": "i4", "float": "f4", "mic": "i2"}[name])
    np.testing.assert_array_equal(samples, whole[first : first + len(samples)])
    assert (rate, len(samples)) == (RATE, 0.75 * RATE)
    assert (reply["start"], reply["stop"]) == (2.5, 3.25)
    assert 0 < reply["read_bytes"] < look(name)[0]["bytes"]


def test_a_gap_is_silent(look: Looker) -> None:
    reply, buffers = look("mic", "clip", start=3, stop=11)
    samples, _ = heard(buffers, "int16")
    second = int(RATE)
    whole = noise("i2")
    assert len(samples) == 8 * second
    np.testing.assert_array_equal(samples[:second], whole[second : 2 * second])
    assert not samples[second : 7 * second].any()
    np.testing.assert_array_equal(samples[7 * second :], whole[2 * second : 3 * second])
    assert (reply["start"], reply["stop"]) == (3.0, 11.0)


def test_nothing_is_heard_where_nothing_was_recorded(look: Looker) -> None:
    samples, _ = heard(look("mic", "clip", start=30, stop=31)[1], "int16")
    assert not samples.any()


def test_a_clip_ends_where_it_has_too_many_bytes(look: Looker) -> None:
    reply, (wav,) = look("loud", "clip", start=0, stop=30)
    assert len(wav) <= 9_000_000
    assert 8 < reply["stop"] < 10
    assert "at most 30 s" in look.refused("loud", "clip", start=0, stop=30.5)


def test_a_level_is_of_full_scale(look: Looker) -> None:
    for name in ("mic", "fine", "float"):
        level, _ = look(name, "level", start=2, stop=3)
        part = noise("f4")[: int(RATE)]
        assert level["peak"] == pytest.approx(np.abs(part).max(), abs=1e-4)
        assert level["rms"] == pytest.approx(np.sqrt(np.mean(part.astype("f8") ** 2)), abs=1e-4)
        assert level["part"] == 1
    level, _ = look("loud", "level", start=0, stop=30)
    assert level["part"] == pytest.approx(8e6 / (30 * RATE * 32 * 2), rel=0.01)
    assert level["rms"] == pytest.approx(0.5 / np.sqrt(3), rel=0.02)
    assert look("mic", "level", start=40, stop=50)[0]["rms"] == 0


def test_the_envelope_of_a_sound_is_of_full_scale(look: Looker) -> None:
    about, _ = look("fine")
    assert (about["kind"], about["full"], about["rate"]) == ("audio", 1.0, RATE)
    _, low, high = look.window("fine", start=2, stop=6, points=1)
    assert -0.5 <= low.min() < -0.49 < 0.49 < high.max() <= 0.5


# -- video -----------------------------------------------------------------------------------------


def pixels(jpeg: bytes) -> NDArray[np.uint8]:
    decoder: Any = av.CodecContext.create("mjpeg", "r")
    (frame,) = decoder.decode(av.Packet(jpeg))
    image: NDArray[np.uint8] = frame.to_ndarray(format="rgb24")
    return image


def number_in(jpeg: bytes) -> int:
    """The number of a frame, which the grey of its first block says."""
    image = pixels(jpeg)
    side = image.shape[0] // 12
    return round(float(image[1:side, 1:side].mean()))


def test_about_says_how_a_file_is_placed(look: Looker) -> None:
    about, _ = look("camera")
    assert (about["kind"], about["width"], about["height"]) == ("video", 160, 96)
    assert (about["frames"], about["codec"]) == (2 * FRAMES, "h264")
    assert about["rate"] == pytest.approx(25)
    assert about["sound"] is False
    (first, second) = about["clock"]
    assert first == [0.0, START]
    assert sum(second) == pytest.approx(20.0)
    assert about["file"] == {
        "hash": KEY,
        "modality": "camera",
        "worker_id": "",
        "stored": "processed",
        "key": "camera.mp4",
    }


def test_a_page_gives_the_file_that_about_names(data: DataInterface) -> None:
    giver = Giver()
    look = Looker(data, gives=giver)
    asked = look("camera")[0]["file"]
    reply, _ = look.source.handle({"id": 2, "type": "file", **asked})
    assert reply["url"] == "ursa/file/t/x"
    (copy,) = giver.copies
    assert copy.key.endswith("camera.mp4")


def test_thumbnails_are_key_frames_at_or_before_the_times(look: Looker) -> None:
    reply, pictures = look("camera", "strip", times=[3.5, 2.0, 3.1, 5.99, 0.0], height=48)
    assert reply["times"] == pytest.approx([2.0, 3.0, 5.0])
    assert [pixels(each).shape for each in pictures] == [(48, 80, 3)] * 3
    assert [number_in(each) for each in pictures] == pytest.approx([0, 25, 75], abs=4)
    assert 0 < reply["read_bytes"] < look("camera")[0]["bytes"]


@pytest.mark.parametrize("number", [0, 1, 37, 99])
def test_a_frame_is_the_one_that_is_shown_then(look: Looker, video: Path, number: int) -> None:
    reply, (jpeg,) = look("camera", "frame", time=START + number / 25 + 0.02, height=96)
    assert reply["times"] == pytest.approx([START + number / 25])
    assert number_in(jpeg) == pytest.approx(number, abs=4)
    difference = pixels(jpeg).astype(int) - decoded(video)[number]
    assert np.abs(difference).mean() < 12


def test_a_frame_before_the_first_is_the_first(look: Looker) -> None:
    assert look("camera", "frame", time=-5, height=48)[0]["times"] == [START]


def test_pictures_that_are_too_many_bytes_are_left_out(
    look: Looker, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {"times": [2, 3, 4, 5], "height": 96}
    whole = look("camera", "strip", **asked)[1]
    monkeypatch.setattr("ursa_jupyter.browse.preview_video.BYTES_MAX", len(whole[0]) + 10)
    reply, pictures = look("camera", "strip", **asked)
    assert pictures == whole[:1]
    assert reply["times"] == [2.0]


def test_key_frames_that_are_too_many_bytes_are_not_read(
    look: Looker, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {"times": [2, 3, 4, 5], "height": 96}
    whole = look("camera", "strip", **asked)[0]["read_bytes"]
    monkeypatch.setattr("ursa_jupyter.browse.preview_video._READ_MAX", whole * 2 // 3)
    reply, _ = look("camera", "strip", **asked)
    assert len(reply["times"]) == 2
    assert reply["read_bytes"] <= whole * 2 // 3


WRONG: dict[str, tuple[str, dict[str, Any], tuple[Any, ...]]] = {
    "times": (
        "strip",
        {"times": [2.0], "height": 60},
        ([], [1] * 49, "2", None, [float("nan")], [[1]], [True], [10**400], {"0": 1}),
    ),
    "height": ("strip", {"times": [2.0], "height": 60}, (0, 15, 481, 1e3, "60", None, True)),
    "time": ("frame", {"time": 2.0, "height": 60}, (None, "2", float("inf"), [2], -(10**300))),
    "start": ("clip", {"start": 2, "stop": 3}, (3, float("nan"), "2", None, -1e8)),
    "stop": ("level", {"start": 2, "stop": 3}, (2, float("inf"), [3], False)),
    "of": ("clip", {"start": 2, "stop": 3}, ("frames", "pixels", "__init__", 0)),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_answered_is_refused(look: Looker, name: str) -> None:
    of, right, values = WRONG[name]
    modality = "camera" if of in ("strip", "frame") else "mic"
    look(modality, of, **right)
    for value in values:
        given: dict[str, Any] = {"of": of, **right, name: value}
        assert len(look.refused(modality, **given)) < 400
