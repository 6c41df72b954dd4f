"""Dicts and lists that refuse to change, for the values of frozen rows and results."""

from __future__ import annotations

from typing import Any, NoReturn

from ursa.text import shortened


def _refuse(self: object, *_: Any, **__: Any) -> NoReturn:
    kind = "dict" if isinstance(self, dict) else "list"
    msg = f"{shortened(self, 80)} belongs to a frozen value; change a copy of it: {kind}(...)"
    raise TypeError(msg)


class FrozenDict(dict[str, Any]):
    """A dict that refuses to change; ``dict(x)`` and ``x.copy()`` give one that does not.

    It is equal to a dict of the same items, and JSON, pickle and Pydantic take it for one.

    Examples
    --------
    >>> FrozenDict(task="rest") == {"task": "rest"}
    True
    >>> FrozenDict(task="rest") | {"run": 2}
    {'task': 'rest', 'run': 2}
    """

    __slots__ = ()
    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)


class FrozenList(list[Any]):
    """A list that refuses to change; ``list(x)`` and ``x.copy()`` give one that does not."""

    __slots__ = ()
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = clear = extend = insert = pop = remove = reverse = sort = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (list(self),)
