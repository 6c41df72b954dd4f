"""Streams to store, and a store that counts what is asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ursa.formats.streams import Channel, DenseStream, Segment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from ursa.stores import Body, ObjectMeta, Store


def stream_of(
    samples: NDArray[Any],
    rate: float = 100.0,
    segments: Sequence[Segment] | None = None,
    *,
    block: int = 777,
    channels: Sequence[Channel] = (),
) -> DenseStream:
    """A stream of these samples, in blocks of an odd size."""

    def blocks() -> Iterator[NDArray[Any]]:
        for start in range(0, len(samples), block):
            yield samples[start : start + block]

    names = channels or [Channel(f"Ä{index}", "uV", "eeg") for index in range(samples.shape[1])]
    runs = (Segment(0, len(samples), 0.0, rate),) if segments is None else tuple(segments)
    return DenseStream("", tuple(names), samples.dtype, rate, runs, blocks)


def laid_out(lengths: Sequence[int], rate: float, gap: float = 2.5) -> list[Segment]:
    """Segments of these lengths, with gaps between them."""
    found: list[Segment] = []
    for length in lengths:
        first = found[-1].first + found[-1].length if found else 0
        start = found[-1].stop + gap if found else 1.0
        found.append(Segment(first, length, start, rate))
    return found


def noise(count: int, channels: int, dtype: str = "f4", seed: int = 0) -> NDArray[Any]:
    """Samples of any type that look like a signal."""
    steps = np.random.default_rng(seed).normal(size=(count, channels))
    return (np.cumsum(steps, axis=0) * 10).astype(dtype)


class Asked(list[tuple[str, str]]):
    """Verbs and keys, in order."""


class Counting:
    """A store that notes what is asked of another one."""

    def __init__(self, store: Store) -> None:
        self.store, self.is_remote = store, store.is_remote
        self.asked = Asked()
        self.bytes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def list(self, prefix: str) -> Iterator[ObjectMeta]:
        self.asked.append(("list", prefix))
        return self.store.list(prefix)

    def head(self, key: str) -> ObjectMeta:
        self.asked.append(("head", key))
        return self.store.head(key)

    def read(self, key: str) -> Iterator[bytes]:
        self.asked.append(("read", key))
        return self.store.read(key)

    def fetch(self, key: str, *, etag: str | None = None) -> bytes | memoryview:
        self.asked.append(("fetch", key))
        return self.store.fetch(key, etag=etag)

    def open(self, key: str, start: int, stop: int, *, etag: str | None = None) -> Body:
        self.asked.append(("open", key))
        self.bytes += stop - start
        return self.store.open(key, start, stop, etag=etag)

    def taken(self) -> Asked:
        """What was asked since the last call."""
        asked, self.asked = self.asked, Asked()
        return asked
