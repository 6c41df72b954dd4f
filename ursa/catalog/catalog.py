"""`Catalog`: nine tables that are opened, read at one state and kept up together."""

from __future__ import annotations

import functools
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from ursa.catalog.schemas import (
    BenchmarkResultRow,
    BenchmarkSuiteRow,
    CheckpointRow,
    EmbeddingRow,
    EventRow,
    ModalityRow,
    ParticipantRow,
    RecordingEntry,
    RecordingRow,
    Row,
    VirgoAssetRow,
)
from ursa.errors import HandleNotPicklable, InvalidArgument, WritesNotEnabled
from ursa.text import shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from lancedb.db import DBConnection
    from lancedb.table import Table as LanceTable

    from ursa.catalog.arrow import RowT
    from ursa.catalog.history import AsOf, Version
    from ursa.catalog.promotion import Kind, Promotion
    from ursa.catalog.snapshot import Snapshot
    from ursa.catalog.table import Table
    from ursa.catalog.upkeep import CleanedUp, Optimized

ROW_CLASSES: tuple[type[Row], ...] = (
    ParticipantRow,
    RecordingRow,
    ModalityRow,
    EventRow,
    EmbeddingRow,
    VirgoAssetRow,
    CheckpointRow,
    BenchmarkSuiteRow,
    BenchmarkResultRow,
)


