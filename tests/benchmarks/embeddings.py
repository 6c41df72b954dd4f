"""Searching embeddings, against comparing every vector with NumPy; prints what is found."""

from __future__ import annotations

import statistics
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import lancedb
import numpy as np
import pyarrow as pa

from tests.benchmarks.table import Row
from ursa import DataInterface

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Matrix = np.ndarray[Any, np.dtype[np.float32]]

SIZE = 256
K = 10
QUERIES = 25
RECORDINGS = 500
RECALL_MIN = 0.95


def embeddings(top: Path, number: int = 100_000) -> Iterator[Row]:
    """Compare registering and searching of `number` embeddings, clustered and not."""
    for kind, spread in {"clustered": 0.5, "isotropic": None}.items():
        vectors, queries = made(number, spread)
        data = DataInterface("local", path=top / kind)
        data.enable_writes()
        stored = timed(partial(register, data, vectors))
        plain = timed(partial(by_lance, top / f"{kind} lance", vectors))
        yield Row(f"register {number} embeddings", stored, "lancedb, vectors alone", plain)
        indexed = timed(data.create_embedding_index)
        print(f"{kind}: index of {number} made in {indexed:.1f} s")
        yield from searches(f"{kind} {number} x {SIZE}", data, vectors, queries)


def searches(what: str, data: DataInterface, vectors: Matrix, queries: Matrix) -> Iterator[Row]:
    """Compare searches by the index, and exact ones, with NumPy."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    truth, theirs = each(partial(by_numpy, unit), queries)
    for exact in (False, True):
        found, ours = each(partial(by_ursa, data, exact=exact), queries)
        hits = sum(len(a & b) for a, b in zip(found, truth, strict=True))
        recall = hits / K / len(queries)
        how = "exact" if exact else "by index"
        median, slowest = statistics.median(ours) * 1e3, max(ours) * 1e3
        print(f"{what}, {how}: recall@{K} {recall:.3f}, {median:.1f} ms, slowest {slowest:.1f} ms")
        assert recall >= RECALL_MIN
        yield Row(
            f"search {what}, {how}", statistics.median(ours), "NumPy", statistics.median(theirs)
        )


def made(number: int, spread: float | None) -> tuple[Matrix, Matrix]:
    """Vectors and queries, in 1000 clusters of some spread, or in none."""
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((number + QUERIES, SIZE), np.float32)
    if spread is not None:
        centres = rng.standard_normal((1000, SIZE), np.float32)
        noise = centres[rng.integers(0, 1000, len(noise))] + np.float32(spread) * noise
    return noise[:number], noise[number:]


def register(data: DataInterface, vectors: Matrix) -> int:
    """Store vectors as embeddings of windows of some recordings."""
    number = len(vectors)
    starts = np.arange(number) // RECORDINGS
    return data.register_embeddings(
        vectors=vectors,
        ids=[f"e{place}" for place in range(number)],
        model="bench",
        sources=[f"{place % RECORDINGS:064x}" for place in range(number)],
        windows=np.column_stack([starts, starts + 1]),
        created_at=0,
    )


def by_lance(place: Path, vectors: Matrix) -> None:
    """Store vectors in one table without anything else."""
    flat = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), SIZE)
    lancedb.connect(place).create_table("vectors", pa.table({"vector": flat}))


def by_numpy(unit: Matrix, query: Matrix) -> set[str]:
    """The ids of the nearest, by comparing all vectors."""
    distances = 1 - unit @ (query / np.linalg.norm(query))
    return {f"e{place}" for place in np.argpartition(distances, K)[:K]}


def by_ursa(data: DataInterface, query: Matrix, *, exact: bool) -> set[str]:
    """The ids of the nearest."""
    hits = data.search_embeddings(query, K, exact=exact)
    return {hit.embedding.embedding_id for hit in hits}


def each(
    action: Callable[[Matrix], set[str]], queries: Matrix
) -> tuple[list[set[str]], list[float]]:
    """What an action answers to each query, and in how many seconds, after one to warm up."""
    action(queries[0])
    found, seconds = [], []
    for query in queries:
        begin = time.perf_counter()
        found.append(action(query))
        seconds.append(time.perf_counter() - begin)
    return found, seconds


def timed(action: Callable[[], object]) -> float:
    """Return the seconds that an action takes."""
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin
