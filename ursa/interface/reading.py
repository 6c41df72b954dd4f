"""Opening processed recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from ursa.interface.opened import OpenedSite

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ursa.catalog.schemas import ModalityRow
    from ursa.formats.dense import DenseReader
    from ursa.formats.sparse import SparseReader
    from ursa.formats.tables import TableReader
    from ursa.formats.video import VideoReader
    from ursa.query import QueryResult
    from ursa.reading import Time
    from ursa.stream import Around, WindowStream
    from ursa.temporal import Data


class Reading(OpenedSite):
    """Processed recordings in memory: whole, in windows, or by parts."""

    @overload
    def materialize(
        self,
        target: QueryResult,
        *,
        time: Time | None = ...,
        modalities: str | Iterable[str] | None = ...,
        lazy: bool = ...,
    ) -> Data: ...
    @overload
    def materialize(
        self,
        target: Iterable[QueryResult],
        *,
        time: Time | None = ...,
        modalities: str | Iterable[str] | None = ...,
        lazy: bool = ...,
    ) -> list[Data]: ...
    def materialize(
        self,
        target: QueryResult | Iterable[QueryResult],
        *,
        time: Time | None = None,
        modalities: str | Iterable[str] | None = None,
        lazy: bool = False,
    ) -> Data | list[Data]:
        """Return processed recordings in memory, each on one clock: seconds from its start.

        A `Data` is one of temporaldata's, with an attribute for each modality: ``eeg_events`` for
        ``"eeg-events"``. What the query selected by `time_range` and `time_filters` is what is
        read.

        - Dense modalities have ``signal`` (time, channel), ``channels`` and ``units``: a
          `RegularTimeSeries`, or with gaps an `IrregularTimeSeries` with the time of each sample
          and a domain of several intervals. Values are physical ones, those of audio between -1
          and 1.
        - Sparse ones (gaze, events, notes) are an `IrregularTimeSeries` with an array for each
          column, events with their ``duration`` too. A missing number is NaN, a missing text empty.
        - A video has ``timestamps`` and decodes ``frames(start, stop)`` when asked.

        ``recording_hash``, ``participant_ids`` and ``start_time`` (ns since the epoch) stand beside
        them.

        Parameters
        ----------
        target : QueryResult or iterable of QueryResult
        time : (start, stop), optional
            Seconds from the recording's start, half-open; None leaves an end open.
        modalities : str or iterable of str, optional
            Result keys, or names of modalities; by default all of the results.
        lazy : bool
            Read the samples of a dense modality when ``signal`` is first used. Slices read no more
            than what is in them, and it can be pickled.

        Returns
        -------
        Data, or list of Data
            A list where several results were given.

        Raises
        ------
        SourceNotAvailable
            A modality is not processed.
        InvalidArgument
            There is no such modality, or nothing of the recording is selected.
        PackageMissing
            The extra ``ursa[formats]`` is not installed.

        Examples
        --------
        >>> import tempfile
        >>> from ursa import DataInterface
        >>> data = DataInterface("local", path=tempfile.mkdtemp())
        >>> data.enable_writes()
        >>> data.materialize(data.query(), time=(0, 10))
        []
        """
        from ursa.materialize import materialize

        return materialize(target, self._readers, time=time, modalities=modalities, lazy=lazy)

    def stream(
        self,
        target: QueryResult | Iterable[QueryResult],
        *,
        window: float | None = None,
        step: float | None = None,
        batch: int | None = None,
        modalities: str | Iterable[str] | None = None,
        time: Time | None = None,
        around: Around | None = None,
        before: float | None = None,
        after: float | None = None,
        prefetch: int = 2,
        shuffle: bool = False,
        seed: int | None = None,
        drop_last: bool = True,
    ) -> WindowStream:
        """Return windows of processed recordings, in order or shuffled.

        Windows lie in each interval of what the query and `time` select and of every dense modality
        and video: never across a gap. All windows have the same number of samples of a modality,
        the window's length times the nominal rate, rounded; the first is the one nearest to the
        window's start.

        Parameters
        ----------
        target : QueryResult or iterable of QueryResult
            Laid as the stream comes to them, and opened when they are read.
        window, step : float
            Seconds; `step` is by default `window`.
        batch : int, optional
            Stack so many windows into one `Batch`: arrays (window, time, channel).
        modalities : str or iterable of str, optional
            Every recording must have them. By default all of each result that have times.
        time : (start, stop), optional
            Seconds from each recording's start.
        around : str, AroundEvent or several, optional
            Windows around events of these types in the catalog, instead of steps.
        before, after : float, optional
            Seconds around each event, for types given as text.
        prefetch : int
            Threads that read ahead; 0 reads in this one.
        shuffle : bool
            In an order that `seed` and the epoch decide, across all recordings.
        seed : int, optional
            By default one that nobody knows.
        drop_last : bool
            Leave out a last batch that is not full.

        Returns
        -------
        WindowStream
            Has a length, `share` for processes, `torch`, and `state_dict` to resume from.

        Raises
        ------
        SourceNotAvailable, InvalidArgument, PackageMissing

        Examples
        --------
        >>> import tempfile
        >>> from ursa import DataInterface
        >>> data = DataInterface("local", path=tempfile.mkdtemp())
        >>> data.enable_writes()
        >>> data.stream(data.query(modalities="eeg"), window=2)
        Traceback (most recent call last):
        ursa.errors.InvalidArgument: there is no recording to stream: the target is empty
        """
        from ursa.stream import stream

        return stream(
            target,
            self._readers,
            self.catalog,
            window=window,
            step=step,
            batch=batch,
            modalities=modalities,
            time=time,
            around=around,
            before=before,
            after=after,
            prefetch=prefetch,
            shuffle=shuffle,
            seed=seed,
            drop_last=drop_last,
        )

    def reader(self, row: ModalityRow) -> DenseReader | SparseReader | VideoReader | TableReader:
        """Open the processed data of a modality, to read parts of them.

        Raises
        ------
        SourceNotAvailable
            It is not processed.
        ObjectNotFound, FileUnreadable
            Its data are missing or damaged.
        """
        from ursa.formats.stored import open_stream

        return open_stream(row, self._reading)
