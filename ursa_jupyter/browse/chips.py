"""The active filters as chips that can be taken away, and the search box that adds some."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ursa.errors import InvalidArgument
from ursa.filters import PAGE_FIELDS, QuerySpec, make_spec
from ursa.operands import keywords, terms
from ursa.relaxed import relaxed
from ursa.terms import chunks, plain, term_of
from ursa_jupyter.browse.messages import text_of
from ursa_jupyter.browse.wire import filter_of, spec_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ursa import DataInterface
    from ursa_jupyter.browse.messages import Message

_BASE = QuerySpec(status="all")
_OPERATOR = re.compile(r"[=<>~]")
_CONDITIONS = ("metadata", "modality_metadata", "channel_spec")


def chips(data: DataInterface, message: Message) -> Message:
    """Answer ``chips``: each filter as text, with what is left without it."""
    spec = spec_of(message.get("filter", {}))
    parts = [{"text": text, "without": filter_of(rest)} for text, rest in single_filters(spec)]
    return {"chips": parts, "zero": None if data.count(spec) else _zero(data, spec)}


def single_filters(spec: QuerySpec) -> Iterator[tuple[str, QuerySpec]]:
    """Yield each single filter of a spec as text, with the spec without it."""
    for name, value in dict(spec).items():
        if name in PAGE_FIELDS or value == getattr(_BASE, name):
            continue
        if name in _CONDITIONS:
            for key in value:
                others = {other: each for other, each in value.items() if other != key}
                yield _text(name, {key: value[key]}), spec.model_copy(update={name: others})
        else:
            yield _text(name, value), spec.model_copy(update={name: getattr(_BASE, name)})


def _text(name: str, value: Any) -> str:
    return " ".join(map(str, terms({name: value})))


def _zero(data: DataInterface, spec: QuerySpec) -> list[dict[str, Any]]:
    return [
        {"text": each.text, "without": filter_of(each.spec), "matched": each.matched}
        for each in relaxed(data.catalog, spec)
    ]


def parse(message: Message) -> Message:
    """Answer ``parse``: the filter with what the search box says.

    Its words become the text that is searched for; terms replace those of the same name.
    """
    spec = spec_of(message.get("filter", {}))
    return {"filter": filter_of(searched(spec, text_of(message, "text")))}


def searched(spec: QuerySpec, box: str) -> QuerySpec:
    """Return a filter with the words and terms of a search box.

    Examples
    --------
    >>> searched(QuerySpec(status="all"), "calm metadata.task=rest").as_magic()
    'metadata.task=rest status=all text=calm'
    """
    parts = list(chunks(box))
    said = keywords(term_of(part) for part in parts if _is_term(part))
    of_page = sorted(PAGE_FIELDS & said.keys())
    if of_page:
        raise InvalidArgument(f"{of_page[0]} is no filter: sort by a column's heading, and scroll")
    words = [plain(part) for part in parts if not _is_term(part)]
    text = " ".join([*words, *([said.pop("text")] if "text" in said else [])])
    for name in (*_CONDITIONS, "duration"):
        if name in said:
            said[name] = {**getattr(spec, name), **said[name]}
    return make_spec(None, {**dict(spec), **said, "text": text or None})


def _is_term(part: str) -> bool:
    return not part.startswith(('"', "'")) and bool(_OPERATOR.search(part))
