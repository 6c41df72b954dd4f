"""A catalog of odd recordings, and what a `QuerySpec` finds in it, by reading every row in Python.

The rules here are written from the documentation of `QuerySpec`, apart from the code under test.
"""

from __future__ import annotations

import itertools
import json
import math
import random
from datetime import timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeVar

from ursa.catalog import (
    Catalog,
    EventRow,
    IngestionStatus,
    ModalityRow,
    RecordingEntry,
    StorageFormat,
    VirgoAssetRow,
)
from ursa.catalog.result_keys import modality_keys
from ursa.filters import AroundEvent, IntervalSelector, QuerySpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Span = tuple[int, int]
Number = TypeVar("Number", int, float)

# -- what is stored --------------------------------------------------------------------------------

KEYS = ["k", "a b", "it's", 'say "x"', "a.b", "a\\b", "a+b*[x](y|z)$", "ä", "\n", ', k": 1', "%_"]
SCALARS: list[Any] = [
    *("rest", "Rest", "REST 1", "", "1", "true", "null", "it's", 'say "ah"', "a\\b", "a\\u0022b"),
    *(
        "\\",
        "\\\\n",
        '\\"',
        "a\nb",
        "\r\n\t\b\f",
        "\x00",
        "\x01\x1f\x7f",
        "ä",
        "a\u0308",
        "Σς",
        "İ",
    ),
    *("50%", "a_b", "%", "_", '", "k": "rest', "#text", "sha256:0", "x" * 63, "x" * 300, "\u2028"),
    *(0, 1, -1, 2, 18, 65, 10, 9, 2**53, 2**53 + 1, 2**63, -(2**70), 10**308, 10**400, -(10**400)),
    *(0.0, -0.0, 1.0, 0.5, -0.5, 1.5, 1e300, 1e-300, 5e-324, 0.1, 1e16, 123456.789, -1.5e-7, 18.0),
    *(True, False, None),
]
LISTS: list[Any] = [[], ["rest"], ["a", 2], [1.0, True, None], ["x" * 300], [0.5], ['"', "\\"]]
VALUES = [*SCALARS, *LISTS]
PEOPLE = ["P1", "P2", "P3", "P4"]
LENGTHS = [timedelta(0), *(timedelta(microseconds=n) for n in (1, 2, 3)), *map(timedelta, (116,))]
LENGTHS += [timedelta(seconds=n) for n in (1, 2, 10, 60, 600)]
STARTS = [-(2**63), -(10**9), 0, 1, 1000, 10**9, 2 * 10**9, 60 * 10**9, 1_700_000_000 * 10**9]
STARTS += [2**63 - 1 - 120 * 86400 * 10**9]
STREAMS = [
    [],
    [("eeg", "")],
    [("eeg", "a")],
    [("eeg", "a"), ("eeg", "b"), ("gaze", "")],
    [("gaze", "x"), ("eeg_a", ""), ("eeg", "a"), ("eeg", "b")],
    [("eeg_a", "b"), ("eeg", "a_b"), ("eeg", "")],
    [("raw", ""), ("it's", ""), ("processed", "")],
    [("eeg", "a"), ("eeg_a", ""), ("gaze", "x_y"), ("gaze", "x")],
]
NAMES = [
    "eeg",
    "eeg_a",
    "eeg_b",
    "gaze",
    "gaze_x",
    "raw",
    "it's",
    "processed",
    "eeg_a_b",
    "eeg_",
    "gaze_x_y",
]
VERSIONS = ["v1", "v2"]
EVENT_TYPES = ["cue", "it's", "pause"]
TIMES = [0.0, 0.5, 1.5, 1e-10, -1.0, 1e-9, 2e-6, 59.9999999995, 1e7, 1e300, 30.0]
WORDS = ["ruhig", "calm", "note", "rest", "REST", "ah", "cue", "stop"]
_URI = "r2://constellation-data/recordings/x/"


def make_entries(number: int = 84) -> list[RecordingEntry]:
    chance = random.Random(4)
    return [_entry(each, chance) for each in range(number)]


