"""`DataInterface`: the verbs, one call each."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args, overload

from pydantic import ValidationError

from ursa.catalog.history import as_of as named_state
from ursa.catalog.schemas import (
    BenchmarkResultRow,
    BenchmarkSuiteRow,
    CheckpointRow,
    EmbeddingRow,
    EventRow,
    IngestionStatus,
    ModalityRow,
    ParticipantRow,
    RecordingRow,
    Row,
    VirgoAssetRow,
)
from ursa.errors import InvalidArgument, WritesNotEnabled
from ursa.facets import facets
from ursa.filters import as_tuple, explained, make_spec
from ursa.hints import nearest
from ursa.histograms import histogram
from ursa.once import once
from ursa.query import QueryResult, count, find, results_of
from ursa.site import Site, WriteRole
from ursa.text import shortened

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    import pyarrow as pa

    from ursa.audit import AuditReport
    from ursa.catalog import Catalog
    from ursa.catalog.history import AsOf, Version
    from ursa.catalog.promotion import Kind, Promotion
    from ursa.catalog.schemas import EmbeddingSource, StorageFormat, TimeWindow
    from ursa.catalog.upkeep import CleanedUp, Optimized
    from ursa.catalog.vectors import Metric
    from ursa.embeddings import EmbeddingHits, Recordings
    from ursa.facets import FacetValue
    from ursa.filters import OrderBy, QuerySpec, Status, TimeFilter
    from ursa.formats.dense import DenseReader
    from ursa.formats.sparse import SparseReader
    from ursa.formats.tables import TableReader
    from ursa.formats.video import VideoReader
    from ursa.histograms import Histogram
    from ursa.process import ProcessReport
    from ursa.progress import ProcessProgress, UploadProgress
    from ursa.query import QueryResultList
    from ursa.reading import Readers, Time
    from ursa.register.orchestrator import IngestResult
    from ursa.register.rows import OnModalityConflict, OnRecordingConflict
    from ursa.render import Progress
    from ursa.site import Profile
    from ursa.stores import Stores
    from ursa.stream import Around, WindowStream
    from ursa.temporal import Data
    from ursa.transfer.job import DownloadJob, OnError
    from ursa.transfer.memory import RecordingData
    from ursa.transfer.plan import DownloadPlan, Existing, Layout, Source

    Moment = int | str | datetime
    Length = str | float | timedelta
    Metadata = Mapping[str, Any]

RowT = TypeVar("RowT", bound=Row)


class DataInterface:
    """A site's recordings: find, download, ingest and register.

    Parameters
    ----------
    profile : {"r2", "r2-test", "local"}
    path : path, optional
        Directory of the site; for ``"local"``, and only there.
    config_path : path, optional
        Settings file of a bucket profile, TOML or YAML; it counts more than all other places.
    as_of : int, aware datetime or str, optional
        Read the catalog as it was: at a version of the recordings, as `QueryResultList` and
        `versions` name it, or at a time (ISO 8601 with a zone). Nothing can be written then.

    Raises
    ------
    InvalidArgument
        Unknown profile, or `path` with the wrong one. Nothing else is looked at before first use.

    Notes
    -----
    A fresh interface is read-only; call `enable_writes` before registering or ingesting. A
    pickled one is opened anew where it is unpickled, read-only, with the settings found there.

    Reading uses the credentials of the roles ``raw_ro`` and ``assets_ro`` alone, also after
    `enable_writes`; `ursa.settings` says where endpoint, buckets and credentials are looked for.

    Examples
    --------
    >>> import tempfile
    >>> from ursa import DataInterface
    >>> data = DataInterface("local", path=tempfile.mkdtemp())
    >>> data.enable_writes()
    >>> data.register_participant(participant_id="P001", enrolled_at=0).participant_id
    'P001'
    >>> data.query(status="all")
    0 recordings
    """

    def __init__(
        self,
        profile: Profile = "r2",
        *,
        path: str | os.PathLike[str] | None = None,
        config_path: str | os.PathLike[str] | None = None,
        as_of: int | str | datetime | None = None,
    ) -> None:
        self._site = Site.open(profile, path=path, config_path=config_path)
        self._as_of = None if as_of is None else named_state(as_of)
        self._roles: frozenset[WriteRole] = frozenset()

    def __reduce__(self) -> tuple[Any, ...]:
        # Names alone: whoever unpickles it reads with credentials of its own.
        return _reopened, (self._site, self._as_of)

    def __repr__(self) -> str:
        place = f", path={str(self._site.root)!r}" if self._site.root else ""
        place += f", config_path={str(self._site.config)!r}" if self._site.config else ""
        state = f", as_of={self._as_of}" if self._as_of else ""
        return f"DataInterface({self._site.profile!r}{place}{state})"

    # -- opening ---------------------------------------------------------------------------------

    @property
    def profile(self) -> Profile:
        """Name of the profile that it was opened with."""
        return self._site.profile

    @property
    def path(self) -> Path | None:
        """Directory of a local site; None for one in buckets."""
        return self._site.root

    @once
    def catalog(self) -> Catalog:
        """The catalog, opened on first use."""
        catalog = self._site.catalog()
        return catalog if self._as_of is None else catalog.at(self._as_of)

    @once
    def _changing(self) -> Catalog:
        """The catalog for writing, which has other credentials where it lies in a bucket."""
        return self.catalog if self._site.root is not None else self._site.catalog(writing=True)

    @once
    def _reading(self) -> Stores:
        return self._site.reading()

    @once
    def _readers(self) -> Readers:
        from ursa.reading import Readers

        return Readers(self._site)

    @property
    def writes_enabled(self) -> bool:
        """Whether `enable_writes` was called."""
        return bool(self._roles)

    def enable_writes(self, roles: WriteRole | Iterable[WriteRole] = ("assets_rw",)) -> None:
        """Allow this interface to write; a new directory, or buckets without a site, become one.

        Parameters
        ----------
        roles : iterable of {"assets_rw", "raw_rw"}
            Registering needs ``"assets_rw"``, ingesting both.

        Raises
        ------
        InvalidArgument
            Unknown role.
        NotASite
            The directory, or ``ursa/`` in the assets bucket, holds something else.
        WritesNotEnabled
            This interface reads an old state.
        ProfileNotConfigured, SettingsError, CredentialError, ObjectStoreError
            Of bucket profiles. Credentials of `roles` are asked for when they are first needed.
        """
        if self._as_of is not None:
            msg = f"{self!r} reads an old state, which cannot be written; open it without as_of="
            raise WritesNotEnabled(msg)
        wanted: frozenset[WriteRole] = frozenset([roles] if isinstance(roles, str) else roles)
        for role in wanted - set(get_args(WriteRole)):
            msg = f"unknown role {role!r}{nearest(str(role), get_args(WriteRole))}"
            raise InvalidArgument(msg)
        self._site.create()
        self._roles |= wanted

    def _writing(self, verb: str, *roles: WriteRole) -> Stores:
        missing = [role for role in roles if role not in self._roles]
        if missing:
            call = ", ".join(repr(role) for role in roles)
            msg = (
                f"{verb} writes, but this interface is read-only; "
                f"call enable_writes(roles=({call},)) first"
            )
            raise WritesNotEnabled(msg)
        return self._site.writing(roles)

    # -- finding ---------------------------------------------------------------------------------

    def query(
        self,
        spec: QuerySpec | None = None,
        *,
        participants: str | Iterable[str] | None = None,
        participants_all: str | Iterable[str] | None = None,
        modalities: str | Iterable[str] | None = None,
        recording_hash: str | Iterable[str] | None = None,
        metadata: Metadata | None = None,
        modality_metadata: Metadata | None = None,
        channel_spec: Metadata | None = None,
        status: Status | None = None,
        pipeline_version: str | Iterable[str] | None = None,
        derived: bool | None = None,
        time_range: tuple[Moment | None, Moment | None] | None = None,
        duration: Length | tuple[Length | None, Length | None] | Mapping[str, Length] | None = None,
        time_filters: TimeFilter | Iterable[TimeFilter] | None = None,
        event_type: str | Iterable[str] | None = None,
        text: str | None = None,
        order_by: OrderBy | None = None,
        limit: int | None = None,
        offset: int | None = None,
        after: str | None = None,
        **unknown: Any,
    ) -> QueryResultList:
        """Return the recordings that match every filter given, oldest first.

        Parameters
        ----------
        spec : QuerySpec, optional
            A whole filter; then only `order_by`, `limit`, `offset` and `after` may be given
            beside it.
        participants, participants_all : str or iterable of str, optional
            Any of these people took part; every one of them did.
        modalities : str or iterable of str, optional
            Narrows each result to these and drops recordings that have none of them.
        recording_hash : str or iterable of str, optional
            Whole hashes, or 8 or more hex digits that one begins with.
        metadata, modality_metadata, channel_spec : mapping, optional
            Conditions on the recording's metadata, and on one modality's metadata and channels:
            ``{"task": "rest", "age": {">=": 18}}``; see `ursa.catalog.conditions`.
        status : {"ingested", "raw", "ingesting", "failed", "all"}
            Modalities that are processed (the default), in another state, or in any.
        pipeline_version : str or iterable of str, optional
            Modalities with an asset that any of these versions made.
        derived : bool, optional
            Modalities with a processed asset, or without.
        time_range : (start, end), optional
            Recordings that overlap this half-open window: ns since the epoch, aware datetime or
            ISO 8601 text with a zone; None leaves an end open.
        duration : optional
            ``"5m"``, seconds or a timedelta; a half-open pair of them; or operators with them.
        time_filters : IntervalSelector, AroundEvent or several, optional
            Windows inside the recordings; see `QueryResult.time_selection`.
        event_type : str or iterable of str, optional
            Recordings with an event of any of these types.
        text : str, optional
            Words that all occur in the recording's metadata or in one of its events.
        order_by : {"start_time", "duration", "recording_hash"}
            With ``-`` before it, the order is turned round.
        limit, offset : int, optional
        after : str, optional
            The `cursor` of the page before this one.

        Raises
        ------
        UnknownKeyword, InvalidArgument, SiteNotFound, NotASite

        Examples
        --------
        >>> import tempfile
        >>> from ursa import DataInterface
        >>> data = DataInterface("local", path=tempfile.mkdtemp())
        >>> data.enable_writes()
        >>> data.query(participants="P001", modalities=["eeg"], status="all")
        0 recordings
        """
        return find(
            self.catalog,
            make_spec(
                spec,
                {
                    "participants": participants,
                    "participants_all": participants_all,
                    "modalities": modalities,
                    "recording_hash": recording_hash,
                    "metadata": metadata,
                    "modality_metadata": modality_metadata,
                    "channel_spec": channel_spec,
                    "status": status,
                    "pipeline_version": pipeline_version,
                    "derived": derived,
                    "time_range": time_range,
                    "duration": duration,
                    "time_filters": time_filters,
                    "event_type": event_type,
                    "text": text,
                    "order_by": order_by,
                    "limit": limit,
                    "offset": offset,
                    "after": after,
                    **unknown,
                },
            ),
        )

    def count(self, spec: QuerySpec | None = None, **keywords: Any) -> int:
        """Return how many recordings match; takes the keywords of `query`."""
        return count(self.catalog, make_spec(spec, keywords))

    def facets(
        self, *fields: str, spec: QuerySpec | None = None, **keywords: Any
    ) -> dict[str, list[FacetValue]]:
        """Return how many matching recordings have each value of some fields.

        Counts are exact. A field's own filter is left out, so that its other values stay in
        sight.

        Parameters
        ----------
        *fields : str
            ``participants``, ``modalities``, ``status``, ``event_type`` or ``metadata.<key>``.
        spec : QuerySpec, optional
        **keywords
            Those of `query`.

        Returns
        -------
        dict of str to list of FacetValue
            Pairs of a value and its count, the most frequent first.

        Raises
        ------
        UnknownKeyword, InvalidArgument

        Examples
        --------
        >>> import tempfile
        >>> from ursa import DataInterface
        >>> data = DataInterface("local", path=tempfile.mkdtemp())
        >>> data.enable_writes()
        >>> for number, task in enumerate(["rest", "rest", "nback"]):
        ...     row = data.register_recording(
        ...         recording_hash=f"r{number}", participant_ids=["P001"], start_time=0,
        ...         duration=60, metadata={"task": task},
        ...     )
        >>> for value, recordings in data.facets("metadata.task", status="all")["metadata.task"]:
        ...     print(value, recordings)
        rest 2
        nback 1
        """
        return facets(self.catalog, make_spec(spec, keywords), fields)

    def histogram(
        self, field: str, bins: int = 40, *, spec: QuerySpec | None = None, **keywords: Any
    ) -> Histogram:
        """Return how many matching recordings lie in each of equal bins of a field.

        The field's own filter is left out, so that what else there is stays in sight.

        Parameters
        ----------
        field : {"start_time", "duration"}
        bins : int
            From 1 to 1000.
        spec : QuerySpec, optional
        **keywords
            Those of `query`.

        Returns
        -------
        Histogram
            Its `edges` in ns, from the least value of the whole catalog on, and its `counts`.

        Raises
        ------
        UnknownKeyword, InvalidArgument

        Examples
        --------
        >>> import tempfile
        >>> from ursa import DataInterface
        >>> data = DataInterface("local", path=tempfile.mkdtemp())
        >>> data.enable_writes()
        >>> for number, minutes in enumerate([10, 20, 60]):
        ...     row = data.register_recording(
        ...         recording_hash=f"r{number}", participant_ids=[], start_time=0,
        ...         duration=60 * minutes,
        ...     )
        >>> data.histogram("duration", 5, status="all").counts
        (1, 1, 0, 0, 1)
        """
        return histogram(self.catalog, make_spec(spec, keywords), field, bins)

    # -- delivering ------------------------------------------------------------------------------

    def plan(
        self,
        target: QueryResult | Iterable[QueryResult],
        dest: str | os.PathLike[str] | None = None,
        *,
        layout: Layout = "by_recording",
        source: Source = "auto",
    ) -> DownloadPlan:
        """Return what `download` would copy: files, bytes, what is already there, disk free.

        Parameters and errors are those of `download`; nothing is written.
        """
        from ursa.transfer.plan import plan

        return plan(target, self._reading, dest, layout=layout, source=source)

    @overload
    def download(
        self,
        target: QueryResult | Iterable[QueryResult],
        dest: str | os.PathLike[str],
        *,
        layout: Layout = ...,
        source: Source = ...,
        existing: Existing | None = ...,
        overwrite: bool = ...,
        on_error: OnError = ...,
        verify: bool = ...,
        progress: Progress = ...,
        background: Literal[False] = ...,
    ) -> list[Path]: ...
    @overload
    def download(
        self,
        target: QueryResult | Iterable[QueryResult],
        dest: str | os.PathLike[str],
        *,
        layout: Layout = ...,
        source: Source = ...,
        existing: Existing | None = ...,
        overwrite: bool = ...,
        on_error: OnError = ...,
        verify: bool = ...,
        progress: Progress = ...,
        background: Literal[True],
    ) -> DownloadJob: ...
    def download(
        self,
        target: QueryResult | Iterable[QueryResult],
        dest: str | os.PathLike[str],
        *,
        layout: Layout = "by_recording",
        source: Source = "auto",
        existing: Existing | None = None,
        overwrite: bool = False,
        on_error: OnError = "raise",
        verify: bool = True,
        progress: Progress = None,
        background: bool = False,
    ) -> list[Path] | DownloadJob:
        """Copy the data of `target` into `dest`, verified, and return the files' paths.

        Every refusal comes before a byte moves. A file appears under its name once its SHA-256 is
        right. ``dest/ursa-manifest.json`` records what was delivered; `ursa.verify` reads it.

        Parameters
        ----------
        target : QueryResult or iterable of QueryResult
        dest : path
            Directory, made if missing.
        layout : {"by_recording", "by_modality", "flat"}
            ``<hash>/<modality>/…``, ``<modality>/<hash>/…`` or ``<hash>__<modality>/…``.
        source : {"auto", "raw", "processed"}
            Raw files, processed data, or the best that each modality has.
        existing : {"error", "skip", "verify", "overwrite", "refresh"}, optional
            What becomes of files that are there already. They are refused (the default); left
            alone; hashed, and an error if wrong; hashed, and replaced if wrong; or trusted where
            ``ursa-manifest.json`` records them as they should be, and else hashed and replaced if
            wrong. The last two also bring what an interrupted download left to do.
        overwrite : bool
            The same as ``existing="overwrite"``.
        on_error : {"raise", "collect"}
            Stop at the first file that fails, or deliver all others before raising one
            `DownloadFailures`.
        verify : bool
            Hash every byte. Without it only sizes and versions are checked, and the files are
            recorded as unverified.
        progress : str, callable or object, optional
            ``"auto"``, ``"bar"``, ``"log"``, ``"json"`` or ``"none"``; a callable, which gets
            each `DownloadProgress` on this thread; or an object with a ``draw(snapshot)`` of its
            own.
        background : bool
            Return a `DownloadJob` at once, after all refusals; events then come on a thread of
            its own, and Python waits for it before it exits.

        Returns
        -------
        list of Path, or DownloadJob
            Paths in order of target, modality and key.

        Raises
        ------
        DestinationExists, DestinationNotWritable, DestinationFull, DestinationClash
        DestinationBusy, NothingToDownload, SourceNotAvailable, IntegrityError, ObjectChanged
        ObjectAccessDenied, StoreUnavailable, DownloadFailures, DownloadCancelled

        Examples
        --------
        >>> import pathlib, tempfile
        >>> from ursa import DataInterface
        >>> from ursa.register import manifest
        >>> place = pathlib.Path(tempfile.mkdtemp())
        >>> (place / "session" / "notes").mkdir(parents=True)
        >>> (place / "session" / "notes" / "notes.txt").write_text("calm")
        4
        >>> data = DataInterface("local", path=place / "site")
        >>> data.enable_writes(roles=("assets_rw", "raw_rw"))
        >>> path = manifest.build(place / "session")
        >>> data.ingest(path, source_dir=place / "session", participant="P001").files_uploaded
        1
        >>> paths = data.download(data.query(status="raw"), place / "copy")
        >>> [path.name for path in paths]
        ['notes.txt']
        """
        from ursa.transfer.download import download

        job = download(
            target,
            self._reading,
            dest,
            layout=layout,
            source=source,
            existing=existing,
            overwrite=overwrite,
            on_error=on_error,
            verify=verify,
            progress=progress,
            background=background,
        )
        return job if background else job.wait()

    @overload
    def get(self, target: QueryResult, *, concat: bool = ...) -> RecordingData: ...
    @overload
    def get(self, target: Iterable[QueryResult], *, concat: bool = ...) -> list[RecordingData]: ...
    def get(
        self, target: QueryResult | Iterable[QueryResult], *, concat: bool = False
    ) -> RecordingData | list[RecordingData]:
        """Return the raw bytes of `target` in memory, verified; one object per recording.

        Raises
        ------
        NotImplementedError
            `concat=True`: raw bytes of several recordings have no common form.
        """
        from ursa.transfer.memory import fetch

        if concat:
            msg = "raw bytes cannot be joined across recordings; call get() without concat=True"
            raise NotImplementedError(msg)
        found = fetch(results_of(target), self._reading)
        return found[0] if isinstance(target, QueryResult) else found

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

    # -- bringing in -----------------------------------------------------------------------------

    def ingest(
        self,
        manifest_path: str | os.PathLike[str],
        *,
        source_dir: str | os.PathLike[str],
        participant: str | None = None,
        participant_id: str | None = None,
        is_active: Callable[[], bool] | None = None,
        progress: Callable[[UploadProgress], object] | None = None,
        overwrite: bool = False,
        max_concurrent_files: int | None = None,
    ) -> IngestResult:
        """Store a session's files, verified, and then its catalog rows.

        Running it again is cheap and changes nothing; after an interruption it goes on.

        Parameters
        ----------
        manifest_path, source_dir : path
            The augmented manifest, and the directory that its paths are relative to.
        participant : str, optional
            Id or display name; by default what ``participant.txt`` says, or nobody.
        participant_id : str, optional
            Older name of `participant`.
        is_active : callable, optional
            Asked before the upload, before each chunk and after each file, from several threads;
            a true answer stops mid-file and gives ``paused=True``.
        progress : callable, optional
            Called with each `UploadProgress` on this thread.
        overwrite : bool
            Hash what is stored again, replace what differs, and replace rows that differ.
        max_concurrent_files : int, optional
            By default as many as make it faster, within 150 MB of memory.

        Raises
        ------
        WritesNotEnabled
        ManifestError
            The manifest breaks a rule; see `ursa.errors` for the kinds.
        SessionError
            A file is missing, unreadable or changed, or the session is locked.
        CatalogRowExists, ObjectExists
            Something different is stored already.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> from ursa import DataInterface
        >>> from ursa.register import manifest
        >>> place = pathlib.Path(tempfile.mkdtemp())
        >>> (place / "session" / "notes").mkdir(parents=True)
        >>> (place / "session" / "notes" / "notes.txt").write_text("calm")
        4
        >>> data = DataInterface("local", path=place / "site")
        >>> data.enable_writes(roles=("assets_rw", "raw_rw"))
        >>> path = manifest.build(place / "session")
        >>> data.ingest(path, source_dir=place / "session", participant="P001").files_uploaded
        1
        >>> data.query(participants="P001", status="raw")[0].modalities["notes"].format.value
        'raw_jsonl'
        """
        from ursa.register.orchestrator import ingest

        stores = self._writing("ingest", "assets_rw", "raw_rw")
        return ingest(
            manifest_path,
            source_dir=source_dir,
            catalog=self._changing,
            stores=stores,
            raw_uri=self._site.raw_uri,
            participant=participant,
            participant_id=participant_id,
            is_active=is_active,
            progress=progress,
            overwrite=overwrite,
            max_concurrent_files=max_concurrent_files,
        )

    def ingest_from_r2(
        self,
        rec_id: str,
        *,
        participant: str | None = None,
        participant_id: str | None = None,
        overwrite: bool = False,
    ) -> IngestResult:
        """Register a session whose files are in the raw store already; local sites included.

        Parameters
        ----------
        rec_id : str
            The session's name below ``recordings/``.

        Raises
        ------
        ObjectNotFound
            The manifest or one of its files is not stored.
        """
        from ursa.register.orchestrator import ingest_from_r2

        self._writing("ingest_from_r2", "assets_rw")
        return ingest_from_r2(
            rec_id,
            catalog=self._changing,
            stores=self._reading,
            raw_uri=self._site.raw_uri,
            participant=participant,
            participant_id=participant_id,
            overwrite=overwrite,
        )

    # -- upkeep ----------------------------------------------------------------------------------

    def process(
        self,
        target: QuerySpec | QueryResult | Iterable[QueryResult] | None = None,
        *,
        modalities: str | Iterable[str] | None = None,
        attempts: int = 3,
        lease_s: float = 60.0,
        retry_failed: bool = False,
        overwrite: bool = False,
        limit: int | None = None,
        work_dir: str | os.PathLike[str] | None = None,
        progress: Callable[[ProcessProgress], object] | None = None,
    ) -> ProcessReport:
        """Turn raw files into processed data: arrays, tables and videos that open by time.

        Any number of workers may do this on one site at the same time, on one machine or many:
        each modality is taken by one of them. What a worker that died was at is taken over when
        its lease ends. A modality whose files are damaged, or that no reader knows, becomes
        ``failed`` with the reason in its metadata's ``error``, and the others go on.

        Streams in one file become modalities of their own, like ``eeg-events``; events become
        events of the catalog too, each once. `materialize` and `stream` open what was made, and
        so do zarr, lance, pyarrow and any video player. It needs ``ursa[formats]``.

        Parameters
        ----------
        target : QuerySpec, QueryResult or iterable of QueryResult, optional
            What to look at; by default everything. A spec's status counts only if it is not the
            default.
        modalities : str or iterable of str, optional
            Only these.
        attempts : int
            How often a modality is tried where stores or disks fail, or workers die.
        lease_s : float
            After so many seconds of silence a worker counts as dead. The clocks of the machines
            may differ by a quarter of it.
        retry_failed : bool
            Also take what has failed.
        overwrite : bool
            Also process again what is processed. That stays readable until the new data is there.
        limit : int, optional
            Take no more modalities than this.
        work_dir : path, optional
            Where raw files and what is made of them lie meanwhile; the system's temporary
            directory by default.
        progress : callable, optional
            Called with each `ProcessProgress` on this thread.

        Returns
        -------
        ProcessReport

        Raises
        ------
        WritesNotEnabled, InvalidArgument, CredentialError
        CatalogError, ObjectStoreError
            The catalog cannot be read or written.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> import numpy as np
        >>> from ursa import DataInterface
        >>> from ursa.register import manifest
        >>> place = pathlib.Path(tempfile.mkdtemp())
        >>> (place / "session" / "ecg").mkdir(parents=True)
        >>> np.save(place / "session" / "ecg" / "ecg.npy", np.zeros((1000, 2), "float32"))
        >>> _ = (place / "session" / "manifest.json").write_text(
        ...     '{"recording_id": "rec_1", "modalities": {"ecg": {"sampling_rate": 100}}}'
        ... )
        >>> data = DataInterface("local", path=place / "site")
        >>> data.enable_writes(roles=("assets_rw", "raw_rw"))
        >>> path = manifest.build(place / "session")
        >>> result = data.ingest(path, source_dir=place / "session")
        >>> data.process().processed[0].streams
        ('ecg',)
        >>> data.query()[0].modalities["ecg"].domain_intervals
        ((0.0, 10.0),)
        """
        from pathlib import Path

        from ursa.process import Place, Rules, process

        place = Place(
            self._changing,
            self._reading,
            self._writing("process", "assets_rw"),
            self._site.assets_uri,
            Path(work_dir) if work_dir is not None else None,
        )
        return process(
            target,
            place,
            Rules(attempts, lease_s, retry_failed, overwrite),
            modalities={modalities} if isinstance(modalities, str) else set(modalities or ()),
            limit=limit,
            progress=progress,
        )

    def optimize(self) -> list[Optimized]:
        """Join the catalog's small files and bring its indexes up to date; one report per table.

        Writers do that by themselves every 20 commits, so this is for after large imports.

        Examples
        --------
        >>> import tempfile
        >>> from ursa import DataInterface
        >>> data = DataInterface("local", path=tempfile.mkdtemp())
        >>> data.enable_writes()
        >>> for number in range(3):
        ...     row = data.register_participant(participant_id=f"P{number}", enrolled_at=0)
        >>> print(data.optimize()[0])
        participants: 3 → 1 fragment, 3 rows newly indexed
        """
        self._writing("optimize", "assets_rw")
        return self._changing.optimize()

    def versions(self) -> list[Version]:
        """Return the states of the recordings that `as_of` can still name, oldest first.

        Examples
        --------
        >>> import tempfile
        >>> from ursa import DataInterface
        >>> data = DataInterface("local", path=tempfile.mkdtemp())
        >>> data.enable_writes()
        >>> data.versions()[-1].rows
        0
        """
        return self.catalog.versions()

    def cleanup(
        self, older_than: timedelta = timedelta(days=7), *, exclusive: bool = False
    ) -> list[CleanedUp]:
        """Remove old versions of the catalog's tables; every state since then can still be read.

        The newest version is never removed, nor is one that has a tag.

        Parameters
        ----------
        older_than : timedelta
        exclusive : bool
            Also remove the files that killed writers left. Only where no other process uses the
            catalog: what it is writing just now would be removed too.

        Raises
        ------
        WritesNotEnabled, InvalidArgument

        Examples
        --------
        >>> import tempfile
        >>> from ursa import DataInterface
        >>> data = DataInterface("local", path=tempfile.mkdtemp())
        >>> data.enable_writes()
        >>> sum(report.versions_removed for report in data.cleanup())
        0
        """
        self._writing("cleanup", "assets_rw")
        return self._changing.cleanup(older_than, exclusive=exclusive)

    def promote_metadata_key(self, key: str, type: Kind | None = None) -> Promotion:  # noqa: A002 - what it is
        """Let an index answer ``<``, ``<=``, ``>`` and ``>=`` on a key of recordings' metadata.

        Nothing changes but the speed. Calling it again checks and completes the index.

        Parameters
        ----------
        key : str
        type : {"number", "text"}, optional
            Needed only where the key has both.

        Raises
        ------
        WritesNotEnabled, InvalidArgument

        Examples
        --------
        >>> import tempfile
        >>> from datetime import timedelta
        >>> from ursa import DataInterface
        >>> data = DataInterface("local", path=tempfile.mkdtemp())
        >>> data.enable_writes()
        >>> row = data.register_recording(
        ...     recording_hash="a" * 64,
        ...     participant_ids="P001",
        ...     start_time=0,
        ...     duration=timedelta(minutes=5),
        ...     metadata={"age": 40},
        ... )
        >>> print(data.promote_metadata_key("age"))
        age: number in 1 recording, filtered by an index
        """
        self._writing("promote_metadata_key", "assets_rw")
        return self._changing.promote_metadata_key(key, type)

    # -- registering -----------------------------------------------------------------------------

    def register_participant(
        self, *, participant_id: str, enrolled_at: int | datetime, metadata: Metadata | None = None
    ) -> ParticipantRow:
        """Add a participant; an equal row is returned, a different one refused.

        Raises
        ------
        WritesNotEnabled, InvalidArgument, CatalogRowExists
        """
        row = _row(
            ParticipantRow,
            participant_id=participant_id,
            enrolled_at=enrolled_at,
            metadata=dict(metadata or {}),
        )
        return self.register_participants([row])[0]

    def register_participants(self, participants: Iterable[ParticipantRow]) -> list[ParticipantRow]:
        """Add many participants in one commit, and return them as stored, in the same order.

        Those already stored and equal are left as they are. To bring in whole recordings, register
        participants first, then modalities, then recordings: whoever sees a recording then sees
        all of it.

        Raises
        ------
        WritesNotEnabled, InvalidArgument
        CatalogRowExists
            A different participant has one of the ids; none of this call is added.

        Examples
        --------
        >>> import tempfile
        >>> from ursa import DataInterface
        >>> from ursa.catalog import ParticipantRow
        >>> data = DataInterface("local", path=tempfile.mkdtemp())
        >>> data.enable_writes()
        >>> people = [ParticipantRow(participant_id=f"P{n}", enrolled_at=0) for n in range(100)]
        >>> len(data.register_participants(people))
        100
        """
        from ursa.register.rows import put

        self._writing("register_participants", "assets_rw")
        return put(self._changing.table(ParticipantRow), _rows(ParticipantRow, participants))

    def register_recording(
        self,
        *,
        recording_hash: str,
        participant_ids: str | Iterable[str],
        start_time: int | datetime,
        duration: timedelta,
        device_info: Metadata | None = None,
        metadata: Metadata | None = None,
        on_conflict: OnRecordingConflict = "error",
    ) -> RecordingRow:
        """Add a recording; an equal row is returned.

        Parameters
        ----------
        recording_hash : str
        participant_ids : iterable of str
        start_time : int (ns since the epoch) or aware datetime
            Zero of the clock that all modalities share.
        duration : timedelta
        device_info, metadata : mapping, optional
        on_conflict : {"error", "extend", "merge_participants", "overwrite"}
            Where a different row is stored: refuse, keep the longer duration, unite the
            participants (the other fields must be equal in both cases), or replace it.

        Raises
        ------
        WritesNotEnabled, InvalidArgument, CatalogRowExists

        Examples
        --------
        >>> import tempfile
        >>> from datetime import UTC, datetime, timedelta
        >>> from ursa import DataInterface
        >>> data = DataInterface("local", path=tempfile.mkdtemp())
        >>> data.enable_writes()
        >>> row = data.register_recording(
        ...     recording_hash="a" * 64,
        ...     participant_ids=["P001"],
        ...     start_time=datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
        ...     duration=timedelta(minutes=5),
        ... )
        >>> row.start_time
        1772357400000000000
        """
        row = _row(
            RecordingRow,
            recording_hash=recording_hash,
            participant_ids=as_tuple(participant_ids),
            start_time=start_time,
            duration=duration,
            device_info=dict(device_info or {}),
            metadata=dict(metadata or {}),
        )
        return self.register_recordings([row], on_conflict=on_conflict)[0]

    def register_recordings(
        self, recordings: Iterable[RecordingRow], *, on_conflict: OnRecordingConflict = "error"
    ) -> list[RecordingRow]:
        """Add many recordings in one commit, and return them as stored, in the same order.

        Each appears with the modalities that are registered for it by then, so register those
        first.

        Parameters
        ----------
        recordings : iterable of RecordingRow
        on_conflict : {"error", "extend", "merge_participants", "overwrite"}
            As for `register_recording`, for each of them.

        Raises
        ------
        WritesNotEnabled, InvalidArgument
        CatalogRowExists
            A different recording has one of the hashes; none of this call is added or changed.

        Examples
        --------
        >>> import tempfile
        >>> from datetime import timedelta
        >>> from ursa import DataInterface
        >>> from ursa.catalog import RecordingRow
        >>> data = DataInterface("local", path=tempfile.mkdtemp())
        >>> data.enable_writes()
        >>> row = RecordingRow(recording_hash="a" * 64, start_time=0, duration=timedelta(minutes=5))
        >>> longer = row.model_copy(update={"duration": timedelta(minutes=6)})
        >>> data.register_recordings([row]) == [row]
        True
        >>> data.register_recordings([longer], on_conflict="extend") == [longer]
        True
        """
        from ursa.register.rows import OnRecordingConflict, put_recordings

        self._writing("register_recordings", "assets_rw")
        _check_conflict_rule(on_conflict, get_args(OnRecordingConflict))
        return put_recordings(self._changing, _rows(RecordingRow, recordings), on_conflict)

    def register_modality(
        self,
        *,
        recording_hash: str,
        modality: str,
        raw_storage_uri: str,
        worker_id: str = "",
        storage_uri: str | None = None,
        ingestion_status: IngestionStatus | str = IngestionStatus.RAW,
        format: StorageFormat | str | None = None,  # noqa: A002 - the column's name
        domain_intervals: Iterable[tuple[float, float]] | None = None,
        sampling_rate: float | None = None,
        channel_spec: Metadata | None = None,
        metadata: Metadata | None = None,
        on_conflict: OnModalityConflict = "error",
    ) -> ModalityRow:
        """Add a modality of a recording; an equal row is returned.

        Parameters
        ----------
        recording_hash, modality, worker_id : str
            The key; `worker_id` is ``""`` where one worker recorded the modality.
        raw_storage_uri : str
            In the raw store, unless the data is registered in place (``file://``, ``s3://``).
        storage_uri : str, optional
            Where the data is now, by default `raw_storage_uri`; in the store that `format` implies.
        ingestion_status : {"raw", "ingesting", "processed", "failed"}
        format : StorageFormat, optional
        domain_intervals : iterable of (float, float), optional
            Seconds from the recording's start, sorted and disjoint.
        sampling_rate : float, optional
            Hz.
        channel_spec, metadata : mapping, optional
        on_conflict : {"error", "overwrite"}

        Raises
        ------
        WritesNotEnabled, InvalidArgument, CatalogRowExists
        """
        row = _row(
            ModalityRow,
            recording_hash=recording_hash,
            modality=modality,
            worker_id=worker_id,
            ingestion_status=ingestion_status,
            storage_uri=storage_uri,
            raw_storage_uri=raw_storage_uri,
            format=format,
            sampling_rate=sampling_rate,
            domain_intervals=None if domain_intervals is None else tuple(domain_intervals),
            channel_spec=dict(channel_spec or {}),
            metadata=dict(metadata or {}),
        )
        return self.register_modalities([row], on_conflict=on_conflict)[0]

    def register_modalities(
        self, modalities: Iterable[ModalityRow], *, on_conflict: OnModalityConflict = "error"
    ) -> list[ModalityRow]:
        """Add many modalities in one commit, and return them as stored, in the same order.

        Recordings that are registered already show them at once.

        Parameters
        ----------
        modalities : iterable of ModalityRow
        on_conflict : {"error", "overwrite"}

        Raises
        ------
        WritesNotEnabled, InvalidArgument
        CatalogRowExists
            A different modality has one of the keys; none of this call is added or changed.

        Examples
        --------
        >>> import tempfile
        >>> from ursa import DataInterface
        >>> from ursa.catalog import ModalityRow
        >>> data = DataInterface("local", path=tempfile.mkdtemp())
        >>> data.enable_writes()
        >>> place = "r2://constellation-data/recordings/rec_20260301_093000_1f3a"
        >>> rows = [
        ...     ModalityRow(recording_hash="a", modality=each, raw_storage_uri=f"{place}/{each}/")
        ...     for each in ("eeg", "gaze")
        ... ]
        >>> data.register_modalities(rows) == rows
        True
        """
        from ursa.register.rows import OnModalityConflict, put_modalities

        self._writing("register_modalities", "assets_rw")
        _check_conflict_rule(on_conflict, get_args(OnModalityConflict))
        rows = _rows(ModalityRow, modalities)
        for row in rows:
            self._site.check_addresses(row)
        return put_modalities(self._changing, rows, on_conflict)

    def register_event(
        self,
        *,
        event_id: str,
        recording_hash: str,
        event_time: float,
        event_type: str,
        prompt: str | None = None,
        response: str | None = None,
        metadata: Metadata | None = None,
    ) -> EventRow:
        """Add an event at `event_time` seconds from the recording's start.

        Raises
        ------
        WritesNotEnabled, InvalidArgument, CatalogRowExists
        """
        row = _row(
            EventRow,
            event_id=event_id,
            recording_hash=recording_hash,
            event_time=event_time,
            event_type=event_type,
            prompt=prompt,
            response=response,
            metadata=dict(metadata or {}),
        )
        return self.register_events([row])[0]

    def register_events(self, events: Iterable[EventRow]) -> list[EventRow]:
        """Add many events in one commit, and return them as stored, in the same order.

        Those already stored and equal are left as they are.

        Raises
        ------
        WritesNotEnabled, InvalidArgument
        CatalogRowExists
            A different event has one of the ids; no event of this call is added.
        """
        from ursa.register.rows import put

        self._writing("register_events", "assets_rw")
        return put(self._changing.table(EventRow), _rows(EventRow, events))

    # -- keeping right ---------------------------------------------------------------------------

    def audit(self, *, repair: bool = False, data: bool = True) -> AuditReport:
        """Compare everything in the catalog with everything that it must agree with.

        Reports keys that are stored twice, rows that cannot be read, columns that do not follow
        from their row, recordings that show other modalities than are registered, rows that name
        a recording or a participant that is not there, and modalities whose data is gone.

        Parameters
        ----------
        repair : bool
            Mend what can be mended without guessing; nothing is deleted but equal copies of a row.
        data : bool
            Also list the stores, to look for the data of every modality.

        Returns
        -------
        AuditReport
            Its `ok` says whether nothing is wrong any more.

        Raises
        ------
        WritesNotEnabled
            `repair` needs ``enable_writes()``.

        Examples
        --------
        >>> import tempfile
        >>> from ursa import DataInterface
        >>> data = DataInterface("local", path=tempfile.mkdtemp())
        >>> data.enable_writes()
        >>> person = data.register_participant(participant_id="P001", enrolled_at=0)
        >>> data.audit()
        looked at 1 participants
        nothing is wrong
        """
        from ursa.audit import audit

        if repair:
            self._writing("audit", "assets_rw")
        catalog = self._changing if repair else self.catalog
        return audit(catalog, self._reading if data else None, repair=repair)

    def register_embedding(
        self,
        *,
        embedding_id: str,
        model: str,
        vector: Sequence[float],
        source: str | EmbeddingSource,
        window: tuple[float, float] | TimeWindow | None = None,
        created_at: int | datetime | None = None,
        metadata: Metadata | None = None,
    ) -> EmbeddingRow:
        """Add an embedding; an equal row is returned. For many, see `register_embeddings`.

        Parameters
        ----------
        source : str or EmbeddingSource
            The hash of the recording, or recording, modality and worker.
        window : (float, float) or TimeWindow, optional
            Seconds from the recording's start; by default all of it.
        created_at : int (ns since the epoch) or aware datetime, optional
            By default now, or when the equal row was.

        Raises
        ------
        WritesNotEnabled, InvalidArgument, CatalogRowExists, CatalogSchemaError
        """
        self.register_embeddings(
            vectors=[vector],
            ids=[embedding_id],
            model=model,
            sources=[source],
            windows=[window],
            created_at=created_at,
            metadata=[metadata or {}],
        )
        key = (embedding_id,)
        return self.catalog.table(EmbeddingRow).get_many([key])[key]

    def register_embeddings(
        self,
        rows: Iterable[EmbeddingRow] | pa.Table | None = None,
        *,
        vectors: Any = None,
        ids: Iterable[str] | None = None,
        model: str | Iterable[str] | None = None,
        sources: str | EmbeddingSource | Iterable[str | EmbeddingSource] | None = None,
        windows: Iterable[tuple[float, float] | TimeWindow | None] | None = None,
        created_at: int | datetime | Iterable[int | datetime] | None = None,
        metadata: Metadata | Iterable[Metadata] | None = None,
    ) -> int:
        """Add many embeddings in few commits and return how many of them are new.

        Give `rows`, or `vectors` with columns for the rest, in which a single value holds for
        all. Running it again changes nothing. All embeddings of a catalog have one size.

        Parameters
        ----------
        rows : iterable of EmbeddingRow, or pyarrow.Table
            A table has columns named like the fields of `EmbeddingRow`; ``source`` may be the
            recording's hash, and ``window``, ``created_at`` and ``metadata`` may be missing.
        vectors : NumPy matrix, or sequence of sequences of numbers
            One row for each embedding, stored as float32.
        ids : iterable of str
            One id for each: letters, digits, ``_`` and ``-``.
        model : str or iterable of str
            What computed them. Only embeddings of one model can be compared.
        sources : str, EmbeddingSource, or iterable of these
            Hashes of recordings, or recording, modality and worker.
        windows : iterable of (float, float), TimeWindow or None, or matrix of two columns, optional
            Seconds from the recording's start; None, the default, means all of it.
        created_at : int (ns since the epoch), aware datetime, or iterable of these, optional
            By default now; those that are stored keep their time.
        metadata : mapping or iterable of mappings, optional

        Raises
        ------
        WritesNotEnabled
        InvalidArgument
            A value breaks a rule, like a NaN in a vector.
        CatalogSchemaError
            The vectors are of several sizes, or of another one than those stored.
        CatalogRowExists
            A different embedding has one of the ids; no embedding of this call is added.

        Examples
        --------
        >>> import tempfile
        >>> import numpy as np
        >>> from ursa import DataInterface
        >>> data = DataInterface("local", path=tempfile.mkdtemp())
        >>> data.enable_writes()
        >>> data.register_embeddings(
        ...     vectors=np.eye(3),
        ...     ids=["e0", "e1", "e2"],
        ...     model="demo",
        ...     sources="a" * 64,
        ...     windows=[(0, 5), (5, 10), (10, 15)],
        ... )
        3
        """
        from ursa.register.columns import batch_of
        from ursa.register.embeddings import put_embeddings

        self._writing("register_embeddings", "assets_rw")
        batch = batch_of(
            rows,
            vectors,
            ids=ids,
            model=model,
            sources=sources,
            windows=windows,
            created_at=created_at,
            metadata=metadata,
        )
        return put_embeddings(self._changing.table(EmbeddingRow), batch)

    def create_embedding_index(self) -> bool:
        """Make or renew the index that `search_embeddings` uses; return whether there is one.

        Up to 10 000 embeddings need none. Those added later are found all the same; call it again
        after many.

        Raises
        ------
        WritesNotEnabled
        """
        from ursa.catalog.vectors import index_embeddings

        self._writing("create_embedding_index", "assets_rw")
        table = self._changing.table(EmbeddingRow).opened()
        return table is not None and index_embeddings(table)

    # -- looking up ------------------------------------------------------------------------------
    # `where` maps columns to a value, or to a list of values of which one must be equal;
    # `metadata={...}` in it matches rows that have all these entries.

    def _list(self, row_type: type[RowT], where: Metadata | None) -> list[RowT]:
        return self.catalog.table(row_type).list(where)

    def list_participants(self, where: Metadata | None = None) -> list[ParticipantRow]:
        """Return the rows of table participants that match `where`."""
        return self._list(ParticipantRow, where)

    def get_participant(self, participant_id: str) -> ParticipantRow | None:
        """Return a participant by its key, or None."""
        return self.catalog.table(ParticipantRow).get(participant_id)

    def list_recordings(self, where: Metadata | None = None) -> list[RecordingRow]:
        """Return the rows of table recordings that match `where`."""
        return self._list(RecordingRow, where)

    def get_recording(self, recording_hash: str) -> RecordingRow | None:
        """Return a recording by its key, or None."""
        return self.catalog.table(RecordingRow).get(recording_hash)

    def list_modalities(self, where: Metadata | None = None) -> list[ModalityRow]:
        """Return the rows of table modalities that match `where`."""
        return self._list(ModalityRow, where)

    def get_modality(
        self, recording_hash: str, modality: str, worker_id: str = ""
    ) -> ModalityRow | None:
        """Return a modality by its key, or None."""
        return self.catalog.table(ModalityRow).get(recording_hash, modality, worker_id)

    def list_events(self, where: Metadata | None = None) -> list[EventRow]:
        """Return the rows of table events that match `where`."""
        return self._list(EventRow, where)

    def get_event(self, event_id: str) -> EventRow | None:
        """Return an event by its key, or None."""
        return self.catalog.table(EventRow).get(event_id)

    def list_embeddings(self, where: Metadata | None = None) -> list[EmbeddingRow]:
        """Return the rows of table embeddings that match `where`."""
        return self._list(EmbeddingRow, where)

    def get_embedding(self, embedding_id: str) -> EmbeddingRow | None:
        """Return an embedding by its key, or None."""
        return self.catalog.table(EmbeddingRow).get(embedding_id)

    def search_embeddings(
        self,
        vector: Any,
        k: int = 10,
        *,
        model: str | None = None,
        recordings: Recordings | None = None,
        modality: str | None = None,
        metadata: Metadata | None = None,
        metric: Metric = "cosine",
        exact: bool = False,
    ) -> EmbeddingHits:
        """Return the `k` embeddings nearest to `vector`, with their recordings and windows.

        `k` embeddings come back if so many meet the conditions.

        Parameters
        ----------
        vector : sequence of float
        k : int
        model : str, optional
            Search the embeddings of this model; needed where the catalog has several.
        recordings : QuerySpec, mapping of `query` keywords, or what `query` returned, optional
            Only embeddings of these recordings, each of which is shown as `query` would. Time
            windows choose recordings, not embeddings; ten thousand recordings take a while.
        modality : str, optional
            Only embeddings computed from this modality.
        metadata : mapping, optional
            Conditions on the embeddings' own metadata, as in `query`.
        metric : {"cosine", "l2"}
            One minus the cosine of the angle, from 0 to 2, or the Euclidean distance. Models are
            mostly trained for the former, in which the length of a vector does not count. An
            embedding of only zeros has no angle, and only ``"l2"`` finds it. The index is for
            cosine; ``"l2"`` compares all vectors.
        exact : bool
            Compare all vectors even where the index would find about all of the nearest faster.

        Raises
        ------
        InvalidArgument, CatalogSchemaError

        Examples
        --------
        >>> import tempfile
        >>> import numpy as np
        >>> from ursa import DataInterface
        >>> data = DataInterface("local", path=tempfile.mkdtemp())
        >>> data.enable_writes()
        >>> data.register_embeddings(
        ...     vectors=np.eye(3), ids=["e0", "e1", "e2"], model="demo", sources="a" * 64
        ... )
        3
        >>> hits = data.search_embeddings([0, 1, 0.1], k=2)
        >>> [hit.embedding.embedding_id for hit in hits]
        ['e1', 'e2']
        """
        from ursa.embeddings import search

        return search(
            self.catalog,
            vector,
            k,
            model=model,
            recordings=recordings,
            modality=modality,
            metadata=metadata,
            metric=metric,
            exact=exact,
        )

    def list_virgo_assets(self, where: Metadata | None = None) -> list[VirgoAssetRow]:
        """Return the rows of table virgo_assets that match `where`."""
        return self._list(VirgoAssetRow, where)

    def get_virgo_asset(self, asset_id: str) -> VirgoAssetRow | None:
        """Return a processed asset by its key, or None."""
        return self.catalog.table(VirgoAssetRow).get(asset_id)

    def list_checkpoints(self, where: Metadata | None = None) -> list[CheckpointRow]:
        """Return the rows of table checkpoints that match `where`."""
        return self._list(CheckpointRow, where)

    def get_checkpoint(self, checkpoint_id: str) -> CheckpointRow | None:
        """Return a checkpoint by its key, or None."""
        return self.catalog.table(CheckpointRow).get(checkpoint_id)

    def list_benchmark_suites(self, where: Metadata | None = None) -> list[BenchmarkSuiteRow]:
        """Return the rows of table benchmark_suites that match `where`."""
        return self._list(BenchmarkSuiteRow, where)

    def get_benchmark_suite(self, suite_name: str, suite_version: int) -> BenchmarkSuiteRow | None:
        """Return a benchmark suite by its key, or None."""
        return self.catalog.table(BenchmarkSuiteRow).get(suite_name, suite_version)

    def list_benchmark_results(self, where: Metadata | None = None) -> list[BenchmarkResultRow]:
        """Return the rows of table benchmark_results that match `where`."""
        return self._list(BenchmarkResultRow, where)

    def get_benchmark_result(self, result_id: str) -> BenchmarkResultRow | None:
        """Return a benchmark result by its key, or None."""
        return self.catalog.table(BenchmarkResultRow).get(result_id)


def _reopened(site: Site, as_of: AsOf | None) -> DataInterface:
    data = DataInterface(site.profile, path=site.root, config_path=site.config)
    data._as_of = as_of  # noqa: SLF001 - it was given to the constructor of the pickled one
    return data


def _row(row_type: type[RowT], **fields: Any) -> RowT:
    try:
        return row_type(**fields)
    except ValidationError as error:
        msg = f"{row_type.__table__}: {explained(error)}"
        raise InvalidArgument(msg) from error


def _rows(row_type: type[RowT], given: Iterable[RowT]) -> list[RowT]:
    rows = list(given)
    for place, row in enumerate(rows):
        if type(row) is not row_type:
            msg = f"row {place} is {shortened(row, 80)}; give rows of {row_type.__name__} only"
            raise InvalidArgument(msg)
    return rows


def _check_conflict_rule(rule: str, allowed: tuple[str, ...]) -> None:
    if rule not in allowed:
        msg = f"unknown on_conflict {rule!r}{nearest(str(rule), allowed)}"
        raise InvalidArgument(msg)
