"""Conditions on metadata as Lance SQL: by the index of labels, by typed columns, or by a scan.

A column of metadata is flat JSON text as `ursa.catalog.types.json_text` writes it, in which what
stands between a key and the next comma or quote is its value exactly.
"""

from __future__ import annotations

import math
import re
from types import MappingProxyType
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
from ursa.catalog.types import KEY_END, json_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_NONE: Mapping[str, str] = MappingProxyType({})
_ESCAPES = {r"\n": "\n", r"\r": "\r", r"\t": "\t", r"\b": "\b", r"\f": "\f", r"\u0022": '"'}
_QUOTE = '"'  # how a text value begins and ends
# Only those without a shorter escape: Lance parses no deeper nesting than 50.
_CONTROLS = {f"\\u{code:04x}": chr(code) for code in range(32) if chr(code) not in "\b\t\n\f\r"}


def metadata_predicate(
    column: str,
    filters: Mapping[str, Any],
    promoted: Mapping[str, str] = _NONE,
    is_rare: Callable[[str, str], bool] = lambda _column, _label: True,
) -> list[str]:
    """Return the predicates of checked conditions on a JSON column, all of which must hold.

    Parameters
    ----------
    column : {"metadata", "channel_spec"}
    filters : mapping
        As `ursa.catalog.conditions.Conditions` leaves them.
    promoted : mapping of str to str
        Typed columns that hold every value of their key, and the kind of these values.
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
        labels, kind = f"{column}_kv", kind_of(operand)
        of_one_kind = reads_values(op, operand) and op not in ("in", "!=")
        indexed = op != "contains" and promoted.get(promoted_column(key)) == kind
        if of_one_kind and not indexed and is_rare(labels, kind_entry(key, kind)):
            found.append(where.has_any(labels, [kind_entry(key, kind)]))
    return found


def reads_values(op: str, operand: Any) -> bool:
    """Return whether a condition needs the value itself, since labels do not answer it."""
    operands = operand if op == "in" else [operand]
    return op in COMPARISONS or op == "contains" or not all(map(has_label, operands))


def scanned(filters: Mapping[str, Any], promoted: Mapping[str, str] = _NONE) -> Iterator[str]:
    """Yield the keys whose conditions no index answers, so that the JSON of each row is read.

    Examples
    --------
    >>> filters = {"task": "rest", "age": {">=": 18}, "score": {"<": 1}}
    >>> list(scanned(filters, {"metadata__age": "number"}))
    ['score']
    """
    for key, op, operand in conditions(filters):
        compares = op in COMPARISONS or op == "contains"
        operands = operand if op == "in" else [operand]
        read = {kind_of(each) for each in operands if compares or not has_label(each)}
        if read - {promoted.get(promoted_column(key))}:
            yield key


def _predicate(column: str, key: str, op: str, operand: Any, promoted: Mapping[str, str]) -> str:
    if op == "=":
        return _equals(column, key, operand, promoted)
    if op == "in":
        return _is_one_of(column, key, operand, promoted)
    present = where.has_any(f"{column}_kv", [kind_entry(key, kind) for kind in KINDS])
    if op == "exists":
        return present if operand else f"NOT {present}"
    if op == "!=":
        equal = _equals(column, key, operand, promoted)
        return f"{present} AND NOT {equal if has_label(operand) else f'coalesce({equal}, FALSE)'}"
    return _compares(column, key, op, operand, promoted)


def _is_one_of(column: str, key: str, operands: Any, promoted: Mapping[str, str]) -> str:
    labels = [metadata_entry(key, each) for each in operands if has_label(each)]
    found = [where.has_any(f"{column}_kv", labels)] if labels else []
    others = (_equals(column, key, each, promoted) for each in operands if not has_label(each))
    return where.any_of([*found, *others])


def _equals(column: str, key: str, operand: Any, promoted: Mapping[str, str]) -> str:
    if has_label(operand):
        return where.has_any(f"{column}_kv", [metadata_entry(key, operand)])
    return _compares(column, key, "=", operand, promoted)


def _compares(column: str, key: str, op: str, operand: Any, promoted: Mapping[str, str]) -> str:
    """Return that the value of a key, if of the operand's kind, is so to the operand."""
    kind, typed = kind_of(operand), promoted_column(key)
    if column == "metadata" and promoted.get(typed) == kind:
        return (
            _text_holds(typed, op, operand) if kind == "text" else _number_holds(typed, op, operand)
        )
    if kind == "number":
        return _number_holds(number_at(column, key), op, operand)
    # Few texts hold an escape, and reading one is slow, so the others are done with before.
    raw = _text_part(column, key)
    plain = _text_holds(raw, op, operand)
    escaped = _marked_holds(_marked_at(raw), op, _marked(operand))
    return (
        f"(strpos({column}, {where.literal(_before(key, _QUOTE))}) > 0 AND "
        f"(strpos({column}, '\\') = 0 AND {plain} OR strpos({column}, '\\') > 0 AND {escaped}))"
    )


