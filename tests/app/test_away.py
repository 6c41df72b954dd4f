"""Directories of the server go away, and come back."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.app.hosting import hosting, stocked
from ursa.errors import InvalidArgument
from ursa_jupyter.app.hub import Hub
from ursa_jupyter.app.roots import Root
from ursa_jupyter.app.visits import Visit
from ursa_jupyter.browse import BrowserSource
from ursa_jupyter.browse.veil import Veil

if TYPE_CHECKING:
    from collections.abc import Iterator

ADA = "guest-ada"


@contextmanager
def away(place: Path, *, stays: bool = False) -> Iterator[None]:
    """Take a directory away for a while; as a share, where its mount point `stays`."""
    aside = place.with_name("aside")
    place.rename(aside)
    if stays:
        place.mkdir()
    try:
        yield
    finally:
        if stays:
            place.rmdir()
        aside.rename(place)


def asked(source: BrowserSource, kind: str, **given: Any) -> dict[str, Any]:
    return source.handle({"id": 1, "type": kind, **given})[0]


@pytest.mark.parametrize("stays", [False, True])
def test_every_message_says_that_the_site_is_away(tmp_path: Path, *, stays: bool) -> None:
    data, _ = stocked(tmp_path)
    hub = Hub(data)
    source = BrowserSource(data, gives=Visit(hub, hub.visitor(ADA), guest=True))
    (row,) = asked(source, "page", filter={})["rows"]
    asked(source, "select", add=[row["hash"]])
    messages: dict[str, dict[str, Any]] = {
        "hello": {},
        "page": {"filter": {}},
        "facets": {"filter": {}, "fields": ["status"]},
        "detail": {"hash": row["hash"]},
        "files": {"hash": row["hash"]},
        "zip": {},
    }
    with away(tmp_path / "site", stays=stays):
        for kind, given in messages.items():
            error = asked(source, kind, **given)["error"]
            assert error["kind"] == "SiteNotFound", kind
            assert "the data are not there at the moment" in error["message"]
            assert str(tmp_path) not in str(error)
    for kind, given in messages.items():
        assert asked(source, kind, **given).get("error") is None, kind


def test_a_link_works_again_when_the_site_is_back(tmp_path: Path) -> None:
    data, plan = stocked(tmp_path)
    heard: list[dict[str, Any]] = []
    with hosting(Hub(data)) as host:
        visitor = host.hub.visitor(ADA)
        visitor.attach(heard.append)
        url = visitor.zip(plan)["url"]
        with away(tmp_path / "site"):
            reply = host.ask(url, who=ADA)
            assert not reply.is_whole or reply.status == 503
        assert "the data are not there at the moment" in heard[0]["text"]
        assert str(tmp_path) not in str((heard, reply))
        assert host.ask(url, who=ADA).is_whole


def test_what_is_told_of_a_lost_file_names_no_directory(tmp_path: Path) -> None:
    data, plan = stocked(tmp_path)
    heard: list[dict[str, Any]] = []
    (lost,) = (tmp_path / "site").rglob("notes.jsonl")
    lost.unlink()
    copy = next(copy for copy in plan.copies if copy.rel_path.endswith("notes.jsonl"))
    with hosting(Hub(data)) as host:
        visitor = host.hub.visitor(ADA)
        visitor.attach(heard.append)
        reply = host.ask(visitor.file(copy)["url"], who=ADA)
    assert reply.status == 410
    assert b"SITE/raw" in reply.body
    assert "SITE/raw" in heard[0]["text"]
    assert str(tmp_path) not in str((heard, reply))


def test_a_root_that_is_away_is_not_made_anew(tmp_path: Path) -> None:
    data, _ = stocked(tmp_path)
    share = tmp_path / "share"
    share.mkdir()
    visitor = Hub(data, roots=[Root("share", share)]).visitor(ADA)
    with away(share):
        assert visitor.roots == []
        with pytest.raises(InvalidArgument, match="share is not there at the moment"):
            visitor.folder(Path("share/mine"))
    assert visitor.folder(Path("share/mine")) == share / "mine"


def test_a_directory_that_may_be_named_is_named_at_the_end_of_a_clause() -> None:
    veil = Veil(Path("/srv/site"), ["/srv/out"])
    said = "may not write to /srv/out; nor to /srv/other/x, which is away"
    assert veil(said, told=True) == "may not write to /srv/out; nor to …/x, which is away"
