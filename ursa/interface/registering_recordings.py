"""Registering participants and recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from ursa.catalog.schemas import ParticipantRow, RecordingRow
from ursa.filters import as_tuple
from ursa.hints import check_choice
from ursa.interface.opened import OpenedSite
from ursa.interface.rows import row_of, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from ursa.interface.opened import Metadata
    from ursa.register.rows import OnRecordingConflict


class RegisteringRecordings(OpenedSite):
    """Rows of participants and recordings."""

    def register_participant(
        self, *, participant_id: str, enrolled_at: int | datetime, metadata: Metadata | None = None
    ) -> ParticipantRow:
        """Add a participant; an equal row is returned, a different one refused.

        Raises
        ------
        WritesNotEnabled, InvalidArgument, CatalogRowExists
        """
        row = row_of(
            ParticipantRow,
            participant_id=participant_id,
            enrolled_at=enrolled_at,
            metadata={} if metadata is None else metadata,
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
        return put(self._changing.table(ParticipantRow), rows_of(ParticipantRow, participants))

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
        row = row_of(
            RecordingRow,
            recording_hash=recording_hash,
            participant_ids=as_tuple(participant_ids),
            start_time=start_time,
            duration=duration,
            device_info={} if device_info is None else device_info,
            metadata={} if metadata is None else metadata,
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
        check_choice("on_conflict", on_conflict, get_args(OnRecordingConflict))
        return put_recordings(self._changing, rows_of(RecordingRow, recordings), on_conflict)