def _entry(number: int, chance: random.Random) -> RecordingEntry:
    name = f"{number * 2654435761 % 2**64:064x}" if number % 4 else f"rec-{number}"
    return RecordingEntry(
        recording_hash=name,
        participant_ids=tuple(chance.sample(PEOPLE, chance.randrange(4))),
        start_time=chance.choice(STARTS) if number % 2 else number // 3 * 500,
        duration=chance.choice(LENGTHS),
        metadata={"k": VALUES[number % len(VALUES)], **_metadata(chance)},
        modalities=tuple(
            ModalityRow(
                recording_hash=name,
                modality=modality,
                worker_id=worker,
                ingestion_status=chance.choice([IngestionStatus.PROCESSED, *IngestionStatus]),
                raw_storage_uri=_URI,
                storage_uri=_URI,
                metadata=_metadata(chance),
                channel_spec=_metadata(chance),
            )
            for modality, worker in STREAMS[number % len(STREAMS)]
        ),
    )


def _metadata(chance: random.Random) -> dict[str, Any]:
    found = {chance.choice(KEYS): chance.choice(VALUES) for _ in range(chance.randrange(4))}
    return {**found, "note": chance.choice(WORDS)} if chance.random() < 0.3 else found


ENTRIES = make_entries()
MODALITIES = [row for entry in ENTRIES for row in entry.modalities]


def _make_events() -> list[EventRow]:
    chance = random.Random(5)
    return [
        EventRow(
            event_id=f"e{number}",
            recording_hash=chance.choice(ENTRIES).recording_hash if number else "nobody",
            event_time=chance.choice(TIMES),
            event_type=chance.choice(EVENT_TYPES),
            prompt=chance.choice([None, "ruhig calm", "stop, note!"]),
            metadata={"said": chance.choice(WORDS)},
        )
        for number in range(70)
    ]


def _make_assets() -> list[VirgoAssetRow]:
    chance = random.Random(6)
    return [
        VirgoAssetRow(
            asset_id=f"a{number}",
            **row.model_dump(include={"recording_hash", "modality", "worker_id"}),
            storage_uri="r2://constellation-assets/virgo/x/eeg.zarr",
            format=StorageFormat.ZARR,
            pipeline_version=chance.choice(VERSIONS),
            created_at=0,
        )
        for number, row in enumerate(chance.choices(MODALITIES, k=50))
    ]


EVENTS, ASSETS = _make_events(), _make_assets()


def make_catalog(place: str, promoted: Mapping[str, str] | None = None) -> Catalog:
    """All rows, two thirds of the recordings in the indexes, in no order.

    Parameters
    ----------
    promoted : mapping of str to str
        Typed metadata columns that the recordings have from the start, and their SQL types.
    """
    catalog = Catalog(place)
    catalog.create()
    if promoted:
        columns = {name: f"CAST(NULL AS {kind})" for name, kind in promoted.items()}
        catalog.recordings._created([]).add_columns(columns)
        catalog = Catalog(place)
    catalog.recordings.insert(ENTRIES[::3] + ENTRIES[1::3][::-1])
    for rows in (MODALITIES, EVENTS, ASSETS):
        table = catalog.table(type(rows[0]))
        table.insert(rows[::2])
        table._created([]).optimize()
        table.insert(rows)
    catalog.recordings._created([]).optimize()
    catalog.recordings.insert(ENTRIES[2::3])
    return catalog


# -- what must be found ----------------------------------------------------------------------------


def expected(spec: QuerySpec) -> list[tuple[str, list[str], list[tuple[float, float]] | None]]:
    """Hash, result keys and selected time of each result, in order."""
    entries = sorted(filter(lambda each: matches(each, spec), ENTRIES), key=_place(spec))
    following = [each for each in entries if _follows(each, spec)]
    stop = None if spec.limit is None else spec.offset + spec.limit
    return [
        (each.recording_hash, wanted(each, spec), selection(each, spec))
        for each in following[spec.offset : stop]
    ]


