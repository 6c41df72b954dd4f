"""What the catalog is asked in the benchmarks: by Ursa's verbs, and the values asked for."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.benchmarks.catalogs import DAY, FIRST_DAY, YEARS, S
from ursa import DataInterface, QueryResultList

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pyarrow as pa

PAGE = 50
DEEP = 1000  # which page is deep
MIDDLE = (FIRST_DAY + YEARS * 365 // 2) * DAY * S
PERCENT = YEARS * 365 * DAY * S // 100
EARLY = (FIRST_DAY + YEARS * 365 * 3 // 5) * DAY * S
PEOPLE = ("P0001", "P0002", "P0003")
TASK = {"task": "rest"}
TASK_AND_AGE = {"task": "rest", "age": 40}
STREAMS = ("eeg", "gaze")


@dataclass(frozen=True)
class Values:
    """What depends on the catalog in the questions.

    Attributes
    ----------
    key : str
        Some recording.
    cursor : str or None
        That of the page before the deep one; None where there are not so many.
    results : QueryResultList
        10 000 of them that were found but not read.
    """

    key: str
    cursor: str | None
    results: QueryResultList

    @classmethod
    def of(cls, data: DataInterface, recordings: int) -> Values:
        """Find them in a catalog of so many recordings."""
        skipped = min(PAGE * DEEP, recordings // 2) - 1
        (row,) = data.query(status="all", order_by="-start_time", limit=1, offset=skipped)
        results = data.query(status="all", limit=10_000)
        return cls(row.recording_hash, f"{row.start_time}:{row.recording_hash}", results)

    @property
    def parameters(self) -> dict[str, Any]:
        """What a SQL peer asks with."""
        assert self.cursor is not None
        time, _, key = self.cursor.partition(":")
        return {
            "key": self.key,
            **dict(zip(("one", "two", "three"), PEOPLE, strict=True)),
            "start": MIDDLE,
            "end": MIDDLE + PERCENT,
            "early": EARLY,
            "time": int(time),
            "after": key,
        }


@dataclass(frozen=True)
class Question:
    """One question to a catalog.

    Attributes
    ----------
    at_most : float or None
        What it is meant to take at the most with a million recordings, in ms.
    against_duckdb : float
        How many times as fast as DuckDB it is meant to be.
    ordered : bool
        The order of the answer is part of it.
    """

    ask: Callable[[DataInterface, Values], Any]
    at_most: float | None = None
    against_duckdb: float = 1 / 3
    ordered: bool = False


QUESTIONS: Mapping[str, Question] = {
    "primary key": Question(
        lambda data, values: data.query(recording_hash=values.key, status="all"), at_most=10
    ),
    "3 participants": Question(
        lambda data, _: data.query(participants=PEOPLE, status="all"), at_most=120
    ),
    "2 metadata keys": Question(
        lambda data, _: data.query(metadata=TASK_AND_AGE, status="all"),
        at_most=120,
        against_duckdb=1,
    ),
    "four combined": Question(
        lambda data, _: data.query(
            participants=PEOPLE, metadata=TASK, modalities="eeg", time_range=(None, EARLY)
        ),
        at_most=60,
        against_duckdb=1,
    ),
    "with 2 modalities": Question(
        lambda data, _: data.query(participants=PEOPLE, modalities=STREAMS, status="all"),
        at_most=160,
        against_duckdb=1,
    ),
    "facet site": Question(
        lambda data, _: counted(data, "metadata.site", metadata=TASK), 30, against_duckdb=1
    ),
    "facet modalities": Question(
        lambda data, _: counted(data, "modalities", metadata=TASK), 30, against_duckdb=1
    ),
    "facet age, unfiltered": Question(
        lambda data, _: counted(data, "metadata.age"), 30, against_duckdb=1
    ),
    "newest 50": Question(
        lambda data, _: data.query(status="all", order_by="-start_time", limit=PAGE),
        at_most=15,
        ordered=True,
    ),
    "newest 50 of a task": Question(
        lambda data, _: data.query(metadata=TASK, status="all", order_by="-start_time", limit=PAGE),
        ordered=True,
    ),
    f"page {DEEP}": Question(
        lambda data, values: data.query(
            status="all", order_by="-start_time", limit=PAGE, after=values.cursor
        ),
        at_most=20,
        ordered=True,
    ),
    "count of a task": Question(
        lambda data, _: data.count(metadata=TASK, status="all"), at_most=3, against_duckdb=1
    ),
    "1% of the time": Question(
        lambda data, _: data.query(time_range=(MIDDLE, MIDDLE + PERCENT), status="all")
    ),
    "score > 99.9": Question(
        lambda data, _: data.query(metadata={"score": {">": 99.9}}, status="all")
    ),
}

# Asked as people ask, without a status; a peer has no shorter way to say it.
USUAL: Mapping[str, Question] = {
    "3 participants, processed": Question(
        lambda data, _: data.query(participants=PEOPLE), at_most=120
    ),
    "2 metadata keys, processed": Question(
        lambda data, _: data.query(metadata=TASK_AND_AGE), at_most=120
    ),
    "newest 50, processed": Question(
        lambda data, _: data.query(order_by="-start_time", limit=PAGE), at_most=15
    ),
    "count of a task, processed": Question(lambda data, _: data.count(metadata=TASK), at_most=3),
    "3 participants, iterated": Question(
        lambda data, _: list(data.query(participants=PEOPLE, status="all"))
    ),
    "1% of the time, 50 touched": Question(
        lambda data, _: list(data.query(time_range=(MIDDLE, MIDDLE + PERCENT), status="all")[:PAGE])
    ),
    "newest 50, newly opened": Question(
        lambda data, _: reopened(data).query(order_by="-start_time", limit=PAGE)
    ),
    "facet site, newly opened": Question(
        lambda data, _: counted(reopened(data), "metadata.site", metadata=TASK)
    ),
    "10 000 results iterated": Question(
        lambda _, values: deque(values.results, maxlen=0), at_most=1000
    ),
}


def reopened(data: DataInterface) -> DataInterface:
    """Return the same site without what was remembered of it, as after any change of it."""
    return DataInterface("local", path=data._site.root)


def counted(data: DataInterface, field: str, **filters: Any) -> dict[Any, int]:
    """Return how many recordings have each value of a field."""
    found = data.facets(field, status="all", **filters)[field]
    return {each.value: each.recordings for each in found}


def check_same(question: Question, ours: Any, theirs: Any) -> None:
    """Assert that two answers are equal: a number, how often each value occurs, or the hashes."""
    rows = theirs if isinstance(theirs, list) else as_rows(theirs)
    if isinstance(ours, int):
        assert [(ours,)] == rows
    elif isinstance(ours, dict):
        assert ours == dict(rows)
    else:
        mine, others = ([row[0] for row in each] for each in (as_rows(ours.to_arrow()), rows))
        assert mine == others if question.ordered else set(mine) == set(others)


def as_rows(table: pa.Table) -> list[tuple[Any, ...]]:
    """Return the first columns of an Arrow table as tuples."""
    return list(zip(*(column.to_pylist() for column in table.columns[:2]), strict=True))
