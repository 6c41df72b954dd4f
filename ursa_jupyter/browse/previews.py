"""Previews of processed data by kind; packages offer theirs by the entry points ``ursa.previews``.

An entry point is named like a modality, such as ``eeg``, or like a kind of preview, such as
``signal``, and loads a `Preview`, which then answers in place of ours; a modality's name counts
more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Protocol, get_args

from ursa.catalog import StorageFormat
from ursa.errors import (
    FileUnreadable,
    IntegrityError,
    InvalidArgument,
    NothingToDownload,
    ObjectNotFound,
    SourceNotAvailable,
)
from ursa.text import shortened
from ursa_jupyter.browse.detail import recording
from ursa_jupyter.browse.messages import choice_of, text_of
from ursa_jupyter.browse.preview_kinds import Kind, kind_of, why_none

if TYPE_CHECKING:
    from collections.abc import Callable

    from ursa import DataInterface, QueryResult
    from ursa.catalog import ModalityRow
    from ursa_jupyter.browse.messages import Message
    from ursa_jupyter.browse.preview_open import Opened, Readers

GROUP = "ursa.previews"
_BROKEN = (FileUnreadable, IntegrityError, ObjectNotFound, NothingToDownload, SourceNotAvailable)
# Kind -> module that answers, and what may be asked of it -> function there.
_ROWS = ("preview_gaze", {"about": "about_rows", "rows": "rows"})
_TRACE = {"about": "about", "window": "window"}
_OWN: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "signal": ("preview_signal", _TRACE),
    "audio": ("preview_audio", {**_TRACE, "clip": "clip", "level": "level"}),
    "video": ("preview_video", {"about": "about", "strip": "strip", "frame": "frame"}),
    "gaze": ("preview_gaze", _TRACE),
    "dense gaze": ("preview_gaze", {"about": "about_dense", "window": "window_dense"}),
    "events": _ROWS,
    "notes": _ROWS,
}


class Preview(Protocol):
    """Answers what the front end asks of one modality, as a message and its buffers.

    It is called on any thread. What it reads of `message` was sent by a browser and is checked by
    nobody else.
    """

    def __call__(
        self, data: DataInterface, result: QueryResult, name: str, message: Mapping[str, Any]
    ) -> tuple[dict[str, Any], list[bytes]]:
        """Return the answer for modality `name` of a recording, and its buffers."""


class Previews(Mapping[str, Preview]):
    """Previews by modality or kind, installed and given ones; each is loaded on first use.

    Parameters
    ----------
    given : mapping of str to Preview, optional
        Counts more than what is installed.

    Examples
    --------
    >>> list(Previews({"eeg": lambda data, result, name, message: ({"channels": []}, [])}))
    ['eeg']
    """

    def __init__(self, given: Mapping[str, Preview] | None = None) -> None:
        self._given = dict(given or {})
        self._installed = {each.name: each for each in entry_points(group=GROUP)}

    def __getitem__(self, modality: str) -> Preview:
        if modality in self._given:
            return self._given[modality]
        if modality not in self._installed:
            known = ", ".join(self) or "none is installed"
            raise InvalidArgument(f"no preview of {shortened(modality, 80)}; there are: {known}")
        found: Preview = self._installed[modality].load()
        return self._given.setdefault(modality, found)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*self._given, *self._installed}))

    def __len__(self) -> int:
        return len({*self._given, *self._installed})

    def __contains__(self, modality: object) -> bool:
        return modality in self._given or modality in self._installed


def preview(
    data: DataInterface, previews: Mapping[str, Preview], readers: Readers, message: Message
) -> tuple[Message, list[bytes]]:
    """Answer ``preview``: what the preview of a recording's modality gives."""
    result = recording(data, message)
    name = text_of(message, "modality")
    if name not in result.modalities:
        there = ", ".join(result.modalities) or "none"
        raise InvalidArgument(f"no modality {shortened(name, 80)} in it; there are: {there}")
    row = result.modalities[name]
    kind = kind_of(row)
    for offered in (row.modality, kind):
        if offered is not None and offered in previews:
            return previews[offered](data, result, name, message)
    if kind is None:
        known = ", ".join(dict.fromkeys((*previews, *get_args(Kind))))
        said = f"no preview of {shortened(name, 80)}: it {why_none(row)}"
        raise InvalidArgument(f"{said}; there are: {known}")
    with _explained(name), readers.using(result, name) as opened:
        return _answer_to(_form(kind, row), message)(opened, message)


def _form(kind: str, row: ModalityRow) -> str:
    """Return which kind of our own answers: samples at times of their own are read as gaze is."""
    if kind == "gaze" and row.format is StorageFormat.ZARR:
        return "dense gaze"
    return "gaze" if kind == "signal" and row.format is StorageFormat.LANCE else kind


def _answer_to(
    kind: str, message: Message
) -> Callable[[Opened, Message], tuple[Message, list[bytes]]]:
    """Return the function that answers what is asked of a kind."""
    module, asked = _OWN[kind]
    name = asked[choice_of(message, "of", tuple(asked), "about")]
    found: Callable[[Opened, Message], tuple[Message, list[bytes]]] = getattr(
        import_module(f"ursa_jupyter.browse.{module}"), name
    )
    return found


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Say what to do where stored data cannot be read."""
    try:
        yield
    except _BROKEN as error:
        advice = "process it again to have it anew; its raw files can be downloaded as they are"
        raise type(error)(f"{name} cannot be shown: {error}; {advice}") from error
