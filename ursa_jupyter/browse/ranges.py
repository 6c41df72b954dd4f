"""Histograms for the range brushes of start and length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ursa.histograms import BINS_MAX
from ursa_jupyter.browse.messages import number_of, text_of
from ursa_jupyter.browse.wire import iso_exact, spec_of

if TYPE_CHECKING:
    from ursa import DataInterface
    from ursa_jupyter.browse.messages import Message

_NS = 10**9


def histogram(data: DataInterface, message: Message) -> Message:
    """Answer ``histogram``: how many recordings that match lie in each bin of a field."""
    field = text_of(message, "field")
    bins = number_of(message, "bins", 1, BINS_MAX, 40)
    found = data.histogram(field, bins, spec=spec_of(message.get("filter", {})))
    times = field == "start_time"
    edges = [iso_exact(edge) if times else edge / _NS for edge in found.edges]
    ends = {"low": edges[0], "high": edges[-1]} if edges else {"low": None, "high": None}
    return {"edges": edges, "counts": list(found.counts), **ends}
