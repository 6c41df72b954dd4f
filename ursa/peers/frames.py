"""Series as data frames and labelled arrays."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ursa.packages import imported
from ursa.peers.series import channels_of, columns_of, series_of, units_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from numpy.typing import NDArray


def to_pandas(data: Any, modality: str | None = None) -> pd.DataFrame:
    """Return a modality as a data frame: a row for each time, the index in seconds.

    Columns are the channels of a dense modality and the columns of a sparse one; one that has
    several values in a row becomes ``acc_0``, ``acc_1`` ….

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
    pandas, series = imported("pandas", "to_pandas()"), series_of(data, modality)
    index = pandas.Index(series.timestamps, name="time")
    if "signal" in series:
        frame: pd.DataFrame = pandas.DataFrame(series.signal, index, channels_of(series))
        return frame
    found: pd.DataFrame = pandas.DataFrame(dict(_flat(series)), index)
    return found


def _flat(series: Any) -> Iterator[tuple[str, NDArray[Any]]]:
    for name, values in columns_of(series):
        if values.ndim == 1:
            yield name, values
        else:
            wide = values.reshape(len(values), math.prod(values.shape[1:])).T
            yield from ((f"{name}_{number}", each) for number, each in enumerate(wide))


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
    xarray, series = imported("xarray", "to_xarray()"), series_of(data, modality)
    times = ("time", series.timestamps, {"units": "s"})
    if "signal" not in series:
        columns = {
            "time_" if name == "time" else name: (
                ("time", *(f"{name}_{axis}" for axis in range(1, values.ndim))),
                values,
            )
            for name, values in columns_of(series)
        }
        return xarray.Dataset(columns, {"time": times})
    coords = {
        "time": times,
        "channel": channels_of(series),
        "unit": ("channel", [unit or "" for unit in units_of(series)]),
    }
    attrs = {} if series.nominal_rate is None else {"sampling_rate": series.nominal_rate}
    return xarray.DataArray(series.signal, coords, ("time", "channel"), modality, attrs)
