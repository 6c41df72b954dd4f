"""One recording: what the catalog knows of it, its files and its events."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from ursa.catalog import EventRow, IngestionStatus, ParticipantRow, where
from ursa.catalog.arrow import from_record
from ursa.errors import UrsaError
from ursa.frozen import FrozenDict
from ursa_jupyter.browse.messages import choice_of, number_of, text_of
from ursa_jupyter.browse.preview_kinds import kind_of
from ursa_jupyter.browse.selection import results
from ursa_jupyter.browse.wire import iso_exact, pairs, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ursa import DataInterface, QueryResult
    from ursa.catalog import ModalityRow
    from ursa.transfer.plan import Copy
    from ursa_jupyter.browse.messages import Message

TABS = ("timeline", "files", "metadata", "events", "notes")
EVENTS_MAX = 500
_TIMES_MAX = 100_000
_TYPES_MAX = 200
_FILES_MAX = 2_000
_INTERVALS_MAX = 5_000
_NAMES = ("display_name", "name")
_TEXTS = ("prompt", "response")
TIERS = ("raw", "processed")
_STORED = {IngestionStatus.RAW: ("raw",), IngestionStatus.PROCESSED: ("processed", "raw")}


def recording(data: DataInterface, message: Message) -> QueryResult:
    """Return the recording that a message names by its hash."""
    return results(data, [text_of(message, "hash")])[0]


def detail(data: DataInterface, previews: Iterable[str], message: Message) -> Message:
    """Answer ``detail``: everything that the catalog says of one recording, but its events.

    ``preview`` of a modality is its kind, None where there is nothing to look at yet; `previews`
    are those that packages offer.
    """
    result = recording(data, message)
    known = {row.modality for row in result.modalities.values()}
    return {
        "hash": result.recording_hash,
        "title": ", ".join(result.participant_ids) or result.recording_hash[:12],
        "participants": _people(data, result.participant_ids),
        "start": iso_exact(result.start_time),
        "duration_s": result.duration.total_seconds(),
        "status": result.status,
        "device": pairs(result.device_info),
        "metadata": pairs(result.metadata),
        "modalities": [_modality(name, row) for name, row in result.modalities.items()],
        "events": data.catalog.table(EventRow).count(
            where.equals("recording_hash", result.recording_hash)
        ),
        "tabs": list(TABS),
        "previews": [name for name in previews if name in known],
    }


def _people(data: DataInterface, names: Iterable[str]) -> list[dict[str, Any]]:
    rows = data.catalog.table(ParticipantRow).get_many([(name,) for name in names])
    found = {row.participant_id: row.metadata for row in rows.values()}
    return [
        {"id": name, "name": _name(found.get(name, {})), "metadata": pairs(found.get(name, {}))}
        for name in names
    ]


def _name(metadata: Mapping[str, Any]) -> str | None:
    return next((shown(metadata[key]) for key in _NAMES if key in metadata), None)


def _modality(name: str, row: ModalityRow) -> dict[str, Any]:
    error = row.metadata.get("error")
    return {
        "name": name,
        "modality": row.modality,
        "worker": row.worker_id,
        "status": row.ingestion_status.value,
        "error": None if error is None else shown(error),
        "domain": [list(each) for each in (row.domain_intervals or ())[:_INTERVALS_MAX]],
        "rate": row.sampling_rate,
        "size": None,
        "format": row.format.value if row.format else None,
        "preview": kind_of(row),
        "metadata": pairs(row.metadata),
        "channels": pairs(row.channel_spec),
    }


def files(data: DataInterface, message: Message, *, is_page: bool = False) -> Message:
    """Answer ``files``: the stored files of each modality, raw and processed; asks the store.

    ``ask`` is what a ``file`` message says to get that file. On a page, data that were registered
    in place have no ``key``, which would be a path on the server.
    """
    found: list[dict[str, Any]] = []
    missing: list[dict[str, str]] = []
    for name, tier, part in parts(recording(data, message)):
        try:
            copies = data.plan(part, source=tier).copies
        except (UrsaError, OSError) as error:
            missing.append({"modality": name, "stored": tier, "text": str(error)})
            continue
        in_place = is_page and _address(part.modalities[name], tier).startswith("file:")
        found += [_file(name, tier, copy, None if in_place else copy.key) for copy in copies]
    size = sum(each["size"] for each in found)
    more = max(0, len(found) - _FILES_MAX)
    return {"files": found[:_FILES_MAX], "more": more, "bytes": size, "missing": missing}


def _address(row: ModalityRow, tier: str) -> str:
    return (row.raw_storage_uri if tier == "raw" else row.storage_uri) or ""


def _file(name: str, tier: str, copy: Copy, key: str | None) -> dict[str, Any]:
    asked = {"modality": copy.modality, "worker_id": copy.worker_id, "stored": tier}
    own = file_name(copy)
    return {
        "modality": name,
        "name": own,
        "size": copy.size,
        "sha256": copy.sha256,
        "stored": tier,
        "key": key,
        "ask": {"hash": copy.recording_hash, **asked, "key": own},
    }


def file_name(copy: Copy) -> str:
    """Return the path of a file below its modality, which no other of that modality has."""
    return copy.rel_path.split("/", 2)[-1]


def parts(result: QueryResult) -> Iterator[tuple[str, Any, QueryResult]]:
    """Yield each modality that has data, where it is stored, and the recording with it alone."""
    for name, row in result.modalities.items():
        for tier in _STORED.get(row.ingestion_status, ()):
            part = FrozenDict({name: row})
            yield name, tier, result.model_copy(update={"modalities": part})


def events(data: DataInterface, message: Message) -> Message:
    """Answer ``events``: a page of one recording's events in order of time, and their types.

    ``of="times"`` asks when each was and of which type, without texts.
    """
    if choice_of(message, "of", ("page", "times"), "page") == "times":
        return _times(data, message)
    offset = number_of(message, "offset", 0, 2**53, 0)
    limit = number_of(message, "limit", 0, EVENTS_MAX, 100)
    table = data.catalog.table(EventRow)
    of = where.equals("recording_hash", text_of(message, "hash"))
    names = table.scan(of, columns=["event_type"])["event_type"].to_pylist()
    counts = Counter(names)
    # Not "type", which is that of the message.
    kind = None if message.get("event_type") is None else text_of(message, "event_type")
    chosen = None if kind is None else where.equals("event_type", kind)
    wanted = where.all_of([of, chosen])
    order = table.scan(wanted, columns=["event_time", "event_id"], row_ids=True).sort_by(
        [("event_time", "ascending"), ("event_id", "ascending")]
    )
    found = table.take(order["_rowid"].slice(offset, limit).to_pylist())
    return {
        "events": [_event(from_record(EventRow, each)) for each in found.to_pylist()],
        "total": order.num_rows,
        "types": _types(counts),
    }


def _types(counts: Counter[str]) -> list[dict[str, Any]]:
    return [{"type": name, "count": n} for name, n in counts.most_common(_TYPES_MAX)]


def _times(data: DataInterface, message: Message) -> Message:
    """Return the times of events, in order, and the place of each one's type; -1 of a rare one."""
    of = where.equals("recording_hash", text_of(message, "hash"))
    found = data.catalog.table(EventRow).scan(of, columns=["event_time", "event_type"])
    types = _types(Counter(found["event_type"].to_pylist()))
    place = {each["type"]: at for at, each in enumerate(types)}
    shown = found.sort_by("event_time").slice(0, _TIMES_MAX)
    return {
        "times": [round(each, 4) for each in shown["event_time"].to_pylist()],
        "kinds": [place.get(each, -1) for each in shown["event_type"].to_pylist()],
        "types": types,
        "total": found.num_rows,
    }


def _event(row: EventRow) -> dict[str, Any]:
    return {
        "id": row.event_id,
        "type": row.event_type,
        "start_s": row.event_time,
        "end_s": row.event_time,
        "text": " → ".join(text for name in _TEXTS if (text := getattr(row, name))),
        "metadata": pairs(row.metadata),
    }
