"""Many processes that register overlapping rows in one catalog at the same time.

`run` takes the catalog's address and what opens it, so that one race serves a directory and an
object store. `check` then compares what is stored with what every process did.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.faults.workers import Worker, start_together
from ursa.audit import audit
from ursa.catalog import Catalog, ModalityRow, ParticipantRow, RecordingRow
from ursa.errors import CatalogRowExists
from ursa.register.rows import put, put_modalities, put_recordings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

HERE = "tests.faults.race"
REGISTER, OPTIMIZE = f"{HERE}.register(*sys.argv[1:])", f"{HERE}.optimize(*sys.argv[1:])"
KINDS = ("eeg", "gaze")
CONTESTED, COUNTERS, LATE_EVERY, BATCH_MAX = 20, 10, 4, 50
TABLES = (ParticipantRow, RecordingRow, ModalityRow)
Operation = tuple[str, "Callable[[], object]"]


@dataclass(frozen=True)
class Race:
    """How much is registered, and by how many.

    Attributes
    ----------
    processes : int
    recordings : int
        Each process registers so many recordings and participants, and twice so many modalities.
    """

    processes: int
    recordings: int

    @property
    def registrations(self) -> int:
        """Rows that each process registers, updates not counted."""
        return (2 + len(KINDS)) * self.recordings


def person(name: str, **metadata: Any) -> ParticipantRow:
    return ParticipantRow(participant_id=name, enrolled_at=0, metadata=metadata)


def recording(name: str, people: tuple[str, ...] = (), seconds: float = 1) -> RecordingRow:
    length = timedelta(seconds=seconds)
    return RecordingRow(recording_hash=name, start_time=0, duration=length, participant_ids=people)


def modality(name: str, kind: str, worker: str = "", rate: float = 1) -> ModalityRow:
    uri = f"r2://constellation-data/recordings/{name}/{kind}_{worker or 'x'}/"
    return ModalityRow(
        recording_hash=name,
        modality=kind,
        worker_id=worker,
        raw_storage_uri=uri,
        storage_uri=uri,
        sampling_rate=rate,
    )


def united(stored: ParticipantRow, offered: ParticipantRow) -> ParticipantRow:
    """Keep of each process's counter the larger one."""
    both = {**stored.metadata, **offered.metadata}
    most = {key: max(stored.metadata.get(key, 0), value) for key, value in both.items()}
    return stored.model_copy(update={"metadata": {**both, **most}})


def added(stored: ParticipantRow, offered: ParticipantRow) -> ParticipantRow:
    """Count one more, which is right only where a swap is never made twice."""
    number = stored.metadata["n"] + offered.metadata["n"]
    return stored.model_copy(update={"metadata": {"n": number}})


def batches(numbers: random.Random, rows: Sequence[Any]) -> Iterator[list[Any]]:
    """Rows in an order of their own, every third batch a single row."""
    left = numbers.sample(rows, len(rows))
    while left:
        size = 1 if numbers.random() < 1 / 3 else numbers.randint(1, BATCH_MAX)
        yield left[:size]
        left = left[size:]


def names_of(race: Race) -> list[str]:
    return [f"r{number}" for number in range(race.recordings)]


