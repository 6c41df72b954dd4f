"""Questions to catalogs of many recordings, put to Ursa and to its peers in turns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tests.benchmarks import duckdb_peer, reference, sqlite_peer
from tests.benchmarks.measure import turns
from tests.benchmarks.questions import QUESTIONS, USUAL, Values, check_same
from tests.benchmarks.sites import site
from tests.benchmarks.table import Row
from ursa import DataInterface
from ursa.demo.whole import whole_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path

    from tests.benchmarks.questions import Question

MILLION = 1_000_000
FOR_REFERENCE = 100_000  # which it takes seconds to read
AGAINST_REFERENCE = 40


@dataclass(frozen=True)
class Peer:
    """Somebody else who answers some of the questions."""

    name: str
    questions: Collection[str]
    ask: Callable[[str, Mapping[str, Any]], Any]
    target: Callable[[Question], float | None]


def catalog(top: Path, recordings: int, rounds: int) -> Iterator[Row]:
    """Compare every question to a catalog of so many recordings."""
    place = site(top, recordings)
    data = DataInterface("local", path=place)
    values, peers = Values.of(data, recordings), _peers(place, data, recordings)
    for name, question in {**QUESTIONS, **USUAL}.items():
        asked = [peer for peer in peers if name in peer.questions]
        taken = _asked(data, values, name, question, asked, rounds)
        at_most = question.at_most and question.at_most / 1000
        at_scale = recordings == MILLION
        row = Row(f"{recordings:>9,} {name}", taken["ours"], at_most=at_most if at_scale else None)
        if not asked:
            yield row
        for peer in asked:
            yield replace(
                row, peer=peer.name, theirs=taken[peer.name], target=peer.target(question)
            )


def _asked(
    data: DataInterface,
    values: Values,
    name: str,
    question: Question,
    peers: list[Peer],
    rounds: int,
) -> dict[str, float]:
    """Return everybody's median seconds; the first answers, which warm up, have to be the same."""
    ours = question.ask(data, values)
    for peer in peers:
        check_same(question, ours, peer.ask(name, values.parameters))
    return turns(
        {
            "ours": lambda: question.ask(data, values),
            **{
                peer.name: lambda ask=peer.ask: ask(name, values.parameters)  # type: ignore[misc]
                for peer in peers
            },
        },
        rounds,
    )


def _peers(place: Path, data: DataInterface, recordings: int) -> list[Peer]:

    def target(question: Question) -> float | None:
        return question.against_duckdb if recordings == MILLION else None

    duckdb = _made(place, "duckdb", lambda path: duckdb_peer.make(path, data))
    sqlite = _made(place, "sqlite", lambda path: sqlite_peer.make(path, data))
    typed, free = (duckdb_peer.DuckDB(duckdb, typed=each) for each in (True, False))
    peers = [
        Peer("DuckDB", duckdb_peer.SQL, typed.ask, target),
        Peer("DuckDB, any metadata", duckdb_peer.ABOUT_METADATA, free.ask, target),
        Peer("SQLite", sqlite_peer.SQL, sqlite_peer.SQLite(sqlite).ask, lambda _: None),
    ]
    if recordings == FOR_REFERENCE:
        peers.append(
            Peer(
                "reference plan",
                reference.QUESTIONS,
                lambda name, _: reference.ask(data, name),
                lambda _: AGAINST_REFERENCE,
            )
        )
    return peers


def _made(place: Path, kind: str, make: Callable[[Path], None]) -> Path:
    """Return a peer's file beside the site, made if it is missing."""
    home = place.with_name(f"{place.name}-{kind}")
    if not home.exists():
        with whole_directory(home) as directory:
            make(directory / "catalog")
    return home / "catalog"
