from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from tests.jupyter.previewing import Looker, brute, dense, sparse, stored

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ursa import DataInterface

RATE = 100.0
GAP = ((0, 0.0), (20_000, 300.0))  # two segments, the second after a gap of 100 s
SPANS = [(0.0, 600.0), (190.0, 310.0), (301.005, 303.3), (210.0, 290.0), (-50.0, 20.0), (5.0, 5.5)]


@pytest.fixture(scope="module")
def samples() -> NDArray[np.float32]:
    found = np.random.default_rng(3).normal(0, 20, (40_000, 5)).astype("f4")
    found[7] = 500
    return found


@pytest.fixture(scope="module")
def gaze() -> pa.Table:
    random = np.random.default_rng(4)
    x = random.uniform(0, 1920, 3000)
    x[100:200] = np.nan
    columns = {
        "timestamp": np.sort(random.uniform(2, 50, 3000)),
        "eye": np.array(["left"] * 3000),
        "x": x,
        "y": random.uniform(0, 1080, 3000),
        "fixated": random.integers(0, 2, 3000).astype(bool),
    }
    return pa.table(columns)


@pytest.fixture(scope="module")
def look(
    tmp_path_factory: pytest.TempPathFactory, samples: NDArray[np.float32], gaze: pa.Table
) -> Looker:
    events = pa.table(
        {
            "timestamp": [1.0, 2.5, 2.5],
            "duration": [None, 3.0, None],
            "event_type": ["<b>cue", "block", "answer"],
            "prompt": ["say A", None, None],
            "response": [None, None, "B"],
        }
    )
    many = np.random.default_rng(5).normal(0, 1, (9_000, 160)).astype("f4")
    return Looker(
        made(
            tmp_path_factory.mktemp("site"),
            {
                "eeg": dense(samples, RATE, GAP),
                "many": dense(many, 1000.0),
                "long": dense(np.tile(many, (4, 1)), 1000.0),
                "gaze": sparse(gaze),
                "force": sparse(gaze.select(["timestamp", "y"])),
                "markers": sparse(events, "events"),
            },
        )
    )


def made(root: Path, streams: Any) -> DataInterface:
    from ursa import DataInterface

    data = DataInterface("local", path=root / "site")
    data.enable_writes(("assets_rw",))
    stored(data, streams, 600)
    return data


def times_of(samples: NDArray[Any]) -> NDArray[np.float64]:
    at = np.arange(len(samples)) / RATE
    return np.where(np.arange(len(samples)) >= GAP[1][0], at - 200 + GAP[1][1], at)


def test_about_says_what_there_is(look: Looker) -> None:
    about, _ = look("eeg")
    assert (about["kind"], about["rate"], about["dtype"]) == ("signal", RATE, "float32")
    assert about["channels"][1] == {"name": "C1", "unit": "uV", "kind": "eeg"}
    assert about["domain"] == [[0.0, 200.0], [300.0, 500.0]]
    assert about["bytes"] > 300_000


@pytest.mark.parametrize("points", [1, 90, 4000])
@pytest.mark.parametrize("span", SPANS)
def test_a_window_is_the_envelope_of_all_samples(
    look: Looker, samples: NDArray[np.float32], span: tuple[float, float], points: int
) -> None:
    reply, low, high = look.window(
        "eeg", start=span[0], stop=span[1], points=points, channels=[1, 4]
    )
    assert reply["channels"] == ["C1", "C2", "C3"]
    start, step = reply["start"], reply["step"]
    assert 0 < len(low) <= points
    # Whole bins of an overview may reach over a cell's edge, never further than one of them.
    reach = 64 / RATE if step >= 64 / RATE else 0.0
    edges = [(start + i * step, start + (i + 1) * step) for i in range(len(low))]
    times, values = times_of(samples), samples[:, 1:4]
    inner = brute(times, values, edges)
    outer = brute(times, values, [(a - reach, b + reach) for a, b in edges])
    with np.errstate(invalid="ignore"):
        assert not (low > inner[0]).any()
        assert not (high < inner[1]).any()
        assert not (low < outer[0]).any()
        assert not (high > outer[1]).any()
    assert not (np.isnan(low) & ~np.isnan(inner[0])).any()
    if not reach:
        np.testing.assert_array_equal(low, inner[0])
        np.testing.assert_array_equal(high, inner[1])


