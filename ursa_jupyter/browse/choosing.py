"""What a ``select`` message asks for: single recordings, a range of rows, or all that match."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ursa.errors import InvalidArgument
from ursa.query import hashes
from ursa_jupyter.browse.messages import number_of, object_of, text_of, texts_of
from ursa_jupyter.browse.selection import SELECTED_MAX, refuse_too_many
from ursa_jupyter.browse.wire import spec_of

if TYPE_CHECKING:
    from ursa import DataInterface, QuerySpec
    from ursa_jupyter.browse.messages import Message
    from ursa_jupyter.browse.selection import Selection

    Changed = tuple[list[str], list[str]]

_NAMED_MAX = 500  # more changes than these are not named in a push


def chosen(data: DataInterface, selection: Selection, message: Message) -> Changed | None:
    """Change the selection, and return what was added and removed; None where that is much."""
    if message.get("clear"):
        return _named(selection.change(remove=selection.hashes))
    if "all" in message:
        return _named(selection.change(add=_all(data, spec_of(message["all"]))))
    if "range" in message:
        return _named(selection.change(add=_range(data, object_of(message, "range"))))
    add, remove = (
        texts_of(message, name, SELECTED_MAX) if name in message else []
        for name in ("add", "remove")
    )
    if not (add or remove or message.keys() & {"add", "remove"}):
        raise InvalidArgument("nothing to select; send add, remove, all, range or clear")
    return _named(selection.change(add, remove))


def _named(changed: Changed) -> Changed | None:
    return changed if sum(map(len, changed)) <= _NAMED_MAX else None


def _all(data: DataInterface, spec: QuerySpec) -> list[str]:
    refuse_too_many(data.count(spec))
    return hashes(data.catalog, spec)


def _range(data: DataInterface, given: Message) -> list[str]:
    """Return the hashes of a range of rows, both ends included, whichever comes first."""
    ends = [number_of(given, name, 0, 2**53) for name in ("first", "last")]
    first, last = sorted(ends)
    refuse_too_many(last - first + 1)
    order = text_of(given, "order_by", "start_time")
    spec = spec_of(given.get("filter", {}), order_by=order, offset=first, limit=last - first + 1)
    return hashes(data.catalog, spec)
