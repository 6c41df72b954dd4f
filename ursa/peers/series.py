"""What all forms need to know of a series."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from ursa.errors import InvalidArgument
from ursa.hints import nearest
from ursa.temporal import Data, attribute
from ursa.text import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

VOLTS = {
    "V": 1.0,
    "mV": 1e-3,
    "uV": 1e-6,
    "µV": 1e-6,
    "\N{GREEK SMALL LETTER MU}V": 1e-6,
    "nV": 1e-9,
}


def series_of(data: Any, modality: str | None) -> Any:
    """Return the series that was meant.

    Raises
    ------
    InvalidArgument
        `data` has no such modality, or several of which none is named.
    """
    if not isinstance(data, Data):
        if hasattr(data, "timestamps"):
            return data
        msg = f"{shortened(data, 60)} is no recording or series; give what materialize() returned"
        raise InvalidArgument(msg)
    known = [key for key in data.keys() if hasattr(getattr(data, key), "timestamps")]  # noqa: SIM118 - a Data is no mapping
    asked = str(modality or "")
    name = attribute(asked, object)
    for each in (asked, name, f"{name}_"):  # the last where the name has a meaning in a `Data`
        if each in known:
            return getattr(data, each)
    said = f"there is no modality {modality!r}" if modality else "name a modality"
    raise InvalidArgument(f"{said}{nearest(name, known)}")


def channels_of(series: Any) -> list[str]:
    """Return the channels' names, or numbers where they have none."""
    return list(series.channels) or [str(number) for number in range(series.signal.shape[1])]


def units_of(series: Any) -> list[str | None]:
    """Return the unit of each channel."""
    return list(series.units) or [None] * int(series.signal.shape[1])


def columns_of(series: Any) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield the columns of a sparse series besides its times."""
    return ((key, getattr(series, key)) for key in series.keys() if key != "timestamps")  # noqa: SIM118 - a Data is no mapping


def durations_of(series: Any) -> NDArray[np.float64]:
    """Return how long each event lasts, 0 where that is not told."""
    if "duration" not in series:
        return np.zeros(len(series))
    return np.nan_to_num(np.asarray(series.duration, dtype=np.float64))


def moment(data: Data, seconds: float) -> datetime:
    """Return a time of a recording, or a slice of it, as a moment of the world, to the us."""
    since = timedelta(microseconds=data.start_time / 1000)
    at = timedelta(seconds=float(data.absolute_start) + seconds)
    return datetime(1970, 1, 1, tzinfo=UTC) + since + at