def _number_holds(value: str, op: str, operand: Any) -> str:
    number = as_float(operand)
    given = f"CAST('{number}' AS DOUBLE)" if math.isinf(number) else where.literal(number)
    return f"{value} {op} {given}"


def _text_holds(value: str, op: str, operand: str) -> str:
    given = where.literal(operand)
    return (
        f"strpos(lower({value}), lower({given})) > 0"
        if op == "contains"
        else f"{value} {op} {given}"
    )


def _marked_holds(value: str, op: str, operand: str) -> str:
    if op != "contains":
        return f"{value} {op} {where.literal(operand)}"
    # What is found must not begin with the digits of a marked character.
    pattern = f"(?s)(?:^|^[^\x01]|[^\x01]{{2}}){re.escape(operand.lower())}"
    return f"regexp_like(lower({value}), {where.literal(pattern)})"


def _marked(text: str) -> str:
    """Return text with each control character as a mark and two digits, which keeps the order.

    To put back every such character takes deeper nesting than LanceDB's parser allows beside
    other filters; to mark it takes little.
    """
    return re.sub(r"[\x00-\x1f]", lambda found: f"\x01{ord(found[0]):02x}", text)


def _marked_at(value: str) -> str:
    marks = {short: _marked(char) for short, char in _ESCAPES.items()}
    for escape, text in {**marks, r"\u005c": "\x02", r"\u00": "\x01", "\x02": "\\"}.items():
        value = f"replace({value}, {where.literal(escape)}, {where.literal(text)})"
    return value


def number_at(column: str, key: str) -> str:
    """Return the SQL expression of a key's value as float64; null unless it is a number.

    A number ends at a comma or the last brace; any other value has a part that is no number.
    """
    rest = f"split_part({column}, {where.literal(_before(key))}, 2)"
    return f"TRY_CAST(split_part(split_part({rest}, ',', 1), '}}', 1) AS DOUBLE)"


def text_at(column: str, key: str) -> str:
    """Return the SQL expression of a key's value as text; null unless it is text."""
    pattern = f'{re.escape(_before(key, _QUOTE))}([^"]*)"'
    return _unescaped(f"(regexp_match({column}, {where.literal(pattern)}))[1]")


def _before(key: str, value: str = "") -> str:
    """Return what stands before the value of a key, and nowhere else."""
    return f"{json_text(key)}{KEY_END}{value}"


def _text_part(column: str, key: str) -> str:
    mark = where.literal(_before(key, _QUOTE))
    return f"split_part(split_part({column}, {mark}, 2), {where.literal(_QUOTE)}, 1)"


def _unescaped(value: str) -> str:
    for escape, char in {**_CONTROLS, **_ESCAPES, r"\u005c": "\\"}.items():
        value = f"replace({value}, {where.literal(escape)}, {where.literal(char)})"
    return value
