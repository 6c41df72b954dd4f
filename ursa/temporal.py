"""Data in memory on one clock; the one import point for temporaldata.

The series here are temporaldata's with what recordings need besides: names and units of channels
that slices keep, values that are read from the site when they are first used, and video.
"""

from __future__ import annotations

import json
import keyword
import re
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ursa.errors import PackageMissing

try:
    import temporaldata  # type: ignore[import-untyped]
except ModuleNotFoundError as error:
    if error.name != "temporaldata":
        raise
    msg = "data in memory needs temporaldata: pip install 'ursa[formats]'"
    raise PackageMissing(msg) from error

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from ursa.catalog.schemas import ModalityRow
    from ursa.catalog.types import Interval as Window
    from ursa.formats.dense import DenseReader
    from ursa.formats.video import VideoReader
    from ursa.reading import Readers

    Piece = tuple[int, int]

ArrayDict = temporaldata.ArrayDict
Interval = temporaldata.Interval


class Data(temporaldata.Data):  # type: ignore[misc]
    """One recording, or a slice of it: an attribute for each modality, on one clock."""


def interval(windows: Iterable[Window]) -> Any:
    """Return windows as an `Interval`.

    Examples
    --------
    >>> interval([(0, 1), (3, 4)]).end.tolist()
    [1.0, 4.0]
    """
    pairs = np.array(list(windows), dtype=np.float64).reshape(-1, 2)
    return Interval(start=pairs[:, 0].copy(), end=pairs[:, 1].copy())


def attribute(name: str, owner: object, taken: Iterable[str] = ()) -> str:
    """Return the attribute of `owner` that a modality or column gets: ``eeg_events``.

    What is no word gets ``_`` there; a name that is taken, or has a meaning, gets one at its end.

    Examples
    --------
    >>> attribute("eeg-events", Data), attribute("slice", Data), attribute("2d", Data)
    ('eeg_events', 'slice_', 'n2d')
    """
    found = re.sub(r"\W", "_", name).lstrip("_") or "n"
    found = f"n{found}" if found[0].isdigit() else found
    while keyword.iskeyword(found) or hasattr(owner, found) or found in taken:
        found += "_"
    return found


class View:
    """Samples of a dense stream that are read when they are made an array.

    A slice of it is another one, so that nested slices of a series read nothing. It can be pickled:
    whoever unpickles it opens the site anew.

    Parameters
    ----------
    readers : Readers
    row : ModalityRow
    pieces : tuple of (int, int)
        First sample and number of samples of each.
    dtype : numpy.dtype
    width : int
        Number of channels.
    """

    ndim = 2

    def __init__(
        self,
        readers: Readers,
        row: ModalityRow,
        pieces: tuple[Piece, ...],
        dtype: np.dtype[Any],
        width: int,
    ) -> None:
        self._readers, self._row, self._pieces = readers, row, pieces
        self.dtype = dtype
        self.shape = (sum(count for _, count in pieces), width)

    def __repr__(self) -> str:
        return f"{list(self.shape)}, not read yet"

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, slice) or key.step not in {None, 1}:
            return np.asarray(self)[key]
        start, stop, _ = key.indices(len(self))
        cut, at = [], 0
        for first, count in self._pieces:
            low, high = max(start - at, 0), min(stop - at, count)
            if low < high:
                cut.append((first + low, high - low))
            at += count
        return View(self._readers, self._row, tuple(cut), self.dtype, self.shape[1])

    def copy(self) -> View:
        """Return itself: it never changes."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> View:
        return self

    def __array__(
        self,
        dtype: np.dtype[Any] | None = None,
        copy: bool | None = None,  # noqa: FBT001 - NumPy's protocol
    ) -> NDArray[Any]:
        if copy is False:
            raise ValueError("samples in a store cannot be had without a copy")
        found, at = np.empty(self.shape, self.dtype), 0
        for first, count in self._pieces:
            self._readers.get(self._row).read(first, count, found[at : at + count])
            at += count
        return found if dtype is None else found.astype(dtype, copy=False)


class _Described:
    """What slices of a series keep, and values that are read on first use."""

    _CARRIED: ClassVar[tuple[str, ...]] = ("_channels", "_units", "_kinds", "_rate")
    _channels: tuple[str, ...] = ()
    _units: tuple[str | None, ...] = ()
    _kinds: tuple[str | None, ...] = ()
    _rate: float | None = None

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels of `signal`."""
        return self._channels

    @property
    def units(self) -> tuple[str | None, ...]:
        """Unit of each channel's values; None where the source does not say."""
        return self._units

    @property
    def kinds(self) -> tuple[str | None, ...]:
        """What each channel is: ``"eeg"``, ``"eog"`` …; None where that is not known."""
        return self._kinds

    @property
    def nominal_rate(self) -> float | None:
        """Samples per second as set on the device; None where there are no samples."""
        return self._rate

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        if isinstance(value, View):
            value = self.__dict__[name] = np.asarray(value)
        return value

    def _carried(self, made: Any) -> Any:
        made.__dict__.update({k: self.__dict__[k] for k in self._CARRIED if k in self.__dict__})
        return made

    def slice(self, *args: Any, **kwargs: Any) -> Any:
        """Return what lies in [start, end), its times counted from `start` by default."""
        return self._carried(super().slice(*args, **kwargs))  # type: ignore[misc]

    def to_hdf5(self, file: Any) -> None:
        """Write into an HDF5 group that temporaldata can read, channels and units as JSON."""
        super().to_hdf5(file)  # type: ignore[misc]
        for name in ("channels", "units"):
            file.attrs[name] = json.dumps(getattr(self, name), ensure_ascii=False)


