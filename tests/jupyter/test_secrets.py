"""Notebooks show no secret of the buckets that they read, whatever fails."""

from __future__ import annotations

import json
import logging
import math
import secrets
from typing import TYPE_CHECKING, Any

import pytest

from tests.faultproxy import Rule, faults
from tests.jupyter.shells import new_shell
from tests.s3 import Key
from tests.test_hidden import Hunt
from ursa_jupyter.browser import Browser

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import MakeSession
    from tests.profiles import Lab
    from ursa import DataInterface

ASKED = (
    *("hello", "page", "facets", "histogram", "chips", "basket", "download", "detail", "files"),
    *("events", "notes", "copy", "jobs"),
)


@pytest.fixture
def hunt(lab: Lab) -> Hunt:
    return Hunt({key.secret_access_key for key in lab.server.keys.values()})


@pytest.fixture
def key(lab: Lab, make_session: MakeSession) -> str:
    """The hash of a recording in the buckets."""
    data, session = lab.data(), make_session()
    data.enable_writes(("assets_rw", "raw_rw"))
    data.ingest(session / "manifest.json", source_dir=session)
    return data.query(status="raw").recording_hashes[0]


@pytest.fixture(params=["nothing", "wrong secret", "refused", "stopped"])
def broken(
    request: pytest.FixtureRequest,
    lab: Lab,
    hunt: Hunt,
    key: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Lab]:
    """The same place, of which something does not work any more."""
    assert key
    monkeypatch.setattr("ursa.buckets.Bucket._retries", 0)
    wrong = Key(lab.server.keys["raw_ro"].access_key_id, secrets.token_hex(16))
    hunt.planted.add(wrong.secret_access_key)
    with faults(lab.server.endpoint) as proxy:
        if request.param == "wrong secret":
            yield lab.through(proxy.endpoint, raw_ro=wrong)
            return
        if request.param == "refused":
            proxy.add(Rule("status", path="recordings/", status=403, times=math.inf))
        if request.param == "stopped":
            proxy.add(Rule("reset", path="recordings/", times=math.inf))
        yield lab.through(proxy.endpoint)


def answers(data: DataInterface, key: str, dest: Path) -> Iterator[Any]:
    """Everything that a browser answers, pushes, saves and shows."""
    browser, pushed = Browser(data), list[Any]()
    source = browser._source
    source._push = source._delivery.downloads._push = pushed.append
    browser.selected = [key]
    arguments: dict[str, Any] = {
        "hash": key,
        "filter": {},
        "fields": ["status"],
        "field": "duration",
        "dest": str(dest),
        "modalities": None,
        "what": "python",
        "of": "query",
    }
    for kind in ASKED:
        yield source.handle({"id": kind, "type": kind, **arguments})[0]
    yield [job for job in source._delivery.downloads._list.values() if job["dest"] == str(dest)]
    yield from (browser._repr_mimebundle_(), browser.get_state(), repr(browser), pushed)
    browser.close()


def test_no_browser_shows_a_secret(
    broken: Lab,
    hunt: Hunt,
    key: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    request: pytest.FixtureRequest,
) -> None:
    caplog.set_level(logging.DEBUG)
    found = list(answers(broken.data(), key, tmp_path / "mine"))
    assert found[0]["total"] == 1
    fault = request.node.callspec.params["broken"]
    files, basket = found[ASKED.index("files")], found[ASKED.index("basket")]
    assert bool(files["missing"]) == bool(basket["error"]) == (fault != "nothing")
    for each in found:
        hunt.in_text(json.dumps(each, default=repr), "what a browser says")
    for record in caplog.records:
        hunt.in_text(f"{record.getMessage()} {vars(record)}", "a log")


def test_no_magic_shows_a_secret(
    broken: Lab,
    hunt: Hunt,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    shell = new_shell()
    shell.extension_manager.load_extension("ursa_jupyter")
    lines = (
        f"%ursa_profile r2 --config {broken.config}",
        "found = %ursa_query status=raw\nfound",
        "%ursa_query status=raw metadata.task=nothing",
        "%ursa_plan mine",
        "%ursa_download mine --wait --progress none",
        "%ursa_jobs",
        "%config UrsaMagics",
        "%ursa_profile",
    )
    results = [shell.run_cell(line) for line in lines]
    assert results[0].success
    assert results[1].result.matched == 1
    formatted = [shell.display_formatter.format(each.result) for each in results]
    errors = [repr(each.error_in_exec) for each in results]
    said = capsys.readouterr()
    hunt.in_text(f"{said.out} {said.err} {formatted} {errors} {shell.user_ns}", "a notebook")
    hunt.in_object([each.result for each in results])


def test_the_hunt_would_find_one(lab: Lab, hunt: Hunt) -> None:
    secret = lab.server.keys["raw_ro"].secret_access_key
    with pytest.raises(pytest.fail.Exception):
        hunt.in_text(json.dumps({"error": f"denied to {secret}"}), "what a browser says")
