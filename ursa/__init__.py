"""Ursa: find, download and ingest multimodal recordings.

Importing this package loads nothing else; each public name loads what it needs on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ursa.data_interface import DataInterface
    from ursa.embeddings import EmbeddingHit, EmbeddingHits
    from ursa.filters import AroundEvent, IntervalSelector, QuerySpec
    from ursa.progress import DownloadProgress, UploadProgress
    from ursa.query import QueryResult, QueryResultList
    from ursa.stream import Batch, Window, WindowStream
    from ursa.transfer.job import DownloadJob, jobs
    from ursa.transfer.verify import VerifyReport, verify

__version__ = "0.1.0"

__all__ = [
    "AroundEvent",
    "Batch",
    "DataInterface",
    "DownloadJob",
    "DownloadProgress",
    "EmbeddingHit",
    "EmbeddingHits",
    "IntervalSelector",
    "QueryResult",
    "QueryResultList",
    "QuerySpec",
    "UploadProgress",
    "VerifyReport",
    "Window",
    "WindowStream",
    "jobs",
    "verify",
]

_HOME = {
    "AroundEvent": "ursa.selection",
    "Batch": "ursa.stream",
    "DataInterface": "ursa.data_interface",
    "DownloadJob": "ursa.transfer.job",
    "DownloadProgress": "ursa.progress",
    "EmbeddingHit": "ursa.embeddings",
    "EmbeddingHits": "ursa.embeddings",
    "IntervalSelector": "ursa.selection",
    "QueryResult": "ursa.query",
    "QueryResultList": "ursa.query",
    "QuerySpec": "ursa.filters",
    "UploadProgress": "ursa.progress",
    "VerifyReport": "ursa.transfer.verify",
    "Window": "ursa.stream",
    "WindowStream": "ursa.stream",
    "jobs": "ursa.transfer.job",
    "verify": "ursa.transfer.verify",
}


if not TYPE_CHECKING:  # a checker should see the names above and no others

    def __getattr__(name: str) -> object:
        if name not in _HOME:
            msg = f"module 'ursa' has no attribute {name!r}"
            raise AttributeError(msg)
        value = getattr(importlib.import_module(_HOME[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
