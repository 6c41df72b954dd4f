"""Series as data frames and labelled arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ursa.peers.series import channels_of, columns_of, imported, series_of, units_of

if TYPE_CHECKING:
    import pandas as pd


def to_pandas(data: Any, modality: str | None = None) -> pd.DataFrame:
    """Return a modality as a data frame: a row for each time, the index in seconds.

    Columns are the channels of a dense modality and the columns of a sparse one.

    Raises
    ------
    PackageMissing, InvalidArgument

    Examples
    --------
    >>> import numpy as np
    >>> from ursa.temporal import RegularTimeSeries
    >>> to_pandas(RegularTimeSeries(sampling_rate=2.0, signal=np.ones((3, 1)))).index.tolist()
    [0.0, 0.5, 1.0]
    """
    pandas, series = imported("pandas"), series_of(data, modality)
    index = pandas.Index(series.timestamps, name="time")
    if "signal" in series:
        frame: pd.DataFrame = pandas.DataFrame(series.signal, index, channels_of(series))
        return frame
    found: pd.DataFrame = pandas.DataFrame(dict(columns_of(series)), index)
    return found


def to_xarray(data: Any, modality: str | None = None) -> Any:
    """Return a modality as an xarray ``DataArray`` (time, channel), or ``Dataset`` of columns.

    A ``DataArray`` has the coordinates ``time`` (seconds), ``channel`` and ``unit``.

    Raises
    ------
    PackageMissing, InvalidArgument

    Examples
    --------
    >>> import numpy as np
    >>> from ursa.temporal import RegularTimeSeries
    >>> to_xarray(RegularTimeSeries(sampling_rate=2.0, signal=np.ones((3, 1)))).dims
    ('time', 'channel')
    """
    xarray, series = imported("xarray"), series_of(data, modality)
    times = ("time", series.timestamps, {"units": "s"})
    if "signal" not in series:
        columns = {name: ("time", values) for name, values in columns_of(series)}
        return xarray.Dataset(columns, {"time": times})
    coords = {
        "time": times,
        "channel": channels_of(series),
        "unit": ("channel", [unit or "" for unit in units_of(series)]),
    }
    attrs = {} if series.nominal_rate is None else {"sampling_rate": series.nominal_rate}
    return xarray.DataArray(series.signal, coords, ("time", "channel"), modality, attrs)
