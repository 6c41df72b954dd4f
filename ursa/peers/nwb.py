"""Recordings as NWB files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from ursa.errors import InvalidArgument
from ursa.packages import imported
from ursa.peers.series import (
    VOLTS,
    channels_of,
    columns_of,
    durations_of,
    moment,
    units_of,
)
from ursa.temporal import Data, IrregularTimeSeries, RegularTimeSeries, Video

if TYPE_CHECKING:
    import os

_MEANT = ("start_time", "stop_time", "tags", "timeseries", "id")  # columns that NWB knows


def to_nwb(data: Data, path: str | os.PathLike[str]) -> None:
    """Write a recording, or a slice of it, as an NWB file.

    Dense modalities in volts become ``ElectricalSeries``, others ``TimeSeries``; sparse ones
    ``TimeIntervals`` where they have texts, as events do, and else ``TimeSeries``. Times count from
    the start of `data`, which is the session's start; gaps are left out, each sample having its
    time. Video, and what has no rows,
    is left out.

    Raises
    ------
    PackageMissing
    InvalidArgument
        It is no `Data`.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import numpy as np
    >>> from ursa.temporal import Data, Interval, RegularTimeSeries
    >>> ecg = RegularTimeSeries(sampling_rate=100.0, signal=np.ones((300, 2)))
    >>> about = {"recording_hash": "a", "participant_ids": ["P001"], "start_time": 0}
    >>> data = Data(domain=Interval(0, 3), ecg=ecg, **about)
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "one.nwb"
    >>> to_nwb(data, path)
    >>> path.stat().st_size > 0
    True
    """
    pynwb = imported("pynwb", "to_nwb()")
    if not isinstance(data, Data):
        raise InvalidArgument(f"to_nwb() takes what materialize() returned, not {type(data)}")
    file = pynwb.NWBFile(
        session_description=f"recording {data.recording_hash}",
        identifier=data.recording_hash,
        session_start_time=moment(data, 0.0),
        subject=pynwb.file.Subject(
            subject_id=", ".join(data.participant_ids) or "unknown", species="Homo sapiens"
        ),
    )
    for key in data.keys():  # noqa: SIM118 - a Data is no mapping
        series = getattr(data, key)
        is_series = isinstance(series, IrregularTimeSeries | RegularTimeSeries)
        if is_series and len(series) and not isinstance(series, Video):
            _add(pynwb, file, key, series)
    with pynwb.NWBHDF5IO(path, "w") as io:
        io.write(file)


def _add(pynwb: Any, file: Any, key: str, series: Any) -> None:
    if "signal" in series:
        file.add_acquisition(_dense(pynwb, file, key, series))
    elif any(values.dtype.kind not in "biuf" for _, values in columns_of(series)):
        file.add_time_intervals(_intervals(pynwb, key, series))
    else:
        file.add_acquisition(_sparse(pynwb, key, series))


def _dense(pynwb: Any, file: Any, key: str, series: Any) -> Any:
    units = set(units_of(series))
    unit = units.pop() if len(units) == 1 else None
    about = {
        "name": key,
        "data": series.signal,
        "description": json.dumps({"channels": channels_of(series), "units": units_of(series)}),
        **_clock(series),
    }
    if unit not in VOLTS:
        return pynwb.TimeSeries(unit=unit or "unknown", **about)
    region = _electrodes(file, key, channels_of(series))
    return pynwb.ecephys.ElectricalSeries(electrodes=region, conversion=VOLTS[unit], **about)


def _clock(series: Any) -> dict[str, Any]:
    if isinstance(series, RegularTimeSeries):
        start = float(series.domain.start[0])
        return {"starting_time": start, "rate": float(series.sampling_rate)}
    return {"timestamps": series.timestamps}


def _electrodes(file: Any, key: str, names: list[str]) -> Any:
    device = file.create_device(name=f"{key} device")
    group = file.create_electrode_group(
        name=key, description=f"channels of {key}", location="unknown", device=device
    )
    if file.electrodes is None:
        file.add_electrode_column("label", "name of the channel")
    first = 0 if file.electrodes is None else len(file.electrodes)
    for name in names:
        file.add_electrode(location="unknown", group=group, label=name)
    return file.create_electrode_table_region(
        region=list(range(first, first + len(names))), description=f"channels of {key}"
    )


def _intervals(pynwb: Any, key: str, series: Any) -> Any:
    columns = {
        "start_time": series.timestamps,
        "stop_time": series.timestamps + durations_of(series),
        **{f"{name}_" if name in _MEANT else name: each for name, each in columns_of(series)},
    }
    vectors = [
        pynwb.core.VectorData(name=name, description=name, data=_known(values))
        for name, values in columns.items()
    ]
    return pynwb.epoch.TimeIntervals(name=key, description=f"rows of {key}", columns=vectors)


def _known(values: Any) -> Any:
    # HDF5 knows texts as Python's alone.
    return values if values.dtype.kind in "biuf" else [str(each) for each in values.tolist()]


def _sparse(pynwb: Any, key: str, series: Any) -> Any:
    columns = dict(columns_of(series))
    flat = [np.asarray(each, np.float64).reshape(len(series), -1) for each in columns.values()]
    return pynwb.TimeSeries(
        name=key,
        data=np.concatenate(flat, axis=1) if flat else np.empty((len(series), 0)),
        unit="see description",
        description=json.dumps({"columns": list(columns)}),
        timestamps=series.timestamps,
    )
