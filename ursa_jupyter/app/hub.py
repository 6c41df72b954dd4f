"""`Hub`: what all visitors of one server share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ursa import DataInterface


class Hub:
    """What all visitors of one server share."""

    def __init__(self, data: DataInterface) -> None:
        self.data = data
