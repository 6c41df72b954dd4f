"""Stored records as rows, where they are such."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ursa.catalog.arrow import from_record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ursa.catalog.arrow import RowT
    from ursa.catalog.table import Table


def key_of(table: Table[Any], record: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the primary key of a stored record."""
    return tuple(record[name] for name in table.row_type.__primary_key__)


def read(table: Table[RowT], record: Mapping[str, Any]) -> RowT | str:
    """Return the row that a record holds, or why it holds none."""
    values = {name: value for name, value in record.items() if name != "_rowid"}
    try:
        return from_record(table.row_type, values)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"
