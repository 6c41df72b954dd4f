"""`ursa-selection.json`: a filter as a file, for selections of any size."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ursa.errors import InvalidArgument
from ursa.filters import QuerySpec, make_spec
from ursa.hints import nearest
from ursa.operands import moment
from ursa.text import shortened
from ursa.time import duration_text

if TYPE_CHECKING:
    import os

FORMAT = "ursa-selection"
VERSION = 1
_FIELDS = ("format", "version", "query")
_BYTES_MAX = 100_000_000


def selection_text(spec: QuerySpec) -> str:
    """Return a filter as the text of a selection file.

    Examples
    --------
    >>> print(selection_text(QuerySpec(participants="P001", duration=("5m", None))))
    {
     "format": "ursa-selection",
     "version": 1,
     "query": {
      "participants": [
       "P001"
      ],
      "duration": {
       ">=": "5m"
      }
     }
    }
    <BLANKLINE>
    """
    content = {"format": FORMAT, "version": VERSION, "query": _query(spec)}
    return f"{json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)}\n"


def read_selection(path: str | os.PathLike[str]) -> QuerySpec:
    """Return the filter of a selection file.

    Raises
    ------
    InvalidArgument
        It cannot be read, is no selection file, or its filter breaks a rule.
    """
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - what is given need not be a Path
            content = file.read(_BYTES_MAX + 1)
    except OSError as error:
        reason = error.strerror or error
        raise InvalidArgument(f"{shortened(str(path))} cannot be read: {reason}") from error
    if len(content) > _BYTES_MAX:
        rule = f"at most {_BYTES_MAX // 10**6} MB are read"
        raise InvalidArgument(f"{shortened(str(path))} is no selection file: {rule}")
    try:
        return _spec(content)
    except InvalidArgument as error:
        raise InvalidArgument(f"{shortened(str(path))}: {error}") from error


def _spec(content: bytes) -> QuerySpec:
    rule = "save one from the page with 'Save selection'"
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InvalidArgument(f"it is not JSON ({error}); {rule}") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        given = found.get("format") if isinstance(found, dict) else found
        raise InvalidArgument(f'its format is {shortened(given, 80)}, not "{FORMAT}"; {rule}')
    if found.get("version") != VERSION or isinstance(found["version"], bool):
        said = f"its version is {shortened(found.get('version'), 80)}, and {VERSION} is read"
        raise InvalidArgument(f"{said}; update ursa, or save it again")
    for name in found:
        if name not in _FIELDS:
            raise InvalidArgument(f"unknown field {shortened(name, 80)}{nearest(name, _FIELDS)}")
    return _query_of(found.get("query"))


def _query_of(given: object) -> QuerySpec:
    if not isinstance(given, dict):
        raise InvalidArgument(f"its query is {shortened(given, 80)}; it must be an object")
    for name in given:
        if name not in QuerySpec.model_fields:
            known = nearest(name, QuerySpec.model_fields)
            raise InvalidArgument(f"its query has an unknown field {shortened(name, 80)}{known}")
    return make_spec(None, given)


def _query(spec: QuerySpec) -> dict[str, Any]:
    whole = spec.model_dump(mode="json")
    fields = QuerySpec.model_fields.items()
    differ = (
        name
        for name, field in fields
        if getattr(spec, name) != field.get_default(call_default_factory=True)
    )
    return {name: _plain(spec, name, whole[name]) for name in differ}


def _plain(spec: QuerySpec, name: str, value: Any) -> Any:
    if name == "duration":
        return {operator: duration_text(each) for operator, each in spec.duration.items()}
    if name == "time_range":
        return [None if ns is None else moment(ns) for ns in value]
    return value
