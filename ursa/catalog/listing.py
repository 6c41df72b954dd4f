"""Column values as a predicate, each checked by the rule of its own field."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, get_args

from pydantic import TypeAdapter, ValidationError

from ursa.catalog import where
from ursa.catalog.arrow import LABELS, schema_of
from ursa.catalog.conditions import checked_argument
from ursa.catalog.derived import LABELLED
from ursa.catalog.pushdown import metadata_predicate
from ursa.catalog.types import Json
from ursa.errors import InvalidArgument
from ursa.hints import nearest
from ursa.text import cut, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ursa.catalog.schemas import Row


def listed(row_type: type[Row], values: Mapping[str, object]) -> str | None:
    """Return the predicate of rows whose columns have these values; a list means any of it.

    Raises
    ------
    InvalidArgument
        An unknown column, one that holds no plain value, or a value that the column cannot have.

    Examples
    --------
    >>> from ursa.catalog.schemas import RecordingRow
    >>> listed(RecordingRow, {"recording_hash": "ab", "participant_ids": ["P1", "P2"]})
    "(recording_hash = 'ab') AND (array_has_any(participant_ids, ['P1', 'P2']))"
    """
    _check_columns(row_type, values)
    return where.all_of(
        predicate for name, value in values.items() for predicate in _of(row_type, name, value)
    )


def _check_columns(row_type: type[Row], values: object) -> None:
    if not isinstance(values, Mapping):
        rule = f"name a column, like {{{row_type.__primary_key__[0]!r}: ...}}"
        raise InvalidArgument(f"{shortened(values, 80)} is no mapping of columns; {rule}")


def _of(row_type: type[Row], name: str, value: object) -> Iterator[str]:
    fields = row_type.model_fields
    if name not in fields:
        named = f"{shortened(name, 80)}{nearest(cut(str(name), 80), fields)}"
        msg = f"{row_type.__table__} cannot be filtered by {named}"
        raise InvalidArgument(msg)
    if name in LABELLED and isinstance(value, Mapping):
        yield from metadata_predicate(name, checked_argument(name, value))
        return
    type_ = schema_of(row_type).field(name).type
    is_json = any(isinstance(mark, Json) for mark in fields[name].metadata)
    if is_json or isinstance(value, Mapping) or (type_.num_fields and type_ != LABELS):
        rule = f"{name} takes {{key: value}}" if name in LABELLED else "it holds no plain value"
        msg = f"{row_type.__table__} cannot be filtered by {name!r}={shortened(value, 80)}; {rule}"
        raise InvalidArgument(msg)
    fitting: object
    if isinstance(value, list | tuple | set | frozenset):
        fitting = [_value(row_type, name, each) for each in value]
    else:
        fitting = _value(row_type, name, value)
    yield where.matches(name, fitting, is_list=type_ == LABELS)


def _value(row_type: type[Row], name: str, value: object) -> object:
    try:
        return _adapter(row_type, name).validate_python(value)
    except ValidationError as error:
        rule = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        msg = f"{row_type.__table__} cannot be filtered by {name!r}={shortened(value, 80)}: {rule}"
        raise InvalidArgument(msg) from error


@functools.cache
def _adapter(row_type: type[Row], name: str) -> TypeAdapter[Any]:
    """Return the rule of one value of a column; of a list column, that of its items."""
    field = row_type.model_fields[name]
    rule: Any = (
        Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
    )
    if schema_of(row_type).field(name).type == LABELS:
        (rule, _) = get_args(field.annotation)
    return TypeAdapter(rule)
