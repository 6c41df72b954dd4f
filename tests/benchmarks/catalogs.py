"""Catalogs of many recordings, made quickly and in the form that Ursa itself would store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tests.benchmarks.columns import (
    Bools,
    Choice,
    Ints,
    hex_texts,
    joined,
    json_objects,
    k64s,
    lists,
    metadata,
)
from ursa.catalog import EventRow, ModalityRow, ParticipantRow, RecordingEntry
from ursa.catalog.arrow import schema_of, to_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ursa.catalog import Row

    Tables = dict[type[Row], pa.Table]

EACH = 4  # modalities of a recording
ANSWERED = 0.5  # of the events
NAMES = (
    "cam",
    "depth",
    "ecg",
    "eeg",
    "emg",
    "events",
    "gaze",
    "imu",
    "keys",
    "mic",
    "notes",
    "screen",
)
STATUSES = ("failed", "ingesting", "processed", "raw")
SHARES = (0.02, 0.02, 0.66, 0.3)
PEOPLE = [f"P{number:04d}" for number in range(5000)]
TASKS = ("eyes_closed", "eyes_open", "nback", "oddball", "reading", "rest", "sleep", "stroop")
SCORES = [number / 1000 for number in range(100_000) if number % 1000]
METADATA: Mapping[str, Any] = {
    "age": range(18, 90),
    "hand": ("left", "right"),
    "score": SCORES,
    "sex": ("f", "m", "x"),
    "site": ("Aarhus", "Basel", "Cork", "Delft", "Essen"),
    "task": TASKS,
    "visit": (1, 2, 3, 4),
}
KINDS = ("answer", "blink", "cue", "key", "marker", "note", "pause", "probe", "start", "stop")
WORDS = [f"{first}{last}" for first in ("ba", "do", "ki", "lu", "me") for last in range(200)]
RAW = "r2://constellation-data/recordings/rec_"
ASSETS = "r2://constellation-assets/virgo/"
S = 10**9
DAY = 86_400
FIRST_DAY = 18_628  # 2021-01-01
YEARS = 5


@dataclass(frozen=True)
class Draw:
    """What is random about some recordings and the columns of theirs that other tables need.

    Attributes
    ----------
    start, length : array of int
        ns.
    names, statuses : array of int
        A row for each recording: `EACH` places in `NAMES` and `STATUSES`.
    """

    numbers: np.random.Generator
    hashes: pa.Array
    start: Ints
    length: Ints
    names: Ints
    statuses: Ints

    @classmethod
    def of(cls, numbers: np.random.Generator, rows: int) -> Draw:
        """Draw recordings of five years."""
        return cls(
            numbers,
            hex_texts(numbers, rows, 64),
            (FIRST_DAY * DAY + numbers.integers(0, YEARS * 365 * DAY, rows)) * S,
            numbers.integers(60, 7200, rows) * S,
            np.sort(np.argsort(numbers.random((rows, len(NAMES))), axis=1)[:, :EACH], axis=1),
            numbers.choice(len(STATUSES), size=(rows, EACH), p=SHARES),
        )

    def __len__(self) -> int:
        return len(self.hashes)

    def choice(self, values: Any, each: int = 1) -> Choice:
        """Draw one of `values` for each row, or for each of its modalities."""
        return Choice(values, self.numbers.integers(0, len(values), len(self) * each))


def batch(seed: int, number: int, rows: int) -> Tables:
    """Return batch `number` of recordings, with their modalities and one event a recording."""
    draw = Draw.of(np.random.default_rng([seed, number]), rows)
    modalities, nested = _modalities(draw)
    return {
        RecordingEntry: _recordings(draw, nested),
        ModalityRow: modalities,
        EventRow: _events(draw),
    }


def people() -> pa.Table:
    """Return the participants of every catalog."""
    rows = [ParticipantRow(participant_id=name, enrolled_at=FIRST_DAY * DAY * S) for name in PEOPLE]
    return to_table(rows, schema_of(ParticipantRow))


def _recordings(draw: Draw, nested: pa.Array) -> pa.Table:
    present = np.arange(3) < draw.numbers.integers(1, 4, len(draw))[:, None]
    first = draw.numbers.integers(0, len(PEOPLE), (len(draw), 1))
    further = np.cumsum(draw.numbers.integers(1, len(PEOPLE) // 3, (len(draw), 3)), axis=1)
    ids = (first + further) % len(PEOPLE)
    took_part = lists([Choice(PEOPLE, column).texts() for column in ids.T], present)
    told = {key: draw.choice(values) for key, values in METADATA.items()}
    texts, labels = metadata(told)
    spoken = [told[key].texts() for key in ("hand", "sex", "site", "task")]
    return _table(
        RecordingEntry,
        k64=k64s("recordings", draw.hashes),
        recording_hash=draw.hashes,
        participant_ids=took_part,
        start_time=draw.start,
        duration=draw.length,
        end_time=draw.start + draw.length,
        device_info=json_objects({"rig": draw.choice([f"r{n}" for n in range(12)]).json()}),
        metadata=texts,
        metadata_kv=labels,
        modalities=nested,
        search_text=joined(pc.binary_join(took_part, "\n"), *spoken, by="\n"),
        **_modality_labels(draw),
    )


def _modality_labels(draw: Draw) -> dict[str, pa.Array]:
    """Return the labels by which recordings are found by their modalities."""
    names = [Choice(NAMES, column).texts() for column in draw.names.T]
    statuses = [Choice(STATUSES, column).texts() for column in draw.statuses.T]
    both = [joined(*pair, by="=") for pair in zip(names, statuses, strict=True)]
    found = (draw.statuses[:, :, None] == np.arange(len(STATUSES))).any(axis=1)
    present = np.concatenate([np.ones((len(draw), EACH), bool), found], axis=1)
    plain = [pa.array([status] * len(draw)) for status in STATUSES]
    return {"modality_names": lists(names), "modality_status": lists([*both, *plain], present)}


def _modalities(draw: Draw) -> tuple[pa.Table, pa.Array]:
    """Return the modalities, and the same as one JSON text for each recording."""
    fields = _fields_of_modalities(draw)
    spec, spec_labels = metadata(
        {"n": draw.choice(range(1, 65), EACH), "units": draw.choice(["uV"], EACH)}
    )
    told, labels = metadata({"device": draw.choice([f"d{n}" for n in range(7)], EACH)})
    rates = draw.choice([30.0, 250.0, 500.0, 1000.0, 16000.0], EACH).json()
    fields |= {"sampling_rate": rates, "channel_spec": spec, "metadata": told}
    processed = pc.equal(fields["ingestion_status"], "processed").to_numpy(zero_copy_only=False)
    seconds = np.repeat(draw.length // S, EACH)
    key = [fields["recording_hash"], fields["modality"], pa.array([""] * len(processed))]
    table = _table(
        ModalityRow,
        **{**fields, "sampling_rate": rates.cast(pa.float64())},
        k64=k64s("modalities", *key),
        worker_id=key[-1],
        domain_intervals=_windows(seconds, processed),
        channel_spec_kv=spec_labels,
        metadata_kv=labels,
    )
    windows = joined("[[0.0, ", pa.array(seconds).cast(pa.utf8()), ".0]]")
    return table, _nested({**fields, "domain_intervals": windows}, processed)


def _fields_of_modalities(draw: Draw) -> dict[str, pa.Array]:
    hashes = draw.hashes.take(pa.array(np.repeat(np.arange(len(draw)), EACH)))
    names, statuses = Choice(NAMES, draw.names).texts(), Choice(STATUSES, draw.statuses).texts()
    processed = pc.equal(statuses, "processed")
    raw_uri = joined(RAW, pc.utf8_slice_codeunits(hashes, 0, 12), "/", names, "/")
    asset_uri = joined(ASSETS, hashes, "/", names, ".zarr")
    return {
        "recording_hash": hashes,
        "modality": names,
        "ingestion_status": statuses,
        "storage_uri": pc.if_else(processed, asset_uri, raw_uri),
        "raw_storage_uri": raw_uri,
        "format": pc.if_else(processed, "zarr", "raw_binary"),
    }


def _windows(seconds: Ints, processed: Bools) -> pa.Array:
    """Return the whole recording as the domain of what is processed, and null for the rest."""
    type_ = schema_of(ModalityRow).field("domain_intervals").type
    ends = pa.array(seconds[processed].astype(np.float64))
    starts = pa.array(np.zeros(len(ends)))
    windows = pa.StructArray.from_arrays([starts, ends], fields=list(type_.value_type))
    offsets = np.concatenate([[0], np.cumsum(processed)]).astype(np.int32)
    return pa.ListArray.from_arrays(offsets, windows, type=type_, mask=pa.array(~processed))


def _nested(fields: Mapping[str, pa.Array], processed: Bools) -> pa.Array:
    is_raw = pc.equal(fields["ingestion_status"], "raw").to_numpy(zero_copy_only=False)
    quoted = ("modality", "ingestion_status", "storage_uri", "raw_storage_uri", "format")
    items = {key: joined('"', fields[key], '"') for key in quoted}
    plain = ("sampling_rate", "channel_spec", "metadata", "domain_intervals")
    items |= {key: fields[key] for key in plain}
    there = {
        "domain_intervals": processed,
        "storage_uri": processed,
        "ingestion_status": ~is_raw,
    }
    each = json_objects(items, there)
    places = np.arange(0, len(each), EACH)
    rows = [each.take(pa.array(places + number)) for number in range(EACH)]
    return joined("[", joined(*rows, by=", "), "]")


def _events(draw: Draw) -> pa.Table:
    ids = hex_texts(draw.numbers, len(draw), 32)
    kind = draw.choice(KINDS).texts()
    prompt = joined(*(draw.choice(WORDS).texts() for _ in range(6)), by=" ")
    answered = draw.numbers.random(len(draw)) < ANSWERED
    response = draw.choice(WORDS).texts()
    told, labels = metadata({"block": draw.choice(range(1, 9)), "ok": draw.choice([False, True])})
    time = np.round(draw.numbers.random(len(draw)) * (draw.length / S), 3)
    return _table(
        EventRow,
        k64=k64s("events", ids),
        event_id=ids,
        recording_hash=draw.hashes,
        event_time=time,
        event_type=kind,
        prompt=prompt,
        response=pc.if_else(answered, response, None),
        metadata=told,
        metadata_kv=labels,
        search_text=joined(kind, "\n", prompt, pc.if_else(answered, joined("\n", response), "")),
    )


def _table(row_type: type[Row], **columns: Any) -> pa.Table:
    """Return a table of the physical schema; what is not given is null, `rev` zero."""
    schema = schema_of(row_type)
    rows = len(columns["k64"])
    columns = {"extra": pa.nulls(rows, pa.utf8()), "rev": np.zeros(rows, np.int64), **columns}
    return pa.table([columns[name] for name in schema.names], schema=schema)
