"""Conditions on metadata as Lance SQL: by the index of labels, by typed columns, or by a scan.

A column of metadata is JSON text as `ursa.catalog.types.json_text` writes it: flat, keys sorted,
neither quote nor backslash inside a string other than as an escape. So one regular expression
finds the value of a key exactly.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ursa.catalog import where
from ursa.catalog.conditions import COMPARISONS, as_float, conditions
from ursa.catalog.derived import (
    KINDS,
    has_label,
    kind_entry,
    kind_of,
    metadata_entry,
    promoted_column,
)
from ursa.catalog.types import json_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

_ESCAPES = {r"\n": "\n", r"\r": "\r", r"\t": "\t", r"\b": "\b", r"\f": "\f", r"\u0022": '"'}
_CONTROLS = {f"\\u{code:04x}": chr(code) for code in range(1, 32)}


def metadata_predicate(
    column: str,
    filters: Mapping[str, Any],
    promoted: Collection[str] = (),
    is_rare: Callable[[str, str], bool] = lambda _column, _label: True,
) -> list[str]:
    """Return the predicates of checked conditions on a JSON column, all of which must hold.

    Parameters
    ----------
    column : {"metadata", "channel_spec"}
    filters : mapping
        As `ursa.catalog.conditions.Conditions` leaves them.
    promoted : collection of str
        Typed columns that hold every value of their key and type.
    is_rare : callable
        Whether a label column has a label on few rows only. To read single rows of many is slower
        than to read all, so only rare labels narrow what is read.

    Examples
    --------
    >>> print(*metadata_predicate("metadata", {"task": "rest"}))
    array_has_any(metadata_kv, ['task="rest"'])
    """
    found = []
    for key, op, operand in conditions(filters):
        found.append(_predicate(column, key, op, operand, promoted))
        labels, kind = f"{column}_kv", kind_entry(key, kind_of(operand))
        of_one_kind = reads_values(op, operand) and op not in ("in", "!=")
        if of_one_kind and promoted_column(key) not in promoted and is_rare(labels, kind):
            found.append(where.has_any(labels, [kind]))
    return found


def reads_values(op: str, operand: Any) -> bool:
    """Return whether a condition needs the value itself, since labels do not answer it."""
    operands = operand if op == "in" else [operand]
    return op in COMPARISONS or op == "contains" or not all(map(has_label, operands))


def scanned(filters: Mapping[str, Any], promoted: Collection[str] = ()) -> Iterator[str]:
    """Yield the keys whose conditions no index answers, so that the JSON of each row is read."""
    for key, op, operand in conditions(filters):
        if reads_values(op, operand) and promoted_column(key) not in promoted:
            yield key


def _predicate(column: str, key: str, op: str, operand: Any, promoted: Collection[str]) -> str:
    if op == "=":
        return _equals(column, key, operand, promoted)
    if op == "in":
        return " OR ".join(_equals(column, key, each, promoted) for each in operand)
    present = where.has_any(f"{column}_kv", [kind_entry(key, kind) for kind in KINDS])
    if op == "exists":
        return present if operand else f"NOT {present}"
    if op == "!=":
        equal = _equals(column, key, operand, promoted)
        return f"{present} AND NOT {equal if has_label(operand) else f'coalesce({equal}, FALSE)'}"
    value, given = _value(column, key, kind_of(operand), promoted), _literal(operand)
    if op == "contains":
        return f"strpos(lower({value}), lower({given})) > 0"
    return f"{value} {op} {given}"


def _equals(column: str, key: str, operand: Any, promoted: Collection[str]) -> str:
    if has_label(operand):
        return where.has_any(f"{column}_kv", [metadata_entry(key, operand)])
    return f"{_value(column, key, 'number', promoted)} = {_literal(operand)}"


def _literal(operand: Any) -> str:
    return where.literal(operand if isinstance(operand, str) else as_float(operand))


def _value(column: str, key: str, kind: str, promoted: Collection[str]) -> str:
    typed = promoted_column(key)
    if column == "metadata" and typed in promoted:
        return typed
    return number_at(column, key) if kind == "number" else text_at(column, key)


def number_at(column: str, key: str) -> str:
    """Return the SQL expression of a key's value as float64; null unless it is a number."""
    return f"CAST({_matched(column, key, '(-?[0-9][-+.0-9eE]*)')} AS DOUBLE)"


def text_at(column: str, key: str) -> str:
    """Return the SQL expression of a key's value as text; null unless it is text."""
    raw = _matched(column, key, '"([^"]*)"')
    plain = raw
    for escape, char in {**_CONTROLS, **_ESCAPES, r"\u005c": "\\"}.items():
        plain = f"replace({plain}, {where.literal(escape)}, {where.literal(char)})"
    return f"CASE WHEN strpos({raw}, '\\') > 0 THEN {plain} ELSE {raw} END"


def _matched(column: str, key: str, value: str) -> str:
    name = re.escape(json_text(key))
    return f"(regexp_match({column}, {where.literal(f'(?:^[{{]|, ){name}: {value}')}))[1]"
