"""Filters, values and times as the JSON that a browser can hold.

A browser's numbers are exact only up to 2^53, so larger integers are written as
``{"=int": "digits"}`` wherever they occur, times as ISO 8601 text and lengths like ``5m``.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from ursa.errors import InvalidArgument
from ursa.filters import PAGE_FIELDS, QuerySpec, make_spec
from ursa.operands import moment_text
from ursa.text import shortened
from ursa.time import duration_text, ns_to_datetime

if TYPE_CHECKING:
    from collections.abc import Mapping

Json = dict[str, Any]

_EXACT = 2**53
_FILTER_MAX = 200_000  # characters of JSON: nobody writes as many by hand
_DIGITS = re.compile(r"-?[0-9]{1,4000}")
_INT = "=int"  # no key of metadata holds a "=", and no operator is called so


def filter_of(spec: QuerySpec) -> Json:
    """Return the filter of a spec, without its page, as JSON.

    The status is always there, since a browser's own default is another one than Python's.

    Examples
    --------
    >>> filter_of(QuerySpec(participants="P001", duration=("5m", None), status="all"))
    {'participants': ['P001'], 'status': 'all', 'duration': {'>=': '5m'}}
    """
    values = {name: _plain(name, value) for name, value in dict(spec).items()}
    kept = {name: value for name, value in values.items() if name not in PAGE_FIELDS}
    return {name: value for name, value in kept.items() if _is_given(spec, name)}


def spec_of(given: object, **page: Any) -> QuerySpec:
    """Return the spec that a filter from a browser says, of every status unless it names one.

    Parameters
    ----------
    given : object
        What `filter_of` returned, or anything that somebody sent.
    **page
        ``order_by``, ``limit`` and ``offset``.

    Raises
    ------
    InvalidArgument
        It is no object, is too large, has unknown fields or values that break a rule.

    Examples
    --------
    >>> spec_of({"participants": ["P001"]}).status
    'all'
    """
    if not isinstance(given, dict):
        raise InvalidArgument(f"filter is {shortened(given, 80)}; give an object of its fields")
    size = _size(given)
    if size > _FILTER_MAX:
        rule = f"at most {_FILTER_MAX} are read; select recordings instead of naming them"
        raise InvalidArgument(f"filter is {size} characters long; {rule}")
    of_page = sorted(PAGE_FIELDS & given.keys())
    if of_page:
        rule = "say it beside the filter"
        raise InvalidArgument(f"filter has {', '.join(of_page)}, which is of the page: {rule}")
    read = {name: _read(value) for name, value in given.items()}
    return make_spec(None, {"status": "all", **read, **page})


def _size(given: object) -> int:
    try:
        return len(json.dumps(given))
    except RecursionError as error:
        raise InvalidArgument("filter is nested too deeply; no filter needs that") from error


def jsonable(value: Any) -> Any:
    """Return a JSON value with integers that a browser would round written as text.

    Examples
    --------
    >>> jsonable([1, 2**60])
    [1, {'=int': '1152921504606846976'}]
    """
    if isinstance(value, dict):
        return {key: jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    if isinstance(value, int) and not -_EXACT <= value <= _EXACT:
        return {_INT: str(value)}
    return value


def cell(value: Any) -> Any:
    """Return a JSON value to look at: integers that a browser would round are text.

    Examples
    --------
    >>> cell([1, 2**60])
    [1, '1152921504606846976']
    """
    if isinstance(value, list | tuple):
        return [cell(item) for item in value]
    return str(value) if isinstance(jsonable(value), dict) else value


def shown(value: Any, longest: int = 500) -> str:
    """Return a value of metadata as text for people.

    Examples
    --------
    >>> shown("rest"), shown([1, "a"]), shown(None)
    ('rest', '[1, "a"]', 'null')
    """
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def pairs(values: Mapping[str, Any]) -> list[list[str]]:
    """Return metadata as keys with values as text, in order of the keys."""
    return [[key, shown(values[key], 5000)] for key in sorted(values)]


def iso_exact(ns: int) -> str:
    """Return a time as ISO 8601 text with microseconds where it has some."""
    return ns_to_datetime(ns).isoformat().replace("+00:00", "Z")


def _is_given(spec: QuerySpec, name: str) -> bool:
    field = QuerySpec.model_fields[name]
    default = field.get_default(call_default_factory=True)
    return name == "status" or getattr(spec, name) != default


def _plain(name: str, value: Any) -> Any:
    if name == "time_range" and value is not None:
        return [None if ns is None else moment_text(ns) for ns in value]
    if name == "duration":
        return {operator: duration_text(length) for operator, length in value.items()}
    if name == "time_filters":
        return [each.model_dump(mode="json") for each in value]
    return jsonable(value)


def _read(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {_INT}:
            return _integer(value[_INT])
        return {key: _read(item) for key, item in value.items()}
    return [_read(item) for item in value] if isinstance(value, list) else value


def _integer(text: object) -> int:
    if not isinstance(text, str) or not _DIGITS.fullmatch(text):
        raise InvalidArgument(f"{shortened(text, 80)} is no integer; write its digits")
    return int(text)
