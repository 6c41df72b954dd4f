from __future__ import annotations

import json
import multiprocessing
import pickle
import subprocess
import sys
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.processed import GAPPY, copied, dense, noise, store
from ursa import AroundEvent, DataInterface, IntervalSelector
from ursa.errors import InvalidArgument, SourceNotAvailable
from ursa.formats.dense import DenseReader
from ursa.formats.streams import Segment, SparseStream
from ursa.stream.order import read_ahead, shuffled
from ursa.stream.window import Window, first_sample

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ursa.stream import WindowStream

EEG, ECG = noise(1550), noise(4000, 1)
COUNTS = np.arange(6000, dtype=np.int16).reshape(-1, 1)
TIMES = np.arange(0.05, 18, 0.5)


def gaze() -> SparseStream:
    batch = pa.record_batch({"timestamp": TIMES, "x": TIMES**2, "eye": ["left"] * len(TIMES)})
    return SparseStream("", batch.schema, lambda: iter([batch]))


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three recordings: one with a gap and much else, one short, one of another length."""
    site = DataInterface("local", path=tmp_path_factory.mktemp("three") / "site")
    site.enable_writes()
    store(
        site,
        {
            "eeg": dense(EEG, GAPPY),
            "ecg": dense(ECG, rate=200.0),
            "mic": dense(COUNTS, rate=300.0, scale=2**-15),
            "gaze": gaze(),
        },
    )
    store(site, {"eeg": dense(EEG[:150])}, recording="b" * 64, seconds=1.5, offset_s=60)
    store(site, {"eeg": dense(EEG[:730])}, recording="c" * 64, seconds=7.3, offset_s=120)
    assert site.path is not None
    return site.path


@pytest.fixture
def data(three: Path, tmp_path: Path) -> DataInterface:
    return copied(three, tmp_path / "three")


def marks(stream: WindowStream) -> list[tuple[str, float]]:
    """Recording and start of each window that a stream gives."""
    return [
        (key, start)
        for each in stream
        for key, start in (
            [(each.recording_hash[0], each.start)]
            if isinstance(each, Window)
            else [(name[0], at) for name, at in zip(each.recording_hash, each.start, strict=True)]
        )
    ]


def test_windows_lie_in_each_interval_and_never_across_a_gap(data: DataInterface) -> None:
    found = data.stream(data.query(), window=2, modalities="eeg")
    expected = [
        *[("a", at) for at in (0, 2, 4, 6, 8, 12.5, 14.5)],
        *[("c", at) for at in (0, 2, 4)],
    ]
    assert marks(found) == expected
    assert len(found) == 10


def test_windows_are_the_samples_of_every_modality(data: DataInterface) -> None:
    (first, *_) = data.query()
    for each in data.stream(first, window=1.5, step=0.5):
        at = round(each.start * 100)
        eeg = EEG[at : at + 150] if at < 1000 else EEG[at - 250 : at - 100]
        assert np.array_equal(each["eeg"], eeg)
        assert np.array_equal(each["ecg"], ECG[2 * at : 2 * at + 300])
        assert np.array_equal(each["mic"], COUNTS[3 * at : 3 * at + 450] / 2**15)
        inside = (each.start <= TIMES) & (each.stop > TIMES)
        assert np.array_equal(each["gaze"]["timestamp"], TIMES[inside])
        assert np.array_equal(each["gaze"]["x"], TIMES[inside] ** 2)
        assert set(each) == {"eeg", "ecg", "mic", "gaze"}
        assert each.event is None


def test_windows_lie_in_what_is_selected(data: DataInterface) -> None:
    results = data.query(time_filters=IntervalSelector([(1.25, 4.3), (9, 14)]))
    assert marks(data.stream(results, window=1, modalities="eeg")) == [
        *[("a", at) for at in (1.25, 2.25, 3.25, 9, 12.5)],
        *[("c", at) for at in (1.25, 2.25, 3.25)],
    ]
    assert marks(data.stream(results, window=1, modalities="eeg", time=(3, 10)))[:3] == [
        ("a", 3),
        ("a", 9),
        ("c", 3),
    ]


def test_batches_stack_windows_of_several_recordings(data: DataInterface) -> None:
    stream = data.stream(data.query(), window=2, batch=4, modalities="eeg")
    found = list(stream)
    assert [each["eeg"].shape for each in found] == [(4, 200, 3)] * 2
    assert np.array_equal(found[1]["eeg"][3], EEG[:200])
    assert found[1].recording_hash == ("a" * 64,) * 3 + ("c" * 64,)
    assert found[1].stop.tolist() == [10, 14.5, 16.5, 2]
    rest = data.stream(data.query(), window=2, batch=4, modalities="eeg", drop_last=False)
    assert [len(each["eeg"]) for each in rest] == [4, 4, 2]
    assert (len(stream), len(rest)) == (2, 3)


def test_shown_without_its_numbers(data: DataInterface) -> None:
    found = data.query()[0]
    chosen: dict[str, Any] = {"window": 1, "modalities": ["eeg", "gaze"]}
    width = EEG.shape[1]
    assert repr(next(iter(data.stream(found, **chosen)))) == (
        f"Window({'a' * 12}, 0 to 1 s; eeg: float32 (100, {width}), "
        "gaze: 2 rows of timestamp, x, eye)"
    )
    assert repr(next(iter(data.stream(found, batch=2, **chosen)))) == (
        f"Batch(2 windows of 1 recording; eeg: float32 (2, 100, {width}), gaze: 2 items)"
    )


def test_batches_have_sparse_values_one_by_one(data: DataInterface) -> None:
    (first, *_) = data.query()
    (batch, *_) = data.stream(first, window=1, batch=3, modalities=["eeg", "gaze"])
    assert [each["timestamp"].tolist() for each in batch["gaze"]] == [
        TIMES[:2].tolist(),
        TIMES[2:4].tolist(),
        TIMES[4:6].tolist(),
    ]


def test_windows_that_do_not_stack_are_refused(data: DataInterface) -> None:
    store(data, {"eeg": dense(noise(400, 2))}, recording="d" * 64, offset_s=200)
    stream = data.stream(data.query(), window=2, batch=20, modalities="eeg", drop_last=False)
    with pytest.raises(InvalidArgument, match=r"aaaaaaaaaaaa and dddddddddddd do not stack"):
        list(stream)


def test_windows_around_events(data: DataInterface) -> None:
    for number, (at, kind) in enumerate([(0.3, "cue"), (5, "cue"), (9.9, "cue"), (13, "beep")]):
        data.register_event(
            event_id=f"e{number}", recording_hash="a" * 64, event_time=at, event_type=kind
        )
    results = data.query(modalities="eeg")
    found = list(data.stream(results, around="cue", before=0.25, after=0.5))
    assert [(each.start, each.event) for each in found] == [(0.3 - 0.25, "cue"), (4.75, "cue")]
    assert np.array_equal(found[1]["eeg"], EEG[475:550])
    both = [AroundEvent("cue", 0.5, 0.5), AroundEvent("beep", 0, 1)]
    many = list(data.stream(results, around=both, batch=2))
    assert [each.event for each in many] == [("cue", "beep")]
    assert marks(data.stream(results, around="nothing", after=1)) == []


def test_shuffling_is_a_whole_pass_in_an_order_of_seed_and_epoch(data: DataInterface) -> None:
    def made(seed: int | None) -> WindowStream:
        return data.stream(data.query(), window=0.5, modalities="eeg", shuffle=True, seed=seed)

    plain = marks(data.stream(data.query(), window=0.5, modalities="eeg"))
    stream = made(5)
    first, second = marks(stream), marks(stream)
    assert sorted(first) == sorted(second) == sorted(plain)
    assert len({tuple(first), tuple(second), tuple(plain), tuple(marks(made(6)))}) == 4
    assert marks(made(5)) == first
    stream.epoch = 1
    assert marks(stream) == second
    assert made(None).seed != made(None).seed


@pytest.mark.parametrize("prefetch", [0, 1, 3])
@pytest.mark.parametrize("batch", [None, 3])
def test_a_pass_goes_on_where_its_state_was_taken(
    data: DataInterface, prefetch: int, batch: int | None
) -> None:
    def made() -> WindowStream:
        return data.stream(
            data.query(),
            window=0.5,
            modalities="eeg",
            shuffle=True,
            seed=1,
            batch=batch,
            prefetch=prefetch,
            drop_last=False,
        )

    whole = marks(made()) + marks(made())
    stream = made()
    each = iter(stream)
    taken = [next(each) for _ in range(4)]
    state = json.loads(json.dumps(stream.state_dict()))
    again = made()
    again.load_state_dict(state)
    rest = marks(again)
    assert len(rest) == len(whole) // 2 - len(taken) * (batch or 1)
    assert whole[len(taken) * (batch or 1) :][: len(rest)] == rest
    assert len(marks(again)) == len(whole) // 2
    assert again.epoch == 2


def test_a_state_of_other_windows_is_refused(data: DataInterface) -> None:
    state = data.stream(data.query(), window=0.5, modalities="eeg").state_dict()
    with pytest.raises(InvalidArgument, match="state is one of other windows"):
        data.stream(data.query(), window=1, modalities="eeg").load_state_dict(state)


def test_shares_together_are_the_whole_in_its_order(data: DataInterface) -> None:
    stream = data.stream(data.query(), window=0.5, batch=2, modalities="eeg", shuffle=True, seed=1)
    shares = [[tuple(each.start) for each in stream.share(index, 3)] for index in range(3)]
    dealt = [each for row in zip_longest(*shares) for each in row if each]
    assert dealt == [tuple(each.start) for each in stream]
    assert sum(len(stream.share(index, 3)) for index in range(3)) == len(stream)
    stream.epoch = 0
    halves = [[tuple(e.start) for e in stream.share(0, 3).share(index, 2)] for index in range(2)]
    assert sorted(chain(*halves)) == sorted(shares[0])
    with pytest.raises(InvalidArgument, match="share 3 of 3"):
        stream.share(3, 3)


def worker(stream: WindowStream, index: int, queue: Any) -> None:
    queue.put((index, [summed(each) for each in stream.share(index, 2)]))


def summed(each: Any) -> tuple[float, float, float]:
    return each.start, float(each["eeg"].sum()), float(each["gaze"]["x"].sum())


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
def test_worker_processes_open_their_own_handles(data: DataInterface, method: Any) -> None:
    (first, *_) = data.query()
    stream = data.stream(first, window=0.5, modalities=["eeg", "gaze"], shuffle=True, seed=1)
    expected = [summed(each) for each in stream]
    stream.epoch = 0
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    workers = [context.Process(target=worker, args=(stream, index, queue)) for index in range(2)]
    for each in workers:
        each.start()
    found = dict(queue.get(timeout=60) for _ in workers)
    for each in workers:
        each.join(timeout=60)
    assert [found[place % 2][place // 2] for place in range(len(expected))] == expected


def test_a_pickled_stream_holds_no_handle(data: DataInterface) -> None:
    stream = data.stream(data.query(), window=0.5, modalities="eeg")
    expected = marks(stream)
    again = pickle.loads(pickle.dumps(stream))
    assert marks(again) == expected


def test_recordings_are_laid_and_opened_when_they_are_come_to(
    data: DataInterface, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    plain = DenseReader.open

    def counted(store: Any, key: str) -> DenseReader:
        opened.append(key)
        return plain(store, key)

    monkeypatch.setattr(DenseReader, "open", counted)
    results = list(data.query(modalities="eeg")) * 400
    stream = data.stream(results, window=2, prefetch=0)
    assert next(iter(stream))["eeg"].shape == (200, 3)
    assert (len(opened), len(stream.grid._ends)) == (1, 1)
    assert len(stream) == 4000
    assert len(opened) == 1


def test_readers_that_were_not_used_for_long_are_let_go(data: DataInterface) -> None:
    readers = data._readers
    readers.keep = 2
    list(data.stream(data.query(), window=1, modalities="eeg"))
    assert [key.split("/")[-2][0] for key in readers._open] == ["b", "c"]


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({}, "window=None is no length"),
        ({"window": 0}, "window=0 is no length"),
        ({"window": 1, "step": -1}, "step=-1 is no length"),
        ({"window": float("inf")}, "window=inf"),
        ({"window": 0.004}, "holds no sample of eeg at 100 Hz"),
        ({"window": 1, "batch": 0}, "batch=0 must be a whole number from 1 on"),
        ({"window": 1, "prefetch": -1}, "prefetch=-1"),
        ({"window": 1, "around": "cue", "after": 1}, "takes no window= or step="),
        ({"around": [AroundEvent("a", 1), AroundEvent("b", 2)]}, "one length"),
        ({"window": 1, "before": 1}, "belong to around="),
        ({"around": "cue"}, "around=.*name an event type"),
        ({"around": "cue", "before": -1, "after": 2}, "around=.*name an event type"),
        ({"around": 5, "after": 2}, "around=.*name an event type"),
        ({"window": 1, "modalities": 5}, "modalities=5 is no name"),
        ({"window": 1, "modalities": "egg"}, "no modality 'egg'"),
    ],
)
def test_a_mistake_is_told_at_once(
    data: DataInterface, keywords: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidArgument, match=said):
        len(data.stream(data.query(), **{"modalities": "eeg", **keywords}))


def test_what_is_not_processed_is_refused(data: DataInterface) -> None:
    data.register_modality(
        recording_hash="a" * 64,
        modality="video",
        raw_storage_uri="r2://constellation-data/recordings/rec_1/video/",
    )
    with pytest.raises(SourceNotAvailable, match=r"video \(raw\)"):
        data.stream(data.query(status="all"), window=1)


def test_a_drifting_clock_keeps_windows_equal_and_inside(site: DataInterface) -> None:
    store(site, {"eeg": dense(EEG, [(0, 1000, 0.0, 99.84), (1000, 550, 20.0, 99.9)], rate=100.0)})
    found = list(site.stream(site.query(), window=2))
    assert {each["eeg"].shape for each in found} == {(200, 3)}
    for each in found:
        at = np.flatnonzero((each["eeg"][0] == EEG).all(axis=1))[0]
        time = at / 99.84 if at < 1000 else 20 + (at - 1000) / 99.9
        assert abs(time - each.start) <= 0.5 / 99.8 + 1e-9
        assert np.array_equal(each["eeg"], EEG[at : at + 200])


def test_a_slow_clock_needs_room_for_all_samples(site: DataInterface) -> None:
    store(site, {"eeg": dense(EEG[:600], [(0, 600, 0.0, 98.0)], rate=100.0)})
    assert marks(site.stream(site.query(), window=2, time=(4.05, None))) == [("a", 4.05)]
    assert marks(site.stream(site.query(), window=2, time=(4.12, None))) == []


@given(st.integers(1, 3000), st.integers(0, 2**64 - 1))
def test_shuffling_gives_each_place_once(total: int, key: int) -> None:
    assert sorted(shuffled(place, total, key) for place in range(total)) == list(range(total))


@given(
    st.lists(st.tuples(st.integers(1, 50), st.floats(0.01, 5)), min_size=1, max_size=5),
    st.integers(0, 10_000),
    st.integers(1, 10),
)
def test_a_window_never_leaves_its_segment(
    sizes: list[tuple[int, float]], place: int, count: int
) -> None:
    segments: list[Segment] = []
    first, start = 0, 0.0
    for length, gap in sizes:
        segments.append(Segment(first, length, start, 10.0))
        first, start = first + length, segments[-1].stop + gap
    inside = [each for each in segments if each.length >= count]
    if not inside:
        return
    chosen = inside[place % len(inside)]
    at = chosen.start + (place % 997) / 997 * (chosen.length - count) / 10
    found = first_sample(segments, at, count)
    assert found is not None
    assert chosen.first <= found <= chosen.first + chosen.length - count
    assert abs(chosen.start + (found - chosen.first) / 10 - at) <= 0.05 + 1e-9


def test_reading_ahead_keeps_order_and_is_bounded() -> None:
    asked: list[int] = []

    def items() -> Iterator[int]:
        for each in range(100):
            asked.append(each)
            yield each

    found = read_ahead(lambda each: each * 2, items(), 3)
    assert [next(found) for _ in range(5)] == [0, 2, 4, 6, 8]
    assert len(asked) <= 5 + 6
    found.close()  # type: ignore[attr-defined]
    assert len(asked) <= 5 + 6


def test_an_error_while_reading_ahead_comes_in_its_place() -> None:
    def read(each: int) -> float:
        return 1 / (each - 3)

    found = read_ahead(read, range(-10, 10), 2)
    with pytest.raises(ZeroDivisionError):
        list(found)


def test_a_pass_may_be_left_half_done() -> None:
    code = (
        "from ursa.stream.order import read_ahead\n"
        "found = read_ahead(abs, range(-100, 0), 2)\n"
        "print(next(found))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("100\n", "")
