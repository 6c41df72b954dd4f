"""Why nothing matches: which single filter, left out, would let recordings match."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ursa.filters import QuerySpec
from ursa.query import count
from ursa.terms import chunks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ursa.catalog import Catalog

_ALL = "status=all"


class Relaxed(NamedTuple):
    """A filter without one of its terms.

    Attributes
    ----------
    text : str
        The term that is left out, as it is written in a magic or a URL.
    spec : QuerySpec
        The filter without it, from its first page on.
    matched : int
        How many recordings that matches, on any page.
    """

    text: str
    spec: QuerySpec
    matched: int


def relaxed(catalog: Catalog, spec: QuerySpec) -> list[Relaxed]:
    """Return what would match without one filter, the most recordings first.

    Each condition on metadata, and each bound of a length, is a filter of its own. Without its
    status a filter means all of them. Recordings are counted, none is read.

    Examples
    --------
    >>> import tempfile
    >>> from ursa import DataInterface
    >>> data = DataInterface("local", path=tempfile.mkdtemp())
    >>> data.enable_writes()
    >>> row = data.register_recording(
    ...     recording_hash="r1", participant_ids=[], start_time=0, duration=60,
    ...     metadata={"task": "rest", "age": 30}
    ... )
    >>> spec = QuerySpec(metadata={"task": "rest", "age": {">=": 40}}, status="all")
    >>> [(each.text, each.matched) for each in relaxed(data.catalog, spec)]
    [('metadata.age>=40', 1)]
    """
    unpaged = {"limit": None, "offset": 0, "after": None, "order_by": "start_time"}
    page = {"limit": spec.limit, "order_by": spec.order_by}
    written = [each for each in chunks(spec.model_copy(update=unpaged).as_magic()) if each != _ALL]
    if spec.status == "ingested":
        written.append("status=ingested")
    found = []
    for place, text in enumerate(written):
        without = _without(written, place, spec.status)
        if matched := count(catalog, without):
            found.append(Relaxed(text, without.model_copy(update=page), matched))
    return sorted(found, key=lambda each: -each.matched)


def _without(written: Sequence[str], place: int, status: str) -> QuerySpec:
    every = status == "all" or written[place].startswith("status=")
    others = [*written[:place], *written[place + 1 :], *([_ALL] if every else [])]
    return QuerySpec.from_magic(" ".join(others))
