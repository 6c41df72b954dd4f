"""Finding recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ursa.facets import facets
from ursa.filters import make_spec
from ursa.histograms import histogram
from ursa.interface.opened import OpenedSite
from ursa.query import count, find

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime, timedelta

    from ursa.facets import FacetValue
    from ursa.filters import OrderBy, QuerySpec, Status, TimeFilter
    from ursa.histograms import Histogram
    from ursa.interface.opened import Metadata
    from ursa.query import QueryResultList

    Moment = int | str | datetime
    Length = str | float | timedelta


class Finding(OpenedSite):
    """What is there: recordings, their number, and their values."""

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