def matches(entry: RecordingEntry, spec: QuerySpec) -> bool:
    people = set(entry.participant_ids)
    narrowed = spec.status != "all" or any(
        getattr(spec, name) not in (None, {})
        for name in ("modalities", "modality_metadata", "channel_spec", "pipeline_version")
    )
    return (
        (spec.participants is None or bool(people & set(spec.participants)))
        and people >= set(spec.participants_all or ())
        and _has_hash(entry, spec.recording_hash)
        and holds(spec.metadata, entry.metadata)
        and (bool(wanted(entry, spec)) or not (narrowed or spec.derived is not None))
        and _overlaps(entry, spec.time_range)
        and all(_is(op, entry.duration, length) for op, length in spec.duration.items())
        and (not spec.time_filters or bool(_selected(entry, spec)))
        and (spec.event_type is None or any(e.event_type in spec.event_type for e in _of(entry)))
        and (spec.text is None or any(_words(spec.text) <= each for each in _texts(entry)))
    )


def wanted(entry: RecordingEntry, spec: QuerySpec) -> list[str]:
    """Result keys of the modalities that meet every condition on modalities."""
    labels: dict[str, set[str]] = {
        "ingested": {"processed"},
        "raw": {"raw"},
        "all": set(IngestionStatus),
    }
    return [
        key
        for key, row in modality_keys(entry.modalities).items()
        if row.ingestion_status in labels[spec.status]
        and (spec.modalities is None or {key, row.modality} & set(spec.modalities))
        and holds(spec.modality_metadata, row.metadata)
        and holds(spec.channel_spec, row.channel_spec)
        and _has_assets(row, spec)
    ]


def _has_assets(row: ModalityRow, spec: QuerySpec) -> bool:
    if spec.derived is None and spec.pipeline_version is None:
        return True
    made = any(
        (each.recording_hash, each.modality, each.worker_id) == row.primary_key
        and (spec.pipeline_version is None or each.pipeline_version in spec.pipeline_version)
        for each in ASSETS
    )
    return made is (spec.derived is not False)


def _has_hash(entry: RecordingEntry, given: Sequence[str] | None) -> bool:
    digits = set("0123456789abcdef")
    return given is None or any(
        entry.recording_hash == text
        or (8 <= len(text) < 64 and set(text) <= digits and entry.recording_hash.startswith(text))
        for text in given
    )


def _overlaps(entry: RecordingEntry, span: tuple[int | None, int | None] | None) -> bool:
    """Whether some ns, at least the first one, lies in both half-open spans."""
    start, end = span or (None, None)
    first, last = entry.start_time, max(entry.start_time, entry.end_time - 1)
    return (end is None or first < end) and (start is None or last >= start)


def _of(entry: RecordingEntry) -> list[EventRow]:
    return [each for each in EVENTS if each.recording_hash == entry.recording_hash]


def _words(text: str) -> set[str]:
    return set("".join(char if char.isalnum() else " " for char in text.lower()).split())


def _texts(entry: RecordingEntry) -> Iterator[set[str]]:
    yield _words(" ".join([*entry.participant_ids, *_strings(entry.metadata.values())]))
    for each in _of(entry):
        parts = [each.event_type, each.prompt, each.response, *each.metadata.values()]
        yield _words(" ".join(_strings(parts)))


