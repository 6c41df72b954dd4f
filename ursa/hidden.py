"""Text and mappings that hold secrets and show none of them."""

from __future__ import annotations

from typing import Any, NoReturn

from ursa.errors import HandleNotPicklable


class Secret:
    """Text that no repr, message or pickle gives away.

    Parameters
    ----------
    text : str

    Examples
    --------
    >>> Secret("hunter2"), Secret("hunter2").reveal()
    (Secret(hidden), 'hunter2')
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "Secret(hidden)"

    def __reduce__(self) -> NoReturn:
        raise HandleNotPicklable("a secret cannot be pickled; resolve it again over there")

    def reveal(self) -> str:
        """Return the text; keep it out of variables of functions that may raise."""
        return self._text


class HiddenDict(dict[str, Any]):
    """A mapping with secrets, as other libraries take it.

    Examples
    --------
    >>> HiddenDict(token="hunter2")
    HiddenDict(hidden)
    """

    def __repr__(self) -> str:
        return f"{type(self).__name__}(hidden)"

    def __reduce__(self) -> NoReturn:
        raise HandleNotPicklable("secrets cannot be pickled; resolve them again over there")


def hidden(value: Any) -> Any:
    """Return a tree of mappings and lists with every text in it hidden.

    Examples
    --------
    >>> hidden({"a": {"b": "hunter2", "c": 1}})
    {'a': {'b': Secret(hidden), 'c': 1}}
    """
    if isinstance(value, str):
        return Secret(value)
    if isinstance(value, dict):
        return {key: hidden(each) for key, each in value.items()}
    if isinstance(value, list):
        return [hidden(each) for each in value]
    return value
