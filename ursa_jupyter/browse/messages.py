"""The shape of messages: each function returns an argument of a message, or says what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ursa.errors import InvalidArgument
from ursa.text import shortened

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Message = dict[str, Any]

_TEXT_MAX = 10_000
_ID_MAX = 100
_LEVELS_MAX = 50


def type_of(message: object) -> object:
    """Return what a message says its type is; None if it is no message."""
    return message.get("type") if isinstance(message, dict) else None


def refuse_deep(message: object) -> None:
    """Raise where a message is nested so deeply that reading it could break whoever does.

    Examples
    --------
    >>> refuse_deep({"filter": {"metadata": {"task": ["rest"]}}})
    """
    level = [message] if isinstance(message, dict | list) else []
    for _ in range(_LEVELS_MAX):
        below = (each.values() if isinstance(each, dict) else each for each in level)
        level = [item for items in below for item in items if isinstance(item, dict | list)]
        if not level:
            return
    raise InvalidArgument(f"the message is nested too deeply: read are {_LEVELS_MAX} levels")


def id_of(message: object) -> str | int | None:
    """Return the id of a message, if it is one; nothing else that was sent is sent back.

    Examples
    --------
    >>> id_of({"id": "u:1"}), id_of({"id": ["u", 1]})
    ('u:1', None)
    """
    name = message.get("id") if isinstance(message, dict) else None
    if isinstance(name, str):
        return name if len(name) <= _ID_MAX else None
    return name if isinstance(name, int) else None


def text_of(message: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """Return an argument that is text.

    Examples
    --------
    >>> text_of({"hash": "abc"}, "hash")
    'abc'
    """
    value = message.get(name, default)
    if not isinstance(value, str) or len(value) > _TEXT_MAX:
        raise _wrong(name, value, f"give text of at most {_TEXT_MAX} characters")
    return value


def texts_of(message: Mapping[str, Any], name: str, at_most: int) -> list[str]:
    """Return an argument that is a list of texts.

    Examples
    --------
    >>> texts_of({"hashes": ["a", "b"]}, "hashes", 10)
    ['a', 'b']
    """
    value = message.get(name)
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise _wrong(name, value, "give a list of texts")
    if len(value) > at_most or any(len(each) > _TEXT_MAX for each in value):
        raise _wrong(name, value, f"give at most {at_most} of at most {_TEXT_MAX} characters")
    return value


def number_of(
    message: Mapping[str, Any], name: str, low: int, high: int, default: int | None = None
) -> int:
    """Return an argument that is an integer between two others.

    Examples
    --------
    >>> number_of({"limit": 5}, "limit", 0, 200)
    5
    """
    value = message.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise _wrong(name, value, f"give an integer from {low} to {high}")
    return value


def choice_of(message: Mapping[str, Any], name: str, allowed: Sequence[str], default: str) -> str:
    """Return an argument that is one of some texts.

    Examples
    --------
    >>> choice_of({}, "what", ["python", "magic"], "python")
    'python'
    """
    value = message.get(name)
    if value is None:
        return default
    if not isinstance(value, str) or value not in allowed:
        raise _wrong(name, value, f"give one of {', '.join(allowed)}")
    return value


def object_of(message: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return an argument that is an object; an empty one where it is missing.

    Examples
    --------
    >>> object_of({}, "filter")
    {}
    """
    value = message.get(name, {})
    if not isinstance(value, dict):
        raise _wrong(name, value, "give an object")
    return value


def _wrong(name: str, value: object, rule: str) -> InvalidArgument:
    return InvalidArgument(f"{name} is {shortened(value, 80)}; {rule}")
