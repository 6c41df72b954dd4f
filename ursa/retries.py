"""How long to wait before a store is asked again."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ursa.errors import StoreUnavailable

_LONGEST_S = 8.0
_LONGEST_ASKED_S = 60.0  # however long a store asks for


def delay(failed: int, error: StoreUnavailable) -> float:
    """Return the seconds to wait after so many failed tries, or as many as the store asked for.

    Each wait is about twice the one before it, and uneven, so that clients part.

    Examples
    --------
    >>> from ursa.errors import StoreUnavailable
    >>> 0.1 <= delay(1, StoreUnavailable("busy")) <= 0.2
    True
    >>> delay(1, StoreUnavailable("busy", retry_after=30.0))
    30.0
    """
    own: float = min(_LONGEST_S, 0.1 * 2**failed) * random.uniform(0.5, 1)  # noqa: S311 - no secret
    return max(own, min(error.retry_after or 0, _LONGEST_ASKED_S))
