"""``--from``: what was selected on a page, on the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from ursa.cli import app, main
from ursa.filters import QuerySpec
from ursa.selection_file import selection_text

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import MakeSession
    from ursa import DataInterface


@pytest.fixture
def file(site: DataInterface, make_session: MakeSession, tmp_path: Path) -> Path:
    """A selection of one recording, of which a modality failed."""
    session = make_session()
    site.ingest(session / "manifest.json", source_dir=session)
    (key,) = site.query(status="raw").recording_hashes
    site.register_modality(
        recording_hash=key,
        modality="camera",
        raw_storage_uri="r2://constellation-data/recordings/x/camera/",
        ingestion_status="failed",
    )
    path = tmp_path / "ursa-selection.json"
    path.write_text(selection_text(QuerySpec(recording_hash=key, status="all")), encoding="utf-8")
    return path


def run(*words: str | Path) -> tuple[str, str]:
    result = CliRunner().invoke(app, list(map(str, words)))
    assert result.exit_code == 0, result.output
    return result.stdout, result.stderr


def test_a_selection_is_found_planned_and_downloaded(tmp_path: Path, file: Path) -> None:
    of = ("--from", file, "--site", tmp_path / "site")
    found, _ = run("query", *of, "--format", "json")
    assert len(found.splitlines()) == 1
    planned, told = run("plan", *of, "--format", "json")
    assert told == "left out: 1 recording: camera failed to be ingested\n"
    files = [json.loads(line)["rel_path"] for line in planned.splitlines()]
    assert len(files) == 3
    _, told = run("download", tmp_path / "out", *of, "--progress", "none")
    assert told == "left out: 1 recording: camera failed to be ingested\n"
    assert all((tmp_path / "out" / name).is_file() for name in files)
    again, _ = run("download", tmp_path / "new", *of, "--dry-run", "--format", "json")
    assert again == planned


def test_a_whole_selection_leaves_its_query_in_the_receipt(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = QuerySpec(status="raw")
    file.write_text(selection_text(spec), encoding="utf-8")
    of = ("--from", file, "--site", tmp_path / "site", "--progress", "none")
    run("download", tmp_path / "a", *of)
    said = (tmp_path / "a" / "ursa-manifest.json").read_text(encoding="utf-8")
    assert json.loads(said)["downloads"][0]["query"] is not None
    hashes = json.loads(said)["files"]
    monkeypatch.setattr("ursa.cli.showing._NAMED_MAX", 0)
    (key,) = {name.split("/")[0] for name in hashes}
    file.write_text(selection_text(QuerySpec(recording_hash=key, status="raw")), encoding="utf-8")
    run("download", tmp_path / "b", *of)
    said = (tmp_path / "b" / "ursa-manifest.json").read_text(encoding="utf-8")
    assert json.loads(said)["downloads"][0]["query"] is None


def test_a_page_may_be_asked_of_a_selection_and_no_other_filter(tmp_path: Path, file: Path) -> None:
    of = ("--from", file, "--site", tmp_path / "site")
    assert run("query", *of, "--limit", "0", "--format", "json")[0] == ""
    result = CliRunner().invoke(app, list(map(str, ["query", *of, "--participants", "P1"])))
    assert "was given beside --participants" in str(result.exception)


def test_a_mistake_is_one_line(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("{}", encoding="utf-8")
    words = ["ursa", "query", "--from", str(file), "--site", str(tmp_path / "site")]
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit, match="2"):
        main()
    (line,) = capsys.readouterr().err.splitlines()
    assert "its format is None" in line
