"""Which metadata keys a catalog has, and which of them make facets and columns."""

from __future__ import annotations

import math
import threading
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from ursa.catalog.types import canonical_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ursa import DataInterface

_SAMPLE = 1_000
_KEYS_MAX = 200
_FACETS_MAX = 12
_FEW = 40  # values at most, for a facet to be of use without a search
_SHORT = 32  # characters of a value, on average, that a column has room for
_MOST = 0.9  # of recordings with one value, of which the column would say it again and again
_INTERNAL = ("manifest_",)  # how the keys begin that ingest itself writes


class Vocabulary(NamedTuple):
    """What is known of a catalog's metadata.

    Attributes
    ----------
    kinds : dict of str to str
        By key, whether its values are numbers or text; the most frequent keys first.
    facets : list of str
        Keys that make facets.
    telling : list of str
        Keys whose values are short and put recordings into groups, the most telling ones first.
    """

    kinds: dict[str, str]
    facets: list[str]
    telling: list[str]


class Words:
    """The vocabulary of a catalog as it is now, worked out once for all who share this.

    Parameters
    ----------
    data : DataInterface

    Examples
    --------
    >>> import tempfile
    >>> from ursa import DataInterface
    >>> data = DataInterface("local", path=tempfile.mkdtemp())
    >>> data.enable_writes()
    >>> Words(data).now().telling
    []
    """

    def __init__(self, data: DataInterface) -> None:
        self._data, self._lock = data, threading.Lock()
        self._kept: tuple[int, Vocabulary] | None = None

    def now(self) -> Vocabulary:
        """Return the vocabulary of the catalog's latest version."""
        with self._lock:
            version = self._data.catalog.version
            if self._kept is None or self._kept[0] != version:
                self._kept = version, vocabulary(self._data)
            return self._kept[1]


def vocabulary(data: DataInterface) -> Vocabulary:
    """Return the keys of metadata, and what they are good for.

    Reading every recording would take seconds where there are a million, so they come from some,
    chosen by their hash and so at random.
    """
    sample = data.query(status="all", order_by="recording_hash", limit=_SAMPLE)
    values: dict[str, dict[int, str]] = defaultdict(dict)
    numbers = Counter[str]()
    for place, result in enumerate(sample):
        for key, value in result.metadata.items():
            values[key][place] = canonical_json(value)
            numbers[key] += isinstance(value, int | float) and not isinstance(value, bool)
    often = sorted(values, key=lambda key: (-len(values[key]), key))[:_KEYS_MAX]
    kinds = {key: "number" if numbers[key] == len(values[key]) else "text" for key in often}
    groups = {key: values[key] for key in often if _groups(key, values[key], len(sample))}
    telling = sorted(groups, key=lambda key: (kinds[key] == "number", -_told(groups[key])))
    facets = [key for key in often if _repeats(Counter(values[key].values()))]
    facets.sort(key=lambda key: key not in groups)
    return Vocabulary(kinds, facets[:_FACETS_MAX], _differing(telling, groups))


def _repeats(counts: Counter[Any]) -> bool:
    """Return whether a key's values come again often enough to choose by them."""
    return len(counts) <= _FEW and (len(counts) == 1 or counts.total() >= 2 * len(counts))


def _groups(key: str, values: Mapping[int, str], number: int) -> bool:
    """Return whether the values of a key are on most recordings, short, and put them in groups."""
    counts = Counter(values.values())
    is_plain = not any(value.startswith(("[", "{", "true", "false")) for value in counts)
    is_shared = 1 < len(counts) <= min(_FEW, 2 * len(values) / 3)
    return (
        is_plain
        and is_shared
        and not key.startswith(_INTERNAL)
        and 2 * len(values) >= number
        and max(counts.values()) <= _MOST * number
        and sum(map(len, values.values())) <= _SHORT * len(values)
    )


def _told(values: Mapping[int, str]) -> float:
    """Return how much a value tells of a recording, in bits."""
    shares = [count / len(values) for count in Counter(values.values()).values()]
    return -sum(share * math.log2(share) for share in shares)


def _differing(keys: Iterable[str], groups: Mapping[str, Mapping[int, str]]) -> list[str]:
    """Return the keys without those that put recordings into the same groups as one before."""
    found: dict[tuple[tuple[int, int], ...], str] = {}
    for key in keys:
        first: dict[str, int] = {}
        same = tuple(
            (place, first.setdefault(value, place)) for place, value in groups[key].items()
        )
        found.setdefault(same, key)
    return list(found.values())