def _strings(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        yield from _strings(value) if isinstance(value, list) else [value] * isinstance(value, str)


# -- time ------------------------------------------------------------------------------------------


def _ns(seconds: float) -> int:
    return round(seconds * 1e9 if abs(seconds) < 1e15 else Fraction(seconds) * 10**9)


def _selected(entry: RecordingEntry, spec: QuerySpec) -> list[Span]:
    start, end = spec.time_range or (None, None)
    whole = entry.end_time - entry.start_time
    spans = [
        (
            0 if start is None else max(0, start - entry.start_time),
            whole if end is None else min(whole, end - entry.start_time),
        )
    ]
    for each in spec.time_filters:
        pairs = itertools.product(spans, _windows(entry, each))
        spans = [(max(a, c), min(b, d)) for (a, b), (c, d) in pairs]
    return _union(spans)


def _windows(entry: RecordingEntry, each: IntervalSelector | AroundEvent) -> list[Span]:
    if isinstance(each, IntervalSelector):
        return [(_ns(start), _ns(end)) for start, end in each.intervals]
    return _union(
        (_ns(event.event_time) - _ns(each.before), _ns(event.event_time) + _ns(each.after))
        for event in _of(entry)
        if event.event_type == each.event_type
    )


def _union(spans: Iterable[tuple[Number, Number]]) -> list[tuple[Number, Number]]:
    """The same points as few spans; what is empty or touches is none of its own."""
    union: list[tuple[Number, Number]] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if union and start <= union[-1][1]:
            union[-1] = (union[-1][0], max(end, union[-1][1]))
        else:
            union.append((start, end))
    return union


def selection(entry: RecordingEntry, spec: QuerySpec) -> list[tuple[float, float]] | None:
    if not spec.time_range and not spec.time_filters:
        return None
    seconds = [(start / 10**9, end / 10**9) for start, end in _selected(entry, spec)]
    # Where floats are further apart than a window is long, it takes the step to the next of them.
    return _union((low, max(high, math.nextafter(low, math.inf))) for low, high in seconds)


# -- order -----------------------------------------------------------------------------------------


def _place(spec: QuerySpec) -> Any:
    column, sign = spec.order_by.removeprefix("-"), -1 if spec.order_by.startswith("-") else 1
    if column == "recording_hash":
        return lambda each: [sign * ord(char) for char in f"{each.recording_hash}\0"]
    if column == "duration":
        return lambda each: (sign * (each.end_time - each.start_time), each.recording_hash)
    return lambda each: (sign * each.start_time, each.recording_hash)


def cursor_of(entry: RecordingEntry, order_by: str) -> str:
    column = order_by.removeprefix("-")
    if column == "recording_hash":
        return entry.recording_hash
    value = entry.start_time if column == "start_time" else entry.end_time - entry.start_time
    return f"{value}:{entry.recording_hash}"


def _follows(entry: RecordingEntry, spec: QuerySpec) -> bool:
    if spec.after is None:
        return True
    value, _, name = spec.after.rpartition(":")
    column, down = spec.order_by.removeprefix("-"), spec.order_by.startswith("-")
    if column == "recording_hash":
        return entry.recording_hash < name if down else entry.recording_hash > name
    own = entry.start_time if column == "start_time" else entry.end_time - entry.start_time
    beyond = own < int(value) if down else own > int(value)
    return beyond or (own == int(value) and entry.recording_hash > name)


# -- conditions ------------------------------------------------------------------------------------


def holds(filters: Mapping[str, Any], metadata: Mapping[str, Any]) -> bool:
    """Whether metadata meets a filter, as `ursa.catalog.conditions` documents it."""
    return all(
        _meets(metadata, key, op, operand)
        for key, value in filters.items()
        for op, operand in (value.items() if isinstance(value, dict) else [("=", value)])
    )


def _meets(  # noqa: PLR0911 - one line per operator
    metadata: Mapping[str, Any], key: str, op: str, operand: Any
) -> bool:
    if op == "exists":
        return (key in metadata) is operand
    if key not in metadata:
        return False
    value = metadata[key]
    if op == "in":
        return any(_same(value, each) for each in operand)
    if op == "contains":
        return isinstance(value, str) and operand.lower() in value.lower()
    if op in ("=", "!="):
        return _same(value, operand) is (op == "=")
    if isinstance(value, str) and isinstance(operand, str):
        return _is(op, value, operand)
    return _number(value) and _number(operand) and _is(op, _double(value), _double(operand))


def _is(op: str, one: Any, other: Any) -> bool:
    order = (one > other) - (one < other)
    allowed = {"<": [-1], "<=": [-1, 0], ">": [1], ">=": [0, 1], "=": [0], "!=": [-1, 1]}
    return order in allowed[op]


def _number(value: object) -> bool:
    return type(value) in (int, float)


def _double(value: Any) -> float:
    return float(json.loads(f"{value}.0")) if isinstance(value, int) else float(value)


def _same(one: Any, other: Any) -> bool:
    """Whether two values are one JSON value: 1 is 1.0, but neither true nor "1"."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if _number(one) and _number(other):
        return bool(one == other)
    return type(one) is type(other) and bool(one == other)