def test_no_answer_is_too_large(look: Looker) -> None:
    reply, low, high = look.window("many", start=0, stop=9, points=4000)
    assert len(reply["channels"]) == 160
    assert low.nbytes + high.nbytes <= 2_000_000
    assert reply["points"] == 1562
    assert np.nanmax(high) > 3
    # Four times as many samples are too many to unpack: the overview has fewer points.
    reply, low, _ = look.window("long", start=0, stop=36, points=4000, channels=[0, 2])
    assert len(low) < 600
    assert reply["read_bytes"] < 2_000_000


def test_a_trace_is_the_envelope_of_its_rows(look: Looker, gaze: pa.Table) -> None:
    about, _ = look("gaze")
    assert (about["kind"], about["x"], about["y"]) == ("gaze", "x", "y")
    assert about["columns"] == ["x", "y", "fixated"]
    assert (about["rows"], about["screen"]) == (3000, None)
    reply, low, high = look.window("gaze", start=0, stop=60, points=500, channels=[0, 3])
    assert reply["channels"] == ["x", "y", "fixated"]
    times = gaze["timestamp"].to_numpy()
    values = np.stack(
        [gaze[name].to_numpy(zero_copy_only=False).astype("f8") for name in about["columns"]], 1
    )
    step = reply["step"]
    for index in range(3):
        known = ~np.isnan(values[:, index])
        edges = [(i * step + 1e-9, (i + 1) * step + 1e-9) for i in range(500)]
        least, most = brute(times[known], values[known, index : index + 1], edges)
        np.testing.assert_array_equal(low[:, index], least[:, 0])
        np.testing.assert_array_equal(high[:, index], most[:, 0])


def test_samples_without_axes_are_a_signal(look: Looker, gaze: pa.Table) -> None:
    about, _ = look("force")
    assert about["kind"] == "signal"
    assert [each["name"] for each in about["channels"]] == ["y"]
    _, low, high = look.window("force", start=0, stop=60, points=1)
    values = gaze["y"].to_numpy()
    assert (low[0, 0], high[0, 0]) == (np.float32(values.min()), np.float32(values.max()))


def test_events_come_as_rows(look: Looker) -> None:
    about, _ = look("markers")
    assert (about["kind"], about["rows"]) == ("events", 3)
    reply, _ = look("markers", "rows", start=0, stop=10, limit=2)
    assert reply["total"] == 3
    assert reply["rows"] == [
        {"start_s": 1.0, "end_s": 1.0, "type": "<b>cue", "text": "say A"},
        {"start_s": 2.5, "end_s": 5.5, "type": "block", "text": ""},
    ]


WRONG: dict[str, tuple[Any, ...]] = {
    "start": ("0", None, float("nan"), float("-inf"), 10**400, True, [0], {}, 1e12),
    "stop": (0, -1, float("inf"), "x", 10**4000),
    "points": (0, -1, 4001, 1.5, "9", 10**30, True, None),
    "channels": ([0, 0], [3, 2], [-1, 2], [0, 99], [0], "ab", [0.5, 2], [None, 1], {"a": 1}),
    "of": ("clip", "strip", "__class__", 5, ["window"]),
}


@pytest.mark.parametrize("modality", ["eeg", "gaze"])
@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_answered_is_refused(look: Looker, modality: str, name: str) -> None:
    right: dict[str, Any] = {"of": "window", "start": 0, "stop": 10, "points": 10}
    look(modality, **right)
    for value in WRONG[name]:
        said = look.refused(modality, **{**right, name: value})
        assert len(said) < 400
