"""The catalog changes under people's hands."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import lancedb
import pytest

from tests.app.hosting import hosting
from tests.browser.lab_site import many
from ursa_jupyter.app.hub import Hub
from ursa_jupyter.app.visits import Visit
from ursa_jupyter.browse import BrowserSource

if TYPE_CHECKING:
    from pathlib import Path

ADA = "guest-ada"


def asked(source: BrowserSource, kind: str, **given: Any) -> dict[str, Any]:
    reply = source.handle({"id": 1, "type": kind, **given})[0]
    assert reply.get("error") is None, reply
    return reply


def compacted(place: Path) -> None:
    """Rewrite a catalog, and delete what it was before, in another process."""
    for command in (["optimize"], ["cleanup", "--older-than", "0s"]):
        line = [sys.executable, "-m", "ursa", "catalog", *command, "--site", str(place)]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_a_zip_outlives_the_catalog_that_it_was_planned_with(tmp_path: Path) -> None:
    place = tmp_path / "site"
    hub = Hub(many(place, 12))
    with hosting(hub) as host:
        source = BrowserSource(hub.data, gives=Visit(hub, hub.visitor(ADA), guest=True))
        asked(source, "select", all={})
        link = asked(source, "zip")
        compacted(place)
        whole = host.ask(link["url"], who=ADA)
        with zipfile.ZipFile(io.BytesIO(whole.body)) as opened:
            assert opened.testzip() is None
        assert asked(source, "page", filter={})["matched"] == 12
        assert asked(source, "zip")["bytes"] == link["bytes"]


@pytest.mark.parametrize("kind", ["zip", "basket"])
def test_who_selected_what_was_deleted_hears_how_to_go_on(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "site"
    hub = Hub(many(place, 3))
    source = BrowserSource(hub.data, gives=Visit(hub, hub.visitor(ADA), guest=True))
    first = asked(source, "page", filter={})["rows"][0]["hash"]
    asked(source, "select", all={})
    before = asked(source, kind)
    (catalog,) = {path.parent for path in place.rglob("recordings.lance")}
    lancedb.connect(catalog).open_table("recordings").delete(f"recording_hash = '{first}'")
    assert asked(source, "page", filter={})["matched"] == 2
    error = source.handle({"id": 1, "type": kind})[0]["error"]
    assert "clear the selection and select again" in error["message"]
    asked(source, "select", clear=True)
    asked(source, "select", all={})
    assert asked(source, kind)["files"] < before["files"]
