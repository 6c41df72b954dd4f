"""Previews of data by modality; packages offer theirs by the entry-point group ``ursa.previews``.

An entry point is named like its modality and loads a `Preview`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Protocol

from ursa.errors import InvalidArgument
from ursa.text import shortened
from ursa_jupyter.browse.detail import recording
from ursa_jupyter.browse.messages import text_of

if TYPE_CHECKING:
    from ursa import DataInterface, QueryResult
    from ursa_jupyter.browse.messages import Message

GROUP = "ursa.previews"


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
    """Previews by modality, those installed and those given; each is loaded on first use.

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
    data: DataInterface, previews: Mapping[str, Preview], message: Message
) -> tuple[Message, list[bytes]]:
    """Answer ``preview``: what the preview of a recording's modality gives."""
    result = recording(data, message)
    name = text_of(message, "modality")
    if name not in result.modalities:
        there = ", ".join(result.modalities) or "none"
        raise InvalidArgument(f"no modality {shortened(name, 80)} in it; there are: {there}")
    return previews[result.modalities[name].modality](data, result, name, message)
