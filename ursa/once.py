"""Values that are made on first use, by one thread only."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Callable

ValueT = TypeVar("ValueT")
_LOCK = "_making"


class once(Generic[ValueT]):  # noqa: N801 - used like `property`
    """A property whose value is made when it is first asked for, and then kept.

    Threads that ask at the same time wait for one of them to make it, and get the same value;
    `functools.cached_property` would have each of them make its own. What raises is made anew by
    whoever asks next.

    Parameters
    ----------
    make : callable
        Makes the value of an object, whose other values it may ask for.

    Examples
    --------
    >>> class Site:
    ...     @once
    ...     def catalog(self) -> list[str]:
    ...         return ["opened"]
    >>> site = Site()
    >>> site.catalog is site.catalog
    True
    """

    def __init__(self, make: Callable[[Any], ValueT]) -> None:
        self._make, self.__doc__ = make, make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type | None = None) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type | None = None) -> ValueT: ...
    def __get__(self, instance: object, owner: type | None = None) -> Self | ValueT:
        if instance is None:
            return self
        # Once the value is there, Python finds it before it would come here.
        held = vars(instance)
        with held.setdefault(_LOCK, threading.RLock()):
            if self._name not in held:
                held[self._name] = self._make(instance)
        value: ValueT = held[self._name]
        return value
