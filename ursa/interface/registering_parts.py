"""Registering modalities and events."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from ursa.catalog.schemas import EventRow, IngestionStatus, ModalityRow
from ursa.filters import as_tuple
from ursa.hints import check_choice
from ursa.interface.opened import OpenedSite
from ursa.interface.rows import row_of, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ursa.catalog.schemas import StorageFormat
    from ursa.interface.opened import Metadata
    from ursa.register.rows import OnModalityConflict


class RegisteringParts(OpenedSite):
    """Rows of what recordings consist of: modalities and events."""

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
        row = row_of(
            ModalityRow,
            recording_hash=recording_hash,
            modality=modality,
            worker_id=worker_id,
            ingestion_status=ingestion_status,
            storage_uri=storage_uri,
            raw_storage_uri=raw_storage_uri,
            format=format,
            sampling_rate=sampling_rate,
            domain_intervals=as_tuple(domain_intervals),
            channel_spec={} if channel_spec is None else channel_spec,
            metadata={} if metadata is None else metadata,
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
        check_choice("on_conflict", on_conflict, get_args(OnModalityConflict))
        rows = rows_of(ModalityRow, modalities)
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
        row = row_of(
            EventRow,
            event_id=event_id,
            recording_hash=recording_hash,
            event_time=event_time,
            event_type=event_type,
            prompt=prompt,
            response=response,
            metadata={} if metadata is None else metadata,
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
        return put(self._changing.table(EventRow), rows_of(EventRow, events))
