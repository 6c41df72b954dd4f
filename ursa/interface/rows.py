"""The rows that are to be registered, checked before anything is written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import ValidationError

from ursa.catalog.schemas import Row
from ursa.errors import InvalidArgument
from ursa.mistakes import explained
from ursa.text import shortened

RowT = TypeVar("RowT", bound=Row)


def row_of(row_type: type[RowT], **fields: Any) -> RowT:
    """Return the row that has these fields.

    Raises
    ------
    InvalidArgument
        A field breaks a rule of the table.

    Examples
    --------
    >>> from ursa.catalog import ParticipantRow
    >>> row_of(ParticipantRow, participant_id="P001", enrolled_at=0).participant_id
    'P001'
    """
    try:
        return row_type(**fields)
    except ValidationError as error:
        msg = f"{row_type.__table__}: {explained(error)}"
        raise InvalidArgument(msg) from error


def rows_of(row_type: type[RowT], given: Iterable[RowT]) -> list[RowT]:
    """Return what was given as a list, all of it rows of one table.

    Raises
    ------
    InvalidArgument
        Something else is among them.

    Examples
    --------
    >>> from ursa.catalog import ParticipantRow
    >>> rows_of(ParticipantRow, ["P001"])
    Traceback (most recent call last):
    ursa.errors.InvalidArgument: row 0 is 'P001'; give rows of ParticipantRow only
    """
    _check_list(row_type, given)
    rows = list(given)
    for place, row in enumerate(rows):
        if type(row) is not row_type:
            msg = f"row {place} is {shortened(row, 80)}; give rows of {row_type.__name__} only"
            raise InvalidArgument(msg)
    return rows


def _check_list(row_type: type[Row], given: object) -> None:
    # A row can be iterated over, which gives its fields.
    if isinstance(given, Row) or not isinstance(given, Iterable):
        msg = f"{shortened(given, 80)} is no list; give rows of {row_type.__name__}"
        raise InvalidArgument(msg)
