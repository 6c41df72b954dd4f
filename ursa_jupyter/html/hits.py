"""The embeddings nearest to a vector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ursa.text import counted
from ursa_jupyter.html import parts
from ursa_jupyter.html.markup import Html, tag, text
from ursa_jupyter.html.style import view

if TYPE_CHECKING:
    from ursa import EmbeddingHit, EmbeddingHits

ROWS = 10
_COLUMNS = {"distance": "n", "embedding": "", "modality": "", "window": "n", "recording": "l"}


def hits_html(hits: EmbeddingHits) -> str:
    """Return hits as HTML, the nearest ten first.

    Parameters
    ----------
    hits : EmbeddingHits

    Examples
    --------
    >>> import tempfile
    >>> from ursa import DataInterface
    >>> data = DataInterface("local", path=tempfile.mkdtemp())
    >>> data.enable_writes()
    >>> "<strong>0 embeddings</strong>" in hits_html(data.search_embeddings([1.0, 2.0]))
    True
    """
    how = "every vector compared" if hits.exact else "chosen by the index"
    model = f"model {hits.model}" if hits.model is not None else ""
    head = parts.header(counted(len(hits), "embedding"), hits.metric, how, model)
    if not len(hits):
        return view(head)
    more = len(hits) - ROWS
    rest = [parts.paragraph(f"… {parts.grouped(more)} more")] if more > 0 else []
    table = parts.table("Nearest first", _COLUMNS, [_cells(hit) for hit in hits.hits[:ROWS]])
    return view(head, table, *rest, parts.steps("_[0].recording", "_.to_arrow()"))


def _cells(hit: EmbeddingHit) -> list[Html]:
    source, window, found = hit.embedding.source, hit.window, hit.recording
    span = f"{window.start_seconds:g} to {window.end_seconds:g} s" if window else "all"
    people = parts.names_text(found.participant_ids) if found else "not registered"
    code = tag("code", source.recording_hash[:12], title=source.recording_hash)
    return [
        text(f"{hit.distance:.4g}"),
        text(hit.embedding.embedding_id, parts.NAME),
        text("_".join(filter(None, [source.modality, source.worker_id])) or "-", parts.NAME),
        text(span),
        Html(f"{code} {text(people)}"),
    ]
