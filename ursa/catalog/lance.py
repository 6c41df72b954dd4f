"""Opening LanceDB: connections, tables with their indexes, and its errors in our words."""

from __future__ import annotations

import os
import random
import re
import time
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from ursa.answers import failure, is_answer
from ursa.catalog.arrow import schema_of
from ursa.catalog.indexes import indexes, make_indexes
from ursa.catalog.schemas import RecordingEntry, Row
from ursa.errors import CatalogError, UrsaError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lancedb.db import DBConnection
    from lancedb.table import Table as LanceTable

T = TypeVar("T")

_TRIES = 20
_CONTENTION = (
    *("commit conflict", "concurrent writers", "contention"),
    "with concurrent transaction overwrite",  # two processes made one table at the same time
)
_RUST_SOURCE = re.compile(r",?\s*\S+\.rs:\d+(:\d+)?")


def connect(uri: str, storage_options: Mapping[str, str] | None = None) -> DBConnection:
    """Open a catalog directory or prefix; every read then sees the newest version."""
    # Or else each optimisation that another writer came before is a warning on standard error.
    os.environ.setdefault("LANCEDB_LOG", "error")
    import lancedb

    with explained(uri, "at"):
        return lancedb.connect(
            uri,
            storage_options=dict(storage_options or {}),
            read_consistency_interval=timedelta(0),
        )


class Handle:
    """One LanceDB table, opened on first use.

    Parameters
    ----------
    connection : lancedb.DBConnection
    row_type : type of Row
    version : int, optional
        Open this version, which cannot be written to; by default what is newest at each use.
        Version 0 is that before the table was made.
    required : bool
        Raise where there is no such table.
    """

    def __init__(
        self,
        connection: DBConnection,
        row_type: type[Row],
        version: int | None = None,
        *,
        required: bool = False,
    ) -> None:
        self._connection, self._row_type, self._version = connection, row_type, version
        self._required = required
        self._table: LanceTable | None = None

    def opened(self) -> LanceTable | None:
        """Return the table, or None where there is none and none is required."""
        name = self._row_type.__table__
        if self._version == 0:
            return None
        if self._table is None:
            with explained(name):
                try:
                    table = self._connection.open_table(name)
                except ValueError as error:
                    if "was not found" not in str(error):
                        raise
                    if self._required:
                        msg = (
                            f"{name}.lance is missing from the catalog {self._connection.uri}; "
                            "restore that directory from a backup"
                        )
                        raise CatalogError(msg) from error
                    return None
                if self._version is not None:
                    table.checkout(self._version)
                self._table = table
        return self._table

    def create(self, vector_size: int = 0) -> LanceTable:
        """Make the table with its indexes, or open it where another writer was first."""
        name = self._row_type.__table__
        schema = schema_of(widest(self._row_type), vector_size=vector_size)
        with explained(name):
            try:
                table = self._connection.create_table(name, schema=schema, exist_ok=True)
            except ValueError as error:  # there is one with other columns, or other vectors
                if "does not match existing" not in str(error):
                    raise
                table = self._connection.open_table(name)
            # Another process may be making the same table.
            patiently(lambda: make_indexes(table, indexes(table.schema, self._row_type)))
        self._table = table
        return table


def patiently(action: Callable[[], T], tries: int = _TRIES) -> T:
    """Return what `action` returns, after calling it again where another writer came before it."""
    for turn in range(1, tries):
        try:
            return action()
        except (RuntimeError, OSError) as error:
            if not is_conflict(error):
                raise
            pause(turn)
    return action()


def pause(turn: int) -> None:
    """Wait before a further try, for longer and less evenly each time, so that writers part."""
    if turn:
        time.sleep(random.uniform(0, 0.005) * 2 ** min(turn, 6))  # noqa: S311 - no secret


def waited(table: LanceTable, call: Callable[[Any], Any]) -> Any:
    """Return what a call on LanceDB's asynchronous table gives, which the other one hides."""
    from lancedb.background_loop import LOOP

    async def called() -> Any:
        return await call(table._table)  # type: ignore[attr-defined]  # noqa: SLF001

    return LOOP.run(called())  # type: ignore[no-untyped-call]


def is_conflict(error: Exception) -> bool:
    """Return whether LanceDB refused a commit only because another one came before it."""
    return any(words in str(error).lower() for words in _CONTENTION)


@contextmanager
def explained(name: str, kind: str = "table") -> Iterator[None]:
    """Raise what LanceDB raises as `CatalogError`, with the name of the table.

    What a server refused comes as `ObjectStoreError`, and nothing of the original error is kept:
    its text may repeat credentials, and its frames hold them.
    """
    try:
        yield
    except UrsaError:
        raise
    except (RuntimeError, OSError, ValueError) as error:
        if is_answer(str(error)):
            place, role = f"catalog {kind} {name!r}", "assets_ro, or assets_rw in writing"
            refused = failure(str(error), place=place, what="access", role=role)
            error.args, error.__traceback__ = ("left out, for it may hold credentials",), None
            raise refused from None
        said = _RUST_SOURCE.sub("", str(error))
        msg = f"catalog {kind} {name!r}: {said}"
        raise CatalogError(msg) from error


def widest(row_type: type[Row]) -> type[Row]:
    """Return the class whose columns the table of `row_type` has."""
    return RecordingEntry if issubclass(RecordingEntry, row_type) else row_type
