"""A query or a selection as a file that ``ursa download --from`` reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from ursa.errors import InvalidArgument
from ursa.selection_file import selection_text
from ursa.transfer.plan import Layout, Source
from ursa_jupyter.browse.copies import opening
from ursa_jupyter.browse.messages import choice_of, text_of, texts_of
from ursa_jupyter.browse.selection import by_hash
from ursa_jupyter.browse.wire import spec_of

if TYPE_CHECKING:
    from ursa import DataInterface, QuerySpec
    from ursa_jupyter.browse.messages import Message
    from ursa_jupyter.browse.selection import Selection

NAME = "ursa-selection.json"
_NAMES_MAX = 1_000


def manifest(
    data: DataInterface, selection: Selection, message: Message, *, is_page: bool
) -> Message:
    """Answer ``manifest``: the file's name and text, and the command that reads it."""
    if choice_of(message, "of", ("query", "selection"), "selection") == "query":
        order = text_of(message, "order_by", "start_time")
        spec = spec_of(message.get("filter", {}), order_by=order)
    else:
        spec = _selected(selection)
    if message.get("modalities") is not None:
        names = texts_of(message, "modalities", _NAMES_MAX)
        spec = spec.model_copy(update={"modalities": tuple(names)})
    layout = choice_of(message, "layout", get_args(Layout), "by_recording")
    source = choice_of(message, "source", get_args(Source), "auto")
    place = opening(data, is_page=is_page)
    said = "" if layout == "by_recording" else f" --layout {layout}"
    said += "" if source == "auto" else f" --source {source}"
    command = f"ursa download ursa-downloads --from {NAME}{said}{place.options}"
    return {"name": NAME, "text": selection_text(spec), "command": command}


def _selected(selection: Selection) -> QuerySpec:
    hashes = selection.hashes
    if not hashes:
        raise InvalidArgument("nothing is selected; tick the recordings to take home")
    return by_hash(hashes)
