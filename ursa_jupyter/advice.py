"""What to say where nothing matches."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from ursa.render.text import printable
from ursa.terms import Term, chunks
from ursa.text import counted, cut
from ursa_jupyter.cursor import items_of, written

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ursa import QuerySpec
    from ursa.catalog import Catalog
    from ursa.relaxed import Relaxed
    from ursa_jupyter.vocabulary import Vocabulary

_SHOWN, _WIDTH = 4, 60


def nothing_matches(catalog: Catalog, spec: QuerySpec, vocabulary: Vocabulary) -> str:
    """Return in a line or a few which single filter to leave out, and which name is mistaken.

    Examples
    --------
    >>> import tempfile
    >>> from ursa import DataInterface, QuerySpec
    >>> from ursa_jupyter.vocabulary import Vocabulary
    >>> data = DataInterface("local", path=tempfile.mkdtemp())
    >>> data.enable_writes()
    >>> row = data.register_recording(
    ...     recording_hash="r1", participant_ids=[], start_time=0, duration=60,
    ...     metadata={"task": "rest"}
    ... )
    >>> spec = QuerySpec(metadata={"task": "nback"}, status="all")
    >>> print(nothing_matches(data.catalog, spec, Vocabulary()))
    Nothing matches. Without metadata.task=nback: 1 recording
    """
    from ursa.relaxed import relaxed

    found, begin = relaxed(catalog, spec), "without"
    if not found and spec.status != "all":
        found, begin = (
            relaxed(catalog, spec.model_copy(update={"status": "all"})),
            "with status=all and without",
        )
    if not found and not spec.as_magic():
        return ""
    said = (
        _said(found, begin) if found else ["Nothing matches, whichever single filter is left out."]
    )
    return "\n  ".join([*said, *_meant(spec, vocabulary)])


def _said(found: Sequence[Relaxed], begin: str) -> list[str]:
    lines = [
        f"{cut(printable(each.text), _WIDTH)}: {counted(each.matched, 'recording')}"
        for each in found[:_SHOWN]
    ]
    first = f"Nothing matches. {begin[0].upper()}{begin[1:]}"
    return [f"{first} {lines[0]}"] if len(lines) == 1 else [first, *lines]


def _meant(spec: QuerySpec, vocabulary: Vocabulary) -> Iterator[str]:
    """Yield for each key or value that is not known the nearest one that is."""
    for term in filter(None, map(written, chunks(spec.as_magic()))):
        field, dot, key = term.name.partition(".")
        keys = [Term(field, each, "", "").label for each in vocabulary[field]] if dot else []
        if near := _nearest(key, keys):
            yield printable(f"Did you mean {field}.{near}?")
        known = vocabulary[term.name] if term.operator == "=" else ()
        for value in items_of(term):
            if near := _nearest(value, known):
                yield printable(f"Did you mean {term.name}={near}?")


def _nearest(text: str, known: Sequence[str]) -> str | None:
    """Return what is most alike if the text itself is not known; case does not count."""
    folded = {each.casefold(): each for each in known}
    near = difflib.get_close_matches(text.casefold(), folded, n=1, cutoff=0.5)
    return folded[near[0]] if near and text not in known else None
