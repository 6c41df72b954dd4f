"""Histograms for the range brushes of start and length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ursa.errors import InvalidArgument
from ursa_jupyter.browse.messages import text_of

if TYPE_CHECKING:
    from ursa import DataInterface
    from ursa_jupyter.browse.messages import Message


def histogram(data: DataInterface, message: Message) -> Message:
    """Answer ``histogram``: how many recordings that match lie in each bin of a field."""
    raise InvalidArgument(f"no histogram of {text_of(message, 'field')} yet")
