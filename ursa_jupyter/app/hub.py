"""`Hub`: what all visitors of one server share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ursa import DataInterface


class Root(NamedTuple):
    """A directory that visitors may download to."""

    name: str
    path: Path


class Hub:
    """What all visitors of one server share."""

    def __init__(self, data: DataInterface, *, roots: Sequence[Root] = ()) -> None:
        self.data, self.roots = data, roots

    def visitor(self, name: str) -> Visitor:
        """Stand-in."""
        return Visitor(name)

    def new_name(self) -> str:
        """Stand-in."""
        return "guest"

    def visitor_of(self, cookie: str | None) -> str | None:
        """Stand-in."""
        return cookie

    def routes(self, who: Any) -> list[tuple[str, Any, dict[str, Any]]]:  # noqa: ARG002
        """Stand-in."""
        return []

    def close(self) -> None:
        """Stand-in."""


class Visitor:
    """Stand-in."""

    def __init__(self, name: str) -> None:
        self.name = name

    def attach(self, push: Any) -> Callable[[], None]:  # noqa: ARG002
        """Stand-in."""
        return lambda: None

    def admit(self) -> None:
        """Stand-in."""
