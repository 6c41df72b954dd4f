"""Which metadata keys a catalog has, and which of them make facets."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from ursa.catalog.types import canonical_json

if TYPE_CHECKING:
    from ursa import DataInterface

_SAMPLE = 1_000
_KEYS_MAX = 200
_FACETS_MAX = 12
_FEW = 40  # values at most, for a facet to be of use without a search


def vocabulary(data: DataInterface) -> tuple[dict[str, str], list[str]]:
    """Return the keys of metadata with the kind of their values, and those that make facets.

    Reading every recording would take seconds where there are a million, so both come from some,
    chosen by their hash and so at random. The most frequent keys come first.
    """
    sample = data.query(status="all", order_by="recording_hash", limit=_SAMPLE)
    values: dict[str, Counter[str]] = defaultdict(Counter)
    numbers = Counter[str]()
    for result in sample:
        for key, value in result.metadata.items():
            values[key][canonical_json(value)] += 1
            numbers[key] += isinstance(value, int | float) and not isinstance(value, bool)
    often = sorted(values, key=lambda key: (-values[key].total(), key))[:_KEYS_MAX]
    kinds = {key: "number" if numbers[key] == values[key].total() else "text" for key in often}
    facets = [key for key in often if _repeats(values[key])]
    return kinds, facets[:_FACETS_MAX]


def _repeats(counts: Counter[Any]) -> bool:
    """Return whether a key's values come again often enough to choose by them."""
    return len(counts) <= _FEW and (len(counts) == 1 or counts.total() >= 2 * len(counts))
