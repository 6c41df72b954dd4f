"""Filter values as one escaped Lance SQL predicate; no text of a user reaches SQL unescaped."""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING

from ursa.errors import InvalidArgument
from ursa.text import shortened
from ursa.time import INT64_MIN, epoch_ns, timedelta_to_ns

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_JOINED_MAX = 32  # predicates side by side


def literal(value: object) -> str:
    """Return `value` as a SQL literal.

    Raises
    ------
    InvalidArgument
        A type that SQL has no literal for, or a number that is not finite.

    Examples
    --------
    >>> literal("O'Brien")
    "'O''Brien'"
    """
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, datetime | int):
        number = epoch_ns(value)
        # SQL reads a minus and then digits, and those of the least int64 are too large for one.
        return str(number) if number != INT64_MIN else f"({INT64_MIN + 1} - 1)"
    if isinstance(value, timedelta):
        return str(timedelta_to_ns(value))
    if isinstance(value, float) and math.isfinite(value):
        return repr(value)
    rule = "use text, a finite number, a boolean, a time or a duration"
    raise InvalidArgument(f"cannot filter by {shortened(value, 80)}: {rule}")


def _quoted(text: str) -> str:
    if not text.isprintable() and any("\ud800" <= char <= "\udfff" for char in text):
        msg = f"{shortened(text, 80)} holds a lone surrogate, which is no valid Unicode text"
        raise InvalidArgument(msg)
    return "'" + text.replace("'", "''") + "'"


def equals(column: str, value: object) -> str:
    """Return ``column = value``, or ``column IS NULL`` for None."""
    return f"{column} IS NULL" if value is None else f"{column} = {literal(value)}"


def one_of(column: str, values: Iterable[object]) -> str:
    """Return a predicate that holds where `column` is one of `values`; none matches nothing.

    Examples
    --------
    >>> one_of("status", ["raw", "failed"])
    "status IN ('raw', 'failed')"
    """
    listed = ", ".join(literal(value) for value in values)
    return f"{column} IN ({listed})" if listed else "FALSE"


def starts_with(column: str, text: str) -> str:
    """Return a predicate that holds where `column` begins with `text`, as a range for the index.

    Examples
    --------
    >>> starts_with("name", "ab")
    "name >= 'ab' AND name < 'ac'"
    """
    after = text[:-1] + chr(ord(text[-1]) + 1)
    return f"{column} >= {literal(text)} AND {column} < {literal(after)}"


def hash_in(column: str, values: Iterable[str]) -> str:
    """Return a predicate for whole hashes, and for 8 or more hex digits that one begins with.

    Examples
    --------
    >>> hash_in("name", ["ab", "abcdef01"])
    "name IN ('ab') OR name >= 'abcdef01' AND name < 'abcdef02'"
    """
    listed = list(values)
    begun = {value: None for value in listed if re.fullmatch(r"[0-9a-f]{8,63}", value)}
    whole = one_of(column, [value for value in listed if value not in begun])
    return any_of([whole, *(starts_with(column, value) for value in begun)])


def has_any(column: str, labels: Iterable[object]) -> str:
    """Return a predicate that holds where the list `column` has at least one of `labels`."""
    listed = ", ".join(literal(label) for label in labels)
    return f"array_has_any({column}, [{listed}])" if listed else "FALSE"


def asks_labels(predicate: str) -> bool:
    """Return whether a predicate is one that `has_any` gave, which an index answers.

    Examples
    --------
    >>> asks_labels(has_any("metadata_kv", ["task=1"])), asks_labels("duration > 1")
    (True, False)
    """
    return re.fullmatch(r"array_has_any\(\w+, \[[^\]]*\]\)", predicate) is not None


def has_all(column: str, labels: Iterable[str]) -> str:
    """Return a predicate that holds where the list `column` has every one of `labels`."""
    listed = ", ".join(literal(label) for label in labels)
    return f"array_has_all({column}, [{listed}])" if listed else "TRUE"


def all_of(predicates: Iterable[str | None]) -> str | None:
    """Join predicates with AND; None holds everywhere, and is returned where nothing else is.

    Examples
    --------
    >>> all_of(["a = 1", None, "b = 2 OR c = 3"])
    '(a = 1) AND (b = 2 OR c = 3)'
    """
    listed = [f"({predicate})" for predicate in predicates if predicate is not None]
    return _joined(" AND ", listed) or None


def any_of(predicates: Iterable[str]) -> str:
    """Join predicates with OR; none matches nothing.

    Examples
    --------
    >>> any_of(["a = 1", "b = 2"]), any_of([])
    ('a = 1 OR b = 2', 'FALSE')
    """
    return _joined(" OR ", list(predicates)) or "FALSE"


def _joined(word: str, parts: Sequence[str]) -> str:
    """Join parts; many as a tree of brackets, since a flat list nests as deep as it is long.

    LanceDB reads such a list by recursion, and ends the process where its stack is full.
    """
    while len(parts) > _JOINED_MAX:
        starts = range(0, len(parts), _JOINED_MAX)
        parts = [f"({word.join(parts[start : start + _JOINED_MAX])})" for start in starts]
    return word.join(parts)


def matches(column: str, value: object, *, is_list: bool = False) -> str:
    """Return the predicate for a column and a value, or a list of values of which one must fit.

    Parameters
    ----------
    is_list : bool
        The column holds lists; one fits that has the value.

    Examples
    --------
    >>> matches("status", ["raw", "failed"])
    "status IN ('raw', 'failed')"
    """
    values = value if isinstance(value, list | tuple | set | frozenset) else None
    if is_list:
        return has_any(column, [value] if values is None else values)
    return equals(column, value) if values is None else one_of(column, values)