class IrregularTimeSeries(_Described, temporaldata.IrregularTimeSeries):  # type: ignore[misc]
    """Values at times of their own: ``timestamps``, and one array for each column."""


class RegularTimeSeries(_Described, temporaldata.RegularTimeSeries):  # type: ignore[misc]
    """Samples at a fixed rate without a gap: ``signal`` of shape (time, channel)."""

    def slice(
        self,
        start: float,
        end: float,
        reset_origin: bool = True,  # noqa: FBT001, FBT002 - as in temporaldata
        eps: float | None = None,
    ) -> Any:
        """Return what lies in [start, end), its times counted from `start` by default.

        Times are compared up to 1 ns, or to `eps` samples.
        """
        # Its own bound is 1e-9 samples: less than a float can tell after some hours of sound.
        near = max(1e-9, 1e-9 * self.sampling_rate) if eps is None else eps
        return super().slice(start, end, reset_origin, near)

    def to_irregular(self) -> Any:
        """Return it with a time for each sample."""
        made = IrregularTimeSeries(
            timestamps=self.timestamps, domain=interval(self.domain), signal=self.signal.copy()
        )
        return self._carried(made)


class Video(IrregularTimeSeries):
    """Frames of a video, decoded when they are asked for.

    Attributes
    ----------
    timestamps : ndarray of float64
        When each frame was taken.
    frame : ndarray of int64
        Its place in the video, in order of display.
    """

    _CARRIED = ("_readers", "_row")
    _readers: Readers
    _row: ModalityRow

    def frames(
        self, start: float | None = None, stop: float | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
        """Return the times of the frames in [start, stop), and their pixels (n, height, width, 3).

        A second of full HD takes 190 MB, so ask for little at a time.
        """
        low = 0 if start is None else int(np.searchsorted(self.timestamps, start))
        high = len(self) if stop is None else int(np.searchsorted(self.timestamps, stop))
        reader = self._readers.get(self._row)
        places = self.frame[low:high]
        runs = np.split(places, np.flatnonzero(np.diff(places) != 1) + 1) if len(places) else []
        found = [_frames(reader, int(run[0]), int(run[-1])) for run in runs]
        none = np.empty((0, reader.height, reader.width, 3), np.uint8)
        return self.timestamps[low:high], np.concatenate(found or [none])

    def to_hdf5(self, file: Any) -> None:
        """Write the times alone."""
        super().to_hdf5(file)
        file.attrs["object"] = "IrregularTimeSeries"


def _frames(reader: VideoReader, first: int, last: int) -> NDArray[np.uint8]:
    # Times are compared up to 1 ns there, so that equal ones before and after these come along.
    start, stop = reader.times[first], reader.times[last] + 2e-9
    low, _ = reader.span(start, stop)
    return reader.frames(start, stop)[1][first - low : last - low + 1]


def described(series: Any, reader: DenseReader) -> Any:
    """Return a series with what its reader says of its channels."""
    kept = (reader.channels, reader.units, reader.kinds, reader.rate)
    series.__dict__.update(zip(_Described._CARRIED, kept, strict=True))  # noqa: SLF001
    return series
