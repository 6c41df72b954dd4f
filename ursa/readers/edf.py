"""EDF, EDF+, BDF and BDF+ files (edfplus.info, biosemi.com): each signal at its own rate."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ursa.errors import FileUnreadable
from ursa.formats.streams import Channel, DenseStream, Segment, domain_of
from ursa.readers.edf_annotations import Run, annotated, runs
from ursa.readers.edf_header import Header, Signal, read_header
from ursa.readers.edf_samples import digital, physical
from ursa.readers.eeg import STIM, channel_of, kept, kind_of, stream_name
from ursa.readers.marks import Mark, events_stream, pulses, time_of
from ursa.readers.source import Reader, Source, with_suffix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ursa.formats.streams import Stream

_OTHER_EDF = b"SR_RESEARCH"  # EyeLink's files have the same suffix
_BDF_WIDTH = 3
_TRIGGER_BITS = 0xFFFF
STATUS, EVENTS = "status", "events"


def _claims(source: Source, names: Sequence[str]) -> list[str]:
    found = with_suffix(names, ".edf", ".bdf")
    return [name for name in found if not source.head(name, 11).startswith(_OTHER_EDF)]


def _read(source: Source, names: Sequence[str]) -> list[Stream]:
    return [stream for name in names for stream in _streams(source, name, alone=len(names) == 1)]


def _streams(source: Source, name: str, *, alone: bool) -> Iterator[Stream]:
    header = read_header(source.path(name), name)
    signals = [each for each in header.signals if not each.is_annotations]
    status = [each for each in signals if _is_status(header, each)]
    groups = _by_rate([each for each in signals if each not in status])
    timing = runs(header) if signals else []
    for number, group in enumerate(groups):
        rate = f"{group[0].samples / header.record_s:.10g}hz"
        of = rate if number else ""
        yield _dense(header, group, timing, source, stream_name(name, alone=alone, of=of))
    for each in status:
        of = STATUS if groups else ""
        yield _status(header, each, timing, source, stream_name(name, alone=alone, of=of))
    domain = domain_of(_segments(header, signals[0], timing, source.offset_s)) if signals else ()
    of = EVENTS if signals else ""
    marks = partial(_marks, header, timing, source.offset_s)
    events = events_stream(stream_name(name, alone=alone, of=of), marks, domain)
    if events is not None:
        yield events
    elif not signals:
        raise FileUnreadable(f"{name} holds neither signals nor annotations; record it again")


def _is_status(header: Header, signal: Signal) -> bool:
    return header.width == _BDF_WIDTH and signal.label.lower() == STATUS


def _by_rate(signals: Sequence[Signal]) -> list[list[Signal]]:
    groups = defaultdict[int, list[Signal]](list)
    for each in signals:
        groups[each.samples].append(each)
    return sorted(groups.values(), key=lambda group: (-len(group), -group[0].samples))


def _dense(
    header: Header, group: Sequence[Signal], timing: Sequence[Run], source: Source, name: str
) -> DenseStream:
    units = [each.unit if each.calibrated else None for each in group]
    described = [
        channel_of(each.label, unit, source.row.modality)
        for each, unit in zip(group, units, strict=True)
    ]
    channels, factors = zip(*described, strict=True)
    return DenseStream(
        name=name,
        channels=channels,
        dtype=np.dtype(np.float32),
        rate=group[0].samples / header.record_s,
        segments=_segments(header, group[0], timing, source.offset_s),
        blocks=partial(physical, header, group, factors),
        metadata=_metadata(header, group),
    )


def _status(
    header: Header, signal: Signal, timing: Sequence[Run], source: Source, name: str
) -> DenseStream:
    return DenseStream(
        name=name,
        channels=(Channel(signal.label, None, STIM),),
        dtype=np.dtype(np.int32),
        rate=signal.samples / header.record_s,
        segments=_segments(header, signal, timing, source.offset_s),
        blocks=lambda: (block[:, None] for block in digital(header, signal)),
        metadata=_metadata(header, [signal]),
    )


def _segments(
    header: Header, signal: Signal, timing: Sequence[Run], offset: float
) -> tuple[Segment, ...]:
    rate, samples = signal.samples / header.record_s, signal.samples
    return tuple(
        Segment(run.first * samples, run.length * samples, offset + run.start, rate / run.stretch)
        for run in timing
    )


def _metadata(header: Header, group: Sequence[Signal]) -> dict[str, Any]:
    return kept(
        {
            "file_format": ("BDF" if header.width == _BDF_WIDTH else "EDF"),
            "header_start": header.start,
            "truncated": header.truncated or None,
            "records": header.records if header.promised != header.records else None,
            "records_promised": header.promised if header.promised != header.records else None,
            "uncalibrated": [each.label for each in group if not each.calibrated],
        }
    )


def _marks(header: Header, timing: Sequence[Run], offset: float) -> Iterator[Mark]:
    yield from annotated(header, offset)
    for signal in header.signals:
        if _is_status(header, signal) or (kind_of(signal.label) == STIM and _as_digital(signal)):
            segments = _segments(header, signal, timing, offset)
            yield from _triggers(header, signal, segments)


def _as_digital(signal: Signal) -> bool:
    """Say whether its values are the stored integers, which codes of triggers are."""
    return signal.calibrated and abs(signal.gain - 1) < 1e-9 and abs(signal.offset) < 1e-6  # noqa: PLR2004


def _triggers(header: Header, signal: Signal, segments: tuple[Segment, ...]) -> Iterator[Mark]:
    at, before = 0, None
    for block in digital(header, signal):
        codes = (block & _TRIGGER_BITS).astype(np.int64)
        for index, value in pulses(codes, before):
            time = time_of(segments, at + index)
            yield Mark(time, None, "trigger", str(value), channel=signal.label, value=value)
        at, before = at + len(block), int(codes[-1])


READER = Reader("EDF, EDF+, BDF, BDF+", _claims, _read)
