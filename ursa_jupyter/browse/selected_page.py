"""A page of the selected recordings alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ursa.errors import InvalidArgument
from ursa.query import hashes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ursa import DataInterface, QueryResult, QuerySpec
    from ursa_jupyter.browse.selection import Selection

ONLY_MAX = 2_000
_BEGINNING = re.compile(r"[0-9a-f]{8,63}")


def selected_page(
    data: DataInterface, selection: Selection, spec: QuerySpec
) -> tuple[list[QueryResult], int, int]:
    """Return the page of a filter among the selected, how many match, and the catalog's version.

    Raises
    ------
    InvalidArgument
        Too many are selected.
    """
    chosen: Sequence[str] = selection.hashes
    if len(chosen) > ONLY_MAX:
        told = f"{len(chosen)} recordings are selected, but at most {ONLY_MAX} are shown alone"
        raise InvalidArgument(f"{told}; show all again, and narrow the filter")
    if spec.recording_hash is not None:
        chosen = _named(chosen, spec.recording_hash)
    whole = {"limit": None, "offset": 0}
    # A short hash also finds those that it begins, so what is found is looked up by its own.
    narrowed = spec.model_copy(update={**whole, "recording_hash": tuple(chosen)})
    kept = frozenset(chosen)
    matched = [key for key in hashes(data.catalog, narrowed) if key in kept]
    page = matched[spec.offset : spec.offset + (spec.limit or 0)]
    asked = data.query(spec.model_copy(update={**whole, "recording_hash": tuple(page)}))
    found = {each.recording_hash: each for each in asked}
    return [found[key] for key in page if key in found], len(matched), asked.catalog_version


def _named(keys: Iterable[str], names: Iterable[str]) -> list[str]:
    """Return the hashes that a filter names, whole or by how they begin."""
    whole = frozenset(names)
    lengths = {len(name) for name in whole if _BEGINNING.fullmatch(name)}
    return [key for key in keys if key in whole or any(key[:n] in whole for n in lengths)]
