"""Conditions on metadata: one JSON value against an operator and an operand.

A filter on metadata maps each key to a value, which it must equal, or to operators with their
operands: ``{"task": "rest", "age": {">=": 18, "<": 65}, "site": {"in": ["A", "B"]}}``.

=============  ==================================================================================
operator       holds where the key is present and its value
=============  ==================================================================================
``=``          equals the operand; ``1`` and ``1.0`` are equal
``!=``         differs from the operand
``in``         equals one of the operands
``< <= > >=``  compares so; numbers with numbers (as float64), text with text (by code point)
``contains``   is text that holds the operand, upper and lower case being equal
``exists``     ``True``: is there at all; ``False`` holds where the key is missing
=============  ==================================================================================
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator

from ursa.catalog.types import canonical_json, check_metadata, plain_scalar
from ursa.errors import InvalidArgument
from ursa.hints import nearest
from ursa.text import cut, shortened

COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
OPERATORS = ("=", "!=", "in", *COMPARISONS, "contains", "exists")
Condition = tuple[str, str, Any]


def conditions(filters: Mapping[str, Any]) -> Iterator[Condition]:
    """Yield (key, operator, operand) for each condition of a checked filter.

    Examples
    --------
    >>> list(conditions({"task": "rest", "age": {">=": 18}}))
    [('task', '=', 'rest'), ('age', '>=', 18)]
    """
    for key, value in filters.items():
        for op, operand in value.items() if isinstance(value, Mapping) else [("=", value)]:
            yield key, op, operand


def all_hold(filters: Mapping[str, Any], metadata: Mapping[str, Any]) -> bool:
    """Return whether `metadata` meets every condition of a checked filter.

    Examples
    --------
    >>> all_hold({"age": {">=": 18, "<": 65}}, {"age": 40})
    True
    """
    return not filters or all(_holds(metadata, *each) for each in conditions(filters))


def _holds(metadata: Mapping[str, Any], key: str, op: str, operand: Any) -> bool:
    if op == "exists" or key not in metadata:
        return op == "exists" and (key in metadata) is operand
    value = metadata[key]
    if op in ("=", "!="):
        return (canonical_json(value) == canonical_json(operand)) is (op == "=")
    if op == "in":
        return canonical_json(value) in map(canonical_json, operand)
    if op == "contains":
        return isinstance(value, str) and operand.lower() in value.lower()
    return _compared(value, op, operand)


def _compared(value: object, op: str, operand: object) -> bool:
    if isinstance(value, str) and isinstance(operand, str):
        return COMPARISONS[op](value, operand)
    both = is_number(value) and is_number(operand)
    return both and COMPARISONS[op](as_float(value), as_float(operand))


def is_number(value: object) -> bool:
    """Return whether a JSON value is a number; booleans are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def as_float(value: Any) -> float:
    """Return a JSON number as float64; integers beyond its range are infinite."""
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def checked(filters: Mapping[str, Any]) -> dict[str, Any]:
    """Return a filter in its one form, or raise ValueError."""
    check_metadata(dict.fromkeys(filters))
    return {key: _checked(key, value) for key, value in filters.items()}


def checked_argument(name: str, filters: Mapping[str, Any]) -> dict[str, Any]:
    """Return a filter that was given as the argument `name` in its one form.

    Raises
    ------
    InvalidArgument
    """
    try:
        return checked(filters)
    except ValueError as error:
        msg = f"{name}: {error}"
        raise InvalidArgument(msg) from error


def _checked(key: str, value: Any) -> Any:
    if not isinstance(value, Mapping):
        return check_metadata({key: value})[key]
    found = dict(_checked_condition(key, op, operand) for op, operand in value.items())
    if not found or len(found) < len(value):
        rule = "has no operator" if not value else "takes one of '=' and 'in'"
        name = shortened(key, 80)
        msg = f"{name} {rule}; write it like {{{name}: {{'>=': 18}}}}"
        raise ValueError(msg)
    return found["="] if set(found) == {"="} else found


def _checked_condition(key: str, op: str, operand: Any) -> tuple[str, Any]:
    if op not in OPERATORS:
        named = f"{shortened(op, 40)}{nearest(cut(str(op), 40), OPERATORS)}"
        msg = f"{shortened(key, 80)} has the unknown operator {named}"
        raise ValueError(msg)
    if op == "in" and isinstance(operand, Iterable) and not isinstance(operand, str | Mapping):
        operand = list(operand)
    operand = plain_scalar(operand)
    rule = _broken_rule(op, operand)
    if rule:
        msg = f"{shortened(key, 80)} {op} takes {rule}, not {shortened(operand, 80)}"
        raise ValueError(msg)
    if op != "in":
        return op, check_metadata({key: operand})[key]
    operands = [check_metadata({key: each})[key] for each in operand]
    return ("=", operands[0]) if len(operands) == 1 else (op, operands)


def _broken_rule(op: str, operand: object) -> str | None:
    """Return what an operator takes, if `operand` is none of it."""
    if op in COMPARISONS:
        return None if isinstance(operand, str) or is_number(operand) else "a number or text"
    if op == "in":
        return None if isinstance(operand, list) and operand else "a list of one value or more"
    if op == "contains":
        return None if isinstance(operand, str) and operand else "some text"
    return None if op != "exists" or isinstance(operand, bool) else "True or False"


Conditions = Annotated[dict[str, Any], AfterValidator(checked)]
