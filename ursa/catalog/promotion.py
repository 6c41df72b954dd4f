"""Metadata keys as typed columns of their own, so that an index answers comparisons too.

A column is right where it equals what the JSON says. A writer that read the schema just before the
column came writes rows without it: it corrects them itself, and so do `promote` and `optimize`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

from ursa.catalog import where
from ursa.catalog.derived import kind_entry, promoted_column, promoted_columns
from ursa.catalog.indexes import make_indexes
from ursa.catalog.lance import is_conflict, patiently
from ursa.catalog.pushdown import number_at, text_at
from ursa.catalog.types import check_metadata
from ursa.errors import InvalidArgument
from ursa.hints import check_choice
from ursa.text import counted, shortened

if TYPE_CHECKING:
    from collections.abc import Callable

    from lancedb.table import Table as LanceTable

Kind = Literal["number", "text"]

_TYPES: dict[Kind, pa.DataType] = {"number": pa.float64(), "text": pa.utf8()}
_TRIES = 4


@dataclass(frozen=True)
class Promotion:
    """What `promote` made or found.

    Attributes
    ----------
    key : str
    type : {"number", "text"}
    column : str
    rows : int
        Recordings that have a value of this type under the key.
    """

    key: str
    type: Kind
    column: str
    rows: int

    def __str__(self) -> str:
        return f"{self.key}: {self.type} in {counted(self.rows, 'recording')}, filtered by an index"


def promote(table: LanceTable, key: str, kind: Kind | None = None) -> Promotion:
    """Give a metadata key a typed column with an index; one that has it is checked and completed.

    Parameters
    ----------
    kind : {"number", "text"}, optional
        By default what the values of the key are.

    Raises
    ------
    InvalidArgument
        No key of metadata, both numbers and text or neither, or promoted as another type.
    """
    from lancedb.index import BTree

    chosen, column = _kind(table, key, kind), promoted_column(key)
    _add_column(table, column, key, chosen)
    correct(table)
    patiently(lambda: make_indexes(table, {column: BTree()}))
    return Promotion(key, chosen, column, table.count_rows(f"{column} IS NOT NULL"))


def correct(table: LanceTable, among: str = "TRUE") -> int:
    """Give typed columns the values of the JSON where they differ; return how many had to be set.

    Parameters
    ----------
    among : str
        A predicate for the rows to look at.
    """
    columns = promoted_columns(table.schema).items()
    return sum(patiently(_correction(table, name, *what, among)) for name, what in columns)


def _kind(table: LanceTable, key: str, kind: Kind | None) -> Kind:
    _check(key, kind)
    _, found = promoted_columns(table.schema).get(promoted_column(key), (key, None))
    if found is not None and kind not in (None, found):
        msg = f"metadata key {shortened(key, 80)} is promoted as {found} already; leave type= out"
        raise InvalidArgument(msg)
    known = found or kind
    return next(each for each in _TYPES if each == known) if known else _guessed(table, key)


def _check(key: str, kind: str | None) -> None:
    if not isinstance(key, str):
        raise InvalidArgument(f"metadata key {shortened(key, 80)} must be text")
    try:
        check_metadata({key: None})
    except ValueError as error:
        raise InvalidArgument(str(error)) from error
    if kind is not None:
        check_choice("type of a metadata key", kind, _TYPES)


def _guessed(table: LanceTable, key: str) -> Kind:
    counts = {
        kind: table.count_rows(where.has_any("metadata_kv", [kind_entry(key, kind)]))
        for kind in _TYPES
    }
    kinds = [kind for kind, count in counts.items() if count]
    if len(kinds) == 1:
        return kinds[0]
    if kinds:
        numbers = f"a number in {counts['number']} recordings and text in {counts['text']}"
        msg = f"metadata key {shortened(key, 80)} is {numbers}; say type='number' or type='text'"
    else:
        rule = "a number or text in no recording"
        msg = f"metadata key {shortened(key, 80)} is {rule}; check how it is written, or say type="
    raise InvalidArgument(msg)


def _add_column(table: LanceTable, column: str, key: str, kind: Kind) -> None:
    def add(what: dict[str, str] | pa.Field) -> None:
        if column not in table.schema.names:
            table.add_columns(what)

    try:
        patiently(lambda: add({column: _expression(key, kind)}), _TRIES)
    except (RuntimeError, ValueError) as error:
        if column in table.schema.names:  # another process was first
            return
        if not is_conflict(error):
            raise
        # Writers that never pause are in the way of a full column, but not of an empty one.
        patiently(lambda: add(pa.field(column, _TYPES[kind])))


def _expression(key: str, kind: str) -> str:
    return number_at("metadata", key) if kind == "number" else text_at("metadata", key)


def _correction(
    table: LanceTable, column: str, key: str, kind: str, among: str
) -> Callable[[], int]:
    value = _expression(key, kind)
    equal = f"coalesce({column} = {value}, {column} IS NULL AND {value} IS NULL)"
    wrong = f"({among}) AND NOT {equal}"

    def run() -> int:
        if not table.count_rows(wrong):  # since an update of no row is a commit too
            return 0
        return int(table.update(where=wrong, values_sql={column: value}).rows_updated)

    return run
