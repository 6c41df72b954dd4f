"""Series as MNE's Raw."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ursa.errors import InvalidArgument
from ursa.packages import imported
from ursa.peers.series import (
    VOLTS,
    channels_of,
    durations_of,
    moment,
    series_of,
    units_of,
)
from ursa.temporal import Data, IrregularTimeSeries

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

_KINDS = {"eeg", "eog", "ecg", "emg", "seeg", "ecog", "dbs", "bio"}
_GAP = "BAD_ACQ_SKIP"
_MOST_FILLED_BYTES = 2 << 30


def to_mne(data: Any, modality: str | None = None) -> Any:
    """Return a dense modality as an MNE ``RawArray`` in V, with events as annotations.

    A gap is filled with zeros and annotated ``BAD_ACQ_SKIP``, as MNE does for files that skip, so
    that its filters and epochs leave it out. Channels without a unit of volts are of type
    ``misc``, with their values as they are.

    Raises
    ------
    PackageMissing
    InvalidArgument
        It is not dense, has no sample or rate, or gaps that would fill the memory.

    Examples
    --------
    >>> import numpy as np
    >>> from ursa.temporal import RegularTimeSeries
    >>> to_mne(RegularTimeSeries(sampling_rate=100.0, signal=np.ones((300, 2)))).get_data().shape
    (2, 300)
    """
    mne, series = imported("mne", "to_mne()"), series_of(data, modality)
    if "signal" not in series or not len(series):
        raise InvalidArgument("MNE takes dense data with samples; to_pandas() takes the others")
    rate = float(series.nominal_rate or getattr(series, "sampling_rate", 0.0))
    if not rate:
        raise InvalidArgument("MNE takes a fixed rate, which this series does not tell")
    values, gaps = _gridded(series, rate)
    scales = [VOLTS.get(unit or "") for unit in units_of(series)]
    values *= [1.0 if scale is None else scale for scale in scales]
    kinds = _kinds(series, scales, modality or "")
    info = mne.create_info(_unique(channels_of(series)), rate, kinds, verbose="error")
    raw = mne.io.RawArray(values.T, info, copy=None, verbose="error")
    start = float(series.timestamps[0])
    if isinstance(data, Data):
        raw.set_meas_date(moment(data, start))
        raw.info["subject_info"] = {"his_id": ", ".join(data.participant_ids)}
    marks = [*gaps, *(_events(data, start) if isinstance(data, Data) else ())]
    raw.set_annotations(
        mne.Annotations(*map(list, zip(*marks, strict=True) if marks else ([],) * 3))
    )
    return raw


def _kinds(series: Any, scales: Sequence[float | None], modality: str) -> list[str]:
    told = list(series.kinds) or [None] * len(scales)
    named = [(each or modality.replace("-", "_").partition("_")[0]).lower() for each in told]
    return [
        kind if kind in _KINDS and scale is not None else "misc"
        for kind, scale in zip(named, scales, strict=True)
    ]


def _unique(names: Sequence[str]) -> list[str]:
    found: list[str] = []
    for name in names:
        each, number = name, 2
        while each in found:
            each, number = f"{name}-{number}", number + 1
        found.append(each)
    return found


def _gridded(
    series: Any, rate: float
) -> tuple[NDArray[np.float64], list[tuple[float, float, str]]]:
    """Return the samples with zeros in gaps, and the gaps as annotations."""
    times = series.timestamps
    firsts = [*np.searchsorted(times, series.domain.start - 0.5 / rate).tolist(), len(times)]
    runs = [(first, last) for first, last in pairwise(firsts) if first < last]
    places, stop, gaps = [], 0, []
    for first, last in runs:
        place = max(stop, round((times[first] - times[0]) * rate))
        if place > stop:
            gaps.append((stop / rate, (place - stop) / rate, _GAP))
        places.append(place)
        stop = place + last - first
    _refuse_huge(stop, len(times), series.signal.shape[1])
    values = np.zeros((stop, series.signal.shape[1]))
    for place, (first, last) in zip(places, runs, strict=True):
        values[place : place + last - first] = series.signal[first:last]
    return values, gaps


def _refuse_huge(filled: int, samples: int, channels: int) -> None:
    size = 8 * filled * channels
    if size > max(_MOST_FILLED_BYTES, 16 * 8 * samples * channels):
        msg = (
            f"with zeros in its gaps this has {filled} samples of {channels} channels, "
            f"{size / 1e9:.1f} GB, of which {samples} were recorded; materialize a time that "
            "leaves the gaps out"
        )
        raise InvalidArgument(msg)


def _events(data: Data, start: float) -> Iterator[tuple[float, float, str]]:
    for key in data.keys():  # noqa: SIM118 - a Data is no mapping
        series = getattr(data, key)
        if isinstance(series, IrregularTimeSeries) and "event_type" in series:
            lasting = durations_of(series)
            for each in zip(series.timestamps - start, lasting, series.event_type, strict=True):
                yield float(each[0]), float(each[1]), str(each[2])