def operations(catalog: Catalog, race: Race, me: int, won: list[int]) -> list[Operation]:
    """All that one process does, in an order of its own."""
    numbers, names, people = random.Random(me), names_of(race), catalog.table(ParticipantRow)
    rows: dict[str, list[Any]] = {
        "people": [*(person(f"P{name}") for name in names), person(f"W{me}")],
        "modalities": [modality(name, kind) for name in names for kind in KINDS],
        "recordings": [recording(name, (f"P{name}", f"W{me}")) for name in names],
        "longer": [recording(f"d{n}", seconds=1 + n + me) for n in range(race.recordings // 10)],
        "late": [modality(name, "late", f"w{me}") for name in names[::LATE_EVERY]],
        "again": [modality(name, "shared", rate=1 + me) for name in names[::LATE_EVERY]],
    }
    act: dict[str, Callable[[list[Any]], object]] = {
        "people": lambda batch: put(people, batch),
        "modalities": lambda batch: put_modalities(catalog, batch),
        "recordings": lambda batch: put_recordings(catalog, batch, "merge_participants"),
        "longer": lambda batch: put_recordings(catalog, batch, "extend"),
        "late": lambda batch: put_modalities(catalog, batch),
        "again": lambda batch: put_modalities(catalog, batch, "overwrite"),
    }
    found: list[Operation] = [
        (kind, lambda kind=kind, batch=batch: act[kind](batch))  # type: ignore[misc]
        for kind, offered in rows.items()
        for batch in batches(numbers, offered)
    ]
    for turn in range(COUNTERS):
        counters = [person(f"C{n}", **{f"w{me}": turn + 1}) for n in range(COUNTERS)]
        found.append(("united", lambda rows=counters: put(people, rows, united)))  # type: ignore[misc]
        found.append(("added", lambda: put(people, [person("S", n=1)], added)))
    found += [("contested", lambda n=n: contest(people, n, me, won)) for n in range(CONTESTED)]  # type: ignore[misc]
    return numbers.sample(found, len(found))


def contest(people: Any, number: int, me: int, won: list[int]) -> None:
    """Offer a row that differs from every other process's; exactly one of them may win."""
    try:
        put(people, [person(f"X{number}", by=me)])
        won.append(number)
    except CatalogRowExists:
        pass


def register(address: str, options: str, race: str, me: str, log: str) -> None:
    """One process of the race, which leaves what it won and how long each call took."""
    catalog, won = Catalog(address, json.loads(options)), list[int]()
    took: list[tuple[str, float]] = []
    for kind, act in operations(catalog, Race(**json.loads(race)), int(me), won):
        started = time.monotonic()
        act()
        took.append((kind, time.monotonic() - started))
    Path(log).write_text(json.dumps({"won": won, "took": took}), encoding="utf-8")


def optimize(address: str, options: str, end: str, log: str) -> None:
    """Compact every table again and again until the file `end` is there."""
    catalog, done = Catalog(address, json.loads(options)), Counter[str]()
    while not Path(end).exists():
        for row_type in TABLES:
            table = catalog.table(row_type)._handle.opened()
            assert table is not None
            try:
                table.optimize()
                done["done"] += 1
            except RuntimeError as error:
                if "commit conflict" not in str(error):
                    raise
                done["preempted"] += 1
    Path(log).write_text(json.dumps(done), encoding="utf-8")


def run(
    race: Race, place: Path, address: str, storage_options: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Run the race to its end and return what the processes logged.

    Parameters
    ----------
    race : Race
    place : Path
        A directory for logs.
    address : str
        Of the catalog: a directory, or a prefix like ``s3://bucket/catalog``.
    storage_options : mapping of str to str, optional
        As for `Catalog`.
    """
    options, end = json.dumps(dict(storage_options or {})), place / "end"
    Catalog(address, storage_options).create()
    logs = [place / f"{me}.json" for me in range(race.processes)]
    with ExitStack() as stack:
        writers = [
            stack.enter_context(
                Worker(
                    REGISTER, address, options, json.dumps(vars(race)), str(me), log, imports=HERE
                )
            )
            for me, log in enumerate(logs)
        ]
        tidy = stack.enter_context(
            Worker(OPTIMIZE, address, options, end, place / "tidy.json", imports=HERE)
        )
        start_together(tidy, *writers)
        seconds = [writer.finish() for writer in writers]
        end.touch()
        tidy.finish()
    found = [json.loads(log.read_text("utf-8")) for log in logs]
    return {
        "seconds": max(seconds),
        "won": [each["won"] for each in found],
        "took": [tuple(call) for each in found for call in each["took"]],
        "optimize": json.loads((place / "tidy.json").read_text("utf-8")),
    }


def summary(race: Race, found: Mapping[str, Any]) -> str:
    """The race in one line per kind of call, to be printed."""
    total = race.processes * race.registrations
    lines = [f"{total} registrations in {found['seconds']:.1f} s; optimize: {found['optimize']}"]
    for kind in sorted({kind for kind, _ in found["took"]}):
        times = sorted(took for name, took in found["took"] if name == kind)
        middle, late = (times[int(len(times) * part)] for part in (0.5, 0.95))
        lines.append(f"{kind}: {len(times)} calls, p50 {middle:.3f} s, p95 {late:.3f} s")
    return "\n".join(lines)


def check(catalog: Catalog, race: Race, won: Sequence[Sequence[int]]) -> None:
    """Nothing twice, nothing lost, nothing merged wrongly."""
    for row_type in TABLES:
        columns = ["k64", *row_type.__primary_key__]
        stored = catalog.table(row_type).scan(columns=columns)
        k64, *keys = (stored[name].to_pylist() for name in columns)
        assert len(k64) == len(set(k64)) == len(set(zip(*keys, strict=True)))
    check_people(catalog, race, won)
    check_recordings(catalog, race)
    report = audit(catalog)
    assert report.ok, str(report)


def check_people(catalog: Catalog, race: Race, won: Sequence[Sequence[int]]) -> None:
    people = {row.participant_id: row.metadata for row in catalog.table(ParticipantRow).list()}
    # Of the rows that differ, exactly one writer's was taken, and that writer was told so.
    assert Counter(n for each in won for n in each) == Counter(range(CONTESTED))
    assert people == {
        **{f"P{name}": {} for name in names_of(race)},
        **{f"W{me}": {} for me in range(race.processes)},
        **{f"X{n}": {"by": me} for me, numbers in enumerate(won) for n in numbers},
        **{f"C{n}": {f"w{me}": COUNTERS for me in range(race.processes)} for n in range(COUNTERS)},
        "S": {"n": COUNTERS * race.processes},
    }


def check_recordings(catalog: Catalog, race: Race) -> None:
    writers, names = range(race.processes), names_of(race)
    late = {name: [f"w{me}" for me in writers] for name in names[::LATE_EVERY]}
    rows = catalog.table(ModalityRow).list()
    assert Counter(row.primary_key for row in rows) == Counter(
        [(name, kind, "") for name in names for kind in KINDS]
        + [(name, "late", worker) for name, workers in late.items() for worker in workers]
        + [(name, "shared", "") for name in late]
    )
    assert {row.sampling_rate for row in rows if row.modality == "shared"} <= {
        1.0 + me for me in writers
    }
    entries = {entry.recording_hash: entry for entry in catalog.recordings.list()}
    lengths = {f"d{n}": timedelta(seconds=n + race.processes) for n in range(race.recordings // 10)}
    assert set(entries) == {*names, *lengths}
    assert {name: entries[name].duration for name in lengths} == lengths
    everybody = {f"W{me}" for me in writers}
    for name in names:
        assert set(entries[name].participant_ids) == {f"P{name}", *everybody}
        assert len(entries[name].participant_ids) == 1 + race.processes
    for name, entry in entries.items():
        own = [row for row in rows if row.recording_hash == name]
        assert list(entry.modalities) == sorted(own, key=lambda row: row.primary_key)
