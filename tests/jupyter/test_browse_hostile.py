"""Whatever a message holds, the browser answers it, quickly and shortly, and writes nothing."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.jupyter.browsing import Giver, filled
from ursa import DataInterface
from ursa_jupyter.browse import BrowserSource

LONGEST = 300_000  # characters of an answer


def deep(levels: int, kind: type = list) -> Any:
    value: Any = 0
    for _ in range(levels):
        value = [value] if kind is list else {"a": value}
    return value


HOSTILE: dict[str, Any] = {
    "long text": "x" * 10_000_000,
    "integer": 10**4000,
    "negative": -(10**300),
    "nan": float("nan"),
    "infinite": float("inf"),
    "half a sign": "\ud800",
    "half signs": {"\ud800": ["\udfff"]},
    "nul": "a\x00b",
    "prototype": {"__proto__": {"a": 1}, "constructor": "__class__"},
    "digits": {"=int": "9" * 5000},
    "integer as text": {"=int": "9" * 4000},
    "nested": deep(49),
    # Near the limit, what can just be sent cannot be shown any more.
    "nested lists": deep(sys.getrecursionlimit() - 60),
    "nested objects": deep(sys.getrecursionlimit() - 60, dict),
    "nested a lot": deep(5000),
    "long list": ["x"] * 20_000,
}
FIELDS = (
    *("filter", "order_by", "offset", "limit", "columns", "fields", "field", "prefix", "bins"),
    *("text", "add", "remove", "all", "range", "clear", "hashes", "modalities", "dest", "source"),
    *("layout", "existing", "job", "action", "hash", "event_type", "modality", "what", "of"),
    *("again", "id", "type", "query", "worker_id", "key", "stored"),
)
FILTERS = (
    *("participants", "metadata", "status", "duration", "time_range", "text", "recording_hash"),
    *("modalities", "time_filters", "limit", "nothing"),
)
RIGHT: dict[str, dict[str, Any]] = {
    "hello": {"query": "status=all&recording=abc"},
    "open": {"query": "status=all"},
    "page": {"filter": {}},
    "facets": {"filter": {}, "fields": ["status"]},
    "find": {"filter": {}, "field": "participants"},
    "histogram": {"filter": {}, "field": "duration"},
    "chips": {"filter": {}},
    "parse": {"text": "a", "filter": {}},
    "select": {},
    "selected": {"hashes": []},
    "basket": {"dest": "x", "modalities": None},
    "download": {"dest": "x", "modalities": None},
    "job": {"job": "x", "action": "pause"},
    "jobs": {},
    **{kind: {"hash": "0" * 64} for kind in ("detail", "files", "events", "notes")},
    "preview": {"hash": "0" * 64, "modality": "eeg"},
    "copy": {"what": "python", "of": "query", "filter": {}},
    "view": {"filter": {}},
    "zip": {"modalities": None},
    "file": {"hash": "0" * 64, "modality": "eeg", "worker_id": "", "key": "x"},
    "manifest": {"of": "query", "filter": {}},
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> BrowserSource:
    root = tmp_path_factory.mktemp("hostile")
    data = DataInterface("local", path=root / "site")
    data.enable_writes()
    filled(data, 8)
    return BrowserSource(data, allow_dest=lambda _: root / "nowhere", gives=Giver())


def told(source: BrowserSource, message: dict[str, Any]) -> str:
    """Ask, and return what is said if it is refused."""
    reply, buffers = source.handle(message)
    assert buffers == []
    text = json.dumps(reply, allow_nan=False)
    assert len(text) < LONGEST
    error = reply.get("error")
    said = error["message"] if isinstance(error, dict) else ""
    assert len(said) <= 4000
    return str(said)


@pytest.mark.parametrize("name", HOSTILE)
def test_every_argument_of_every_type_may_be_anything(source: BrowserSource, name: str) -> None:
    files = sorted(Path(str(source.data.path)).parent.rglob("*"))
    for kind, right in RIGHT.items():
        for field in FIELDS:
            message = {"id": "u:1", "type": kind, **right, field: HOSTILE[name]}
            said = told(source, message)
            assert "internal error" not in said, (kind, field)
        source.selection.replace([])
    assert sorted(Path(str(source.data.path)).parent.rglob("*")) == files


@pytest.mark.parametrize("name", HOSTILE)
def test_every_filter_may_be_anything(source: BrowserSource, name: str) -> None:
    for field in FILTERS:
        for value in (HOSTILE[name], {"k": HOSTILE[name]}, [HOSTILE[name]]):
            said = told(source, {"id": 1, "type": "chips", "filter": {field: value}})
            assert "internal error" not in said, field


def test_the_list_of_right_messages_is_whole(source: BrowserSource) -> None:
    assert all(f" {kind}" in told(source, {"type": "sing"}) for kind in RIGHT)
    assert set(source._answers) <= set(RIGHT)
    for kind, right in RIGHT.items():
        if kind not in ("select", "download", "job", "preview", "zip", "file"):
            assert told(source, {"id": 1, "type": kind, **right}) == "", kind
