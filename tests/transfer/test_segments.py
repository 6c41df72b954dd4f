"""A very large object in segments, made small here."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING

import pytest

from tests.scripted import PATIENCE, Thread
from tests.tools import flip
from tests.transfer.conftest import Bucket, Watched, wait_for_workers
from ursa import verify
from ursa.errors import DownloadCancelled, IntegrityError, ObjectAccessDenied, StoreUnavailable
from ursa.files import part_path
from ursa.transfer.control import Control
from ursa.transfer.download import download

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ursa import QueryResult

CONTENT = random.Random(11).randbytes(100_003)
BLOCK = 256


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes a thousandth of what they are."""
    for name, size in {
        "fetch._WHOLE": 1000,
        "fetch._SEGMENTED": 4000,
        "segments.SEGMENT": 5000,
        "stream._BUFFER": BLOCK,
        "stream._NOTED": 1000,
    }.items():
        monkeypatch.setattr(f"ursa.transfer.{name}", size)


@pytest.fixture
def target(bucket: Bucket) -> QueryResult:
    return bucket.session({"eeg/a": CONTENT, "eeg/b": b"b" * 3000})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out/rec_1/eeg/a"


def of_a(fault: Callable[[int], None]) -> Callable[[str], None]:
    """Call `fault` with the number of each block of the large file."""
    lock, count = threading.Lock(), [0]

    def before(key: str) -> None:
        if key.endswith("a"):
            with lock:
                number, count[0] = count[0], count[0] + 1
            fault(number)

    return before


@pytest.mark.parametrize("checked", [True, False])
def test_segments_make_the_whole(
    bucket: Bucket, target: QueryResult, tmp_path: Path, path: Path, *, checked: bool
) -> None:
    job = download(target, bucket.stores, tmp_path / "out", verify=checked)
    assert path.read_bytes() == CONTENT
    shot = job.snapshot()
    assert shot.bytes_network == shot.bytes_valid == shot.bytes_total == len(CONTENT) + 3000
    assert verify(tmp_path / "out").ok


@pytest.mark.parametrize("position", [0, 4999, 5000, 50_000, 100_002])
def test_a_wrong_byte_in_any_segment_is_found(
    bucket: Bucket, target: QueryResult, tmp_path: Path, path: Path, position: int
) -> None:
    flip(bucket.raw.root / "recordings/rec_1/eeg/a", position)
    with pytest.raises(IntegrityError, match=r"eeg/a is damaged"):
        download(target, bucket.stores, tmp_path / "out")
    assert not path.exists()
    assert not part_path(path).exists()


def test_a_cancelled_one_is_resumed_from_its_segments(
    bucket: Bucket, target: QueryResult, tmp_path: Path, path: Path
) -> None:
    reached = threading.Event()

    def slow(number: int) -> None:
        if number == 200:
            reached.set()
        if number >= 200:
            assert stopped.wait(PATIENCE)

    stopped = threading.Event()
    stores = bucket.stores_with(Watched(bucket.raw.root, of_a(slow)))
    job = download(target, stores, tmp_path / "out", background=True)
    assert reached.wait(PATIENCE)
    canceller = Thread(job.cancel)
    while not job._control.is_stopped:
        pass
    stopped.set()
    assert canceller.ended() is None
    with pytest.raises(DownloadCancelled):
        job.wait(PATIENCE)
    wait_for_workers()
    had = job.snapshot()
    assert had.bytes_network >= 190 * BLOCK
    again = download(target, bucket.stores, tmp_path / "out", existing="overwrite")
    assert path.read_bytes() == CONTENT
    shot = again.snapshot()
    assert shot.bytes_valid == shot.bytes_total
    # All that came was noted, so that nothing comes twice but perhaps the small file.
    assert had.bytes_network + shot.bytes_network <= len(CONTENT) + 2 * 3000
    assert verify(tmp_path / "out").ok


def test_breaks_are_gone_on_from_where_they_happened(
    bucket: Bucket,
    target: QueryResult,
    tmp_path: Path,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def breaks(number: int) -> None:
        if number % 3 == 0:
            raise StoreUnavailable("broke")

    monkeypatch.setattr(Control, "sleep", lambda self, _seconds: self.check())
    stores = bucket.stores_with(Watched(bucket.raw.root, of_a(breaks)))
    job = download(target, stores, tmp_path / "out")
    assert path.read_bytes() == CONTENT
    assert job.snapshot().bytes_network == len(CONTENT) + 3000


def test_an_error_in_one_segment_ends_the_others_and_keeps_what_came(
    bucket: Bucket, target: QueryResult, tmp_path: Path, path: Path
) -> None:
    def denied(number: int) -> None:
        if number >= 100:
            raise ObjectAccessDenied("expired")

    stores = bucket.stores_with(Watched(bucket.raw.root, of_a(denied)))
    with pytest.raises(ObjectAccessDenied, match="expired"):
        download(target, stores, tmp_path / "out")
    again = download(target, bucket.stores, tmp_path / "out", existing="overwrite")
    assert path.read_bytes() == CONTENT
    assert again.snapshot().bytes_network <= len(CONTENT) + 3000 - 100 * BLOCK
    assert verify(tmp_path / "out").ok


def test_a_part_that_a_kill_left_is_hashed_as_well(
    bucket: Bucket, target: QueryResult, tmp_path: Path, path: Path
) -> None:
    """Bytes that an earlier run wrote wrong, though it noted them, never get the final name."""

    def denied(number: int) -> None:
        if number >= 100:
            raise ObjectAccessDenied("expired")

    stores = bucket.stores_with(Watched(bucket.raw.root, of_a(denied)))
    with pytest.raises(ObjectAccessDenied):
        download(target, stores, tmp_path / "out")
    noted = part_path(path).read_bytes()[len(CONTENT) :].splitlines()[1]
    flip(part_path(path), int(noted.split()[0]))
    with pytest.raises(IntegrityError):
        download(target, bucket.stores, tmp_path / "out", existing="overwrite")
    assert not path.exists()
    download(target, bucket.stores, tmp_path / "out", existing="overwrite")
    assert verify(tmp_path / "out").ok