class Catalog:
    """Nine tables in one Lance directory, each opened on first use.

    Parameters
    ----------
    uri : str
        Directory, or prefix in an object store.
    storage_options : mapping of str to str, or callable that returns one, optional
        What LanceDB needs to open an object store; when a callable returns something else than
        before, the tables are opened again.
    as_of : AsOf, optional
        Read this old state, which cannot be written to.
    complete : bool
        `create` has made this catalog, so that a missing table is an error and not empty;
        embeddings may still be missing.

    Examples
    --------
    >>> import tempfile
    >>> from ursa.catalog import Catalog, ParticipantRow
    >>> participants = Catalog(tempfile.mkdtemp()).table(ParticipantRow)
    >>> participants.insert([ParticipantRow(participant_id="P001", enrolled_at=0)])
    1
    >>> participants.get("P001").participant_id
    'P001'
    """

    def __init__(
        self,
        uri: str,
        storage_options: Mapping[str, str] | Callable[[], Mapping[str, str]] | None = None,
        *,
        as_of: AsOf | None = None,
        complete: bool = False,
    ) -> None:
        self.uri, self._storage_options = uri, storage_options
        self._as_of, self._complete = as_of, complete
        self._opened: tuple[Mapping[str, str] | None, DBConnection] | None = None
        self._tables: dict[type[Row], Any] = {}
        self._snapshots: dict[type[Row], Any] = {}
        self._opening = threading.RLock()  # a displayed browser asks beside the cells
        self.noted: set[str] = set()  # keys of slow filters that somebody was told about

    def __repr__(self) -> str:
        state = f", as_of={self._as_of}" if self._as_of else ""
        return f"Catalog({self.uri!r}{state})"

    def at(self, as_of: AsOf) -> Catalog:
        """Return this catalog as it was."""
        return Catalog(self.uri, self._storage_options, as_of=as_of, complete=self._complete)

    def __reduce__(self) -> NoReturn:
        raise HandleNotPicklable(f"{self!r} is opened and cannot be pickled; open it over there")

    @property
    def _connection(self) -> DBConnection:
        from ursa.catalog.lance import connect

        given = self._storage_options
        options = given() if callable(given) else given
        with self._opening:
            if self._opened is None or self._opened[0] != options:
                self._tables, self._snapshots = {}, {}
                self._opened = options, connect(self.uri, options)
            return self._opened[1]

    def table(self, row_type: type[RowT]) -> Table[RowT]:
        """Return the table that holds rows of `row_type`."""
        from ursa.catalog.table import Table

        with self._opening:
            connection, required = self._connection, self._requires(row_type)
            if row_type not in self._tables:
                fixed = self._fixed(row_type)
                self._tables[row_type] = Table(connection, row_type, fixed, required=required)
            table: Table[RowT] = self._tables[row_type]
            return table

    def snapshot(self, row_type: type[RowT]) -> Snapshot[RowT]:
        """Return the table as it is now, for reads that must agree with each other."""
        from ursa.catalog.snapshot import Snapshot

        version = self.table(row_type).version
        with self._opening:
            known = self._snapshots.get(row_type)
            if known is None or known.version != version:
                known = self._snapshots[row_type] = Snapshot(
                    self._connection,
                    row_type,
                    version,
                    required=self._requires(row_type),
                    former=known.known_totals if known is not None else {},
                )
            found: Snapshot[RowT] = known
            return found

    def _requires(self, row_type: type[Row]) -> bool:
        return self._complete and row_type is not EmbeddingRow

    @property
    def recordings(self) -> Table[RecordingEntry]:
        """Recordings with their modalities nested."""
        return self.table(RecordingEntry)

    def create(self) -> None:
        """Make every table whose shape is known; embeddings wait for their first vector's size."""
        for row_type in ROW_CLASSES:
            if row_type is not EmbeddingRow:
                self.table(row_type).create()

    @property
    def version(self) -> int:
        """Version of the recordings table: it grows with every change that a query can see."""
        return self.recordings.version

    # -- old states ------------------------------------------------------------------------------

    def versions(self) -> list[Version]:
        """Return the versions of the recordings table that are still there, oldest first."""
        return self._versions(RecordingRow)

    def _versions(self, row_type: type[Row]) -> list[Version]:
        from ursa.catalog.history import versions
        from ursa.catalog.lance import Handle, explained

        table = Handle(self._connection, row_type).opened()
        with explained(row_type.__table__):
            return versions(table) if table is not None else []

    @functools.cached_property
    def _state(self) -> tuple[int, datetime]:
        """The version of the recordings that is read, and the time as of which the others are."""
        from ursa.catalog.history import AsOf, version_of

        wanted = self._as_of or AsOf()
        found = version_of(self.versions(), wanted)
        return found.number, wanted.time or found.time

    def _fixed(self, row_type: type[Row]) -> int | None:
        """Return the version of a table that is read; None is the newest."""
        from ursa.catalog.history import newest_at, not_found

        if self._as_of is None:
            return None
        recordings, time = self._state
        if issubclass(row_type, RecordingRow):
            return recordings
        known = self._versions(row_type)
        found = newest_at(known, time)
        if found is None and known and known[0].number > 1:
            raise not_found(row_type.__table__, known, str(self._as_of))
        return found.number if found else 0

    # -- upkeep ----------------------------------------------------------------------------------

    def optimize(self) -> list[Optimized]:
        """Join small files and bring the indexes of every table up to date."""
        from ursa.catalog.lance import explained
        from ursa.catalog.upkeep import optimize

        done = []
        for table in self._to_keep_up():
            with explained(table.name):
                done.append(optimize(table))
        return done

    def cleanup(
        self, older_than: timedelta = timedelta(days=7), *, exclusive: bool = False
    ) -> list[CleanedUp]:
        """Remove the versions of every table that had a newer one `older_than` ago already.

        Parameters
        ----------
        older_than : timedelta
            Every state since then can still be read.
        exclusive : bool
            Also remove what killed writers left. Only where no other process uses the catalog.
        """
        from ursa.catalog.lance import explained
        from ursa.catalog.upkeep import cleanup

        _check_cleanup(older_than, exclusive=exclusive)
        done = []
        for table in self._to_keep_up():
            with explained(table.name):
                done.append(cleanup(table, older_than, exclusive=exclusive))
        return done

    def promote_metadata_key(self, key: str, type: Kind | None = None) -> Promotion:  # noqa: A002 - as everybody calls it
        """Let an index answer comparisons with a key of the recordings' metadata."""
        from ursa.catalog.lance import explained
        from ursa.catalog.promotion import promote

        tables = [table for table in self._to_keep_up() if table.name == RecordingRow.__table__]
        if not tables:
            raise InvalidArgument(f"no recording has {shortened(key, 80)} in its metadata yet")
        with explained(RecordingRow.__table__):
            return promote(tables[0], key, type)

    def _to_keep_up(self) -> Iterator[LanceTable]:
        if self._as_of is not None:
            raise WritesNotEnabled(
                f"the catalog is read as of {self._as_of}; keep up its newest state"
            )
        for row_type in ROW_CLASSES:
            table = self.table(row_type).opened()
            if table is not None:
                yield table


def _check_cleanup(older_than: object, *, exclusive: object) -> None:
    if not isinstance(older_than, timedelta):
        msg = f"older_than={shortened(older_than, 80)} is no timedelta, like timedelta(days=7)"
        raise InvalidArgument(msg)
    if not timedelta(0) <= older_than <= timedelta(days=36_500):
        raise InvalidArgument(f"older_than={older_than} must lie between 0 and 100 years")
    if not isinstance(exclusive, bool):
        raise InvalidArgument(f"exclusive={shortened(exclusive, 80)} must be True or False")
