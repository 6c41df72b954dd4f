"""Processed recordings as `Data` on one clock: seconds from the recording's start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ursa.catalog.schemas import StorageFormat
from ursa.errors import InvalidArgument
from ursa.formats.streams import domain_of
from ursa.query import results_of
from ursa.reading import checked_time, columns, names_of, overlaps, picked, spans
from ursa.result import QueryResult
from ursa.temporal import (
    ArrayDict,
    Data,
    IrregularTimeSeries,
    RegularTimeSeries,
    Video,
    View,
    attribute,
    described,
    interval,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from ursa.catalog.schemas import ModalityRow
    from ursa.catalog.types import Interval as Window
    from ursa.formats.streams import Segment
    from ursa.formats.timeline import Timeline
    from ursa.reading import Readers, Time

    Spans = tuple[Window, ...] | None

TIMESTAMP = "timestamp"
_MEANT = ("timestamps", "signal")  # attributes of series that are no column


def materialize(
    target: QueryResult | Iterable[QueryResult],
    readers: Readers,
    *,
    time: Time | None = None,
    modalities: str | Iterable[str] | None = None,
    lazy: bool = False,
) -> Data | list[Data]:
    """Return one `Data` for a result, or a list of them for several.

    `ursa.DataInterface.materialize` says what is in it.
    """
    window = checked_time(time)
    names = names_of(modalities)
    made = [_data(each, readers, window, names, lazy=lazy) for each in results_of(target)]
    return made[0] if isinstance(target, QueryResult) else made


def _data(
    result: QueryResult,
    readers: Readers,
    time: Window | None,
    modalities: Sequence[str] | None,
    *,
    lazy: bool,
) -> Data:
    rows = picked(result, modalities)
    chosen = spans(result, time)
    domain = _domain(result, rows, chosen, time)
    data = Data(
        domain=interval(domain),
        recording_hash=result.recording_hash,
        participant_ids=list(result.participant_ids),
        start_time=result.start_time,
    )
    for key, row in rows.items():
        make = _SERIES[row.format or StorageFormat.ZARR]
        series = make(readers, row, None if chosen is None else domain)
        if not lazy:
            series.materialize()
        setattr(data, attribute(key, data), series)
    return data


def _domain(
    result: QueryResult,
    rows: Mapping[str, ModalityRow],
    chosen: Spans,
    time: Window | None,
) -> tuple[Window, ...]:
    """Return the recording, or what is selected of it; data may reach a little beyond its ends."""
    ends = [end for row in rows.values() for pair in row.domain_intervals or () for end in pair]
    length = result.duration.total_seconds()
    whole = ((min([0.0, *ends]), max([length, *ends])),)
    found = whole if chosen is None else overlaps(whole, chosen)
    if not found:
        msg = (
            f"nothing of recording {result.recording_hash[:12]} is selected: it lasts from "
            f"{whole[0][0]:g} to {whole[0][1]:g} s, time is {time}, its time_selection "
            f"{result.time_selection}; give windows that overlap"
        )
        raise InvalidArgument(msg)
    return found


def _dense(readers: Readers, row: ModalityRow, chosen: Spans) -> Any:
    signal = readers.get(row)
    reader = signal.reader
    runs = (
        [each for each in reader.segments if each.length]
        if chosen is None
        else [run for start, stop in chosen for run in reader.runs(start, stop)]
    )
    pieces = tuple((run.first, run.length) for run in runs)
    view = View(readers, row, pieces, signal.dtype, len(reader.channels))
    if len(runs) > 1:
        series = _irregular(runs, view, reader.timeline)
    else:
        series = _regular(runs, view, reader.rate, chosen)
    return described(series, reader)


def _regular(runs: Sequence[Segment], view: View, rate: float, chosen: Spans) -> Any:
    # Not through __init__, which would read all samples to make them an array.
    series = RegularTimeSeries.__new__(RegularTimeSeries)
    start = runs[0].start if runs else chosen[0][0] if chosen else 0.0
    series.__dict__["signal"] = view
    series._sampling_rate = runs[0].rate if runs else rate  # noqa: SLF001
    series._domain = interval([(start, start + len(view) / series.sampling_rate)])  # noqa: SLF001
    return series


def _irregular(runs: Sequence[Segment], view: View, timeline: Timeline) -> Any:
    times = np.concatenate([timeline.times(run.first, run.length) for run in runs])
    series = IrregularTimeSeries(timestamps=times, domain=interval(domain_of(tuple(runs))))
    series.__dict__["signal"] = view
    return series


def _sparse(readers: Readers, row: ModalityRow, chosen: Spans) -> Any:
    import pyarrow as pa

    reader = readers.get(row)
    tables = [reader.read(start, stop) for start, stop in chosen or ((None, None),)]
    found = columns(pa.concat_tables(tables))
    times = found.pop(TIMESTAMP)
    domain = reader.domain if chosen is None else overlaps(reader.domain, chosen)
    return IrregularTimeSeries(
        timestamps=times, domain=interval(domain), **_named(found, IrregularTimeSeries)
    )


def _named(found: Mapping[str, NDArray[Any]], owner: type) -> dict[str, NDArray[Any]]:
    named: dict[str, NDArray[Any]] = {}
    for name, values in found.items():
        named[attribute(name, owner, {*named, *_MEANT})] = values
    return named


def _video(readers: Readers, row: ModalityRow, chosen: Spans) -> Any:
    reader = readers.get(row)
    ranges = [reader.span(start, stop) for start, stop in chosen or ((None, None),)]
    frame = np.concatenate([np.arange(first, last) for first, last in ranges])
    domain = reader.domain if chosen is None else overlaps(reader.domain, chosen)
    series = Video(timestamps=reader.times[frame], frame=frame, domain=interval(domain))
    series._readers, series._row = readers, row  # noqa: SLF001
    return series


def _table(readers: Readers, row: ModalityRow, _chosen: Spans) -> Any:
    return ArrayDict(**_named(columns(readers.get(row).read()), ArrayDict))


_SERIES = {
    StorageFormat.ZARR: _dense,
    StorageFormat.LANCE: _sparse,
    StorageFormat.MP4_INDEX: _video,
    StorageFormat.PARQUET: _table,
}
