"""``ursa download`` and ``ursa ingest``: how they are shown, and how they end."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tests.tools import digests, flip, on_terminal
from ursa import DataInterface
from ursa.cli import main
from ursa.errors import (
    DownloadFailures,
    FileFailure,
    IntegrityError,
    ObjectAccessDenied,
    ObjectNotFound,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import MakeSession

Said = tuple[int, str, str]


class Ursa(Protocol):
    def __call__(self, *arguments: str | Path) -> Said: ...


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ursa:
    """The command line in this process: exit code, standard output, standard error."""
    monkeypatch.delenv("URSA_SITE", raising=False)

    def run(*arguments: str | Path) -> Said:
        monkeypatch.setattr(sys, "argv", ["ursa", *map(str, arguments)])
        capsys.readouterr()
        code: Any = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code
        return (code, *capsys.readouterr())

    return run


@pytest.fixture
def session(make_session: MakeSession) -> Path:
    return make_session()


@pytest.fixture
def download(site: DataInterface, session: Path, tmp_path: Path) -> list[str | Path]:
    """The command line of a download of three files into ``tmp_path / "out"``."""
    site.ingest(session / "manifest.json", source_dir=session)
    return ["download", tmp_path / "out", "--site", tmp_path / "site", "--status", "raw"]


def raises(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(DataInterface, "download", fail)


# -- progress ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["auto", "bar", "log"])
def test_progress_without_a_terminal_is_lines_of_text(
    name: str, cli: Ursa, download: list[str | Path]
) -> None:
    code, out, error = cli(*download, "--progress", name)
    assert (code, out.splitlines()) == (0, [f"3 files of 1 recording in {download[1]}"])
    assert error.splitlines()[-1].startswith("download: done, 100%, 1.7 kB/1.7 kB, 3")
    assert all(line.isprintable() for line in error.splitlines())


def test_progress_as_json_is_an_object_a_line(cli: Ursa, download: list[str | Path]) -> None:
    code, out, error = cli(*download, "--progress", "json", "--format", "json")
    states = [json.loads(line) for line in error.splitlines()]
    assert code == 0
    assert len(out.splitlines()) == 3
    assert states[-1]["state"] == "done"
    assert (states[-1]["files_done"], states[-1]["bytes_valid"]) == (3, 1656)


def test_no_progress_is_no_output(cli: Ursa, download: list[str | Path]) -> None:
    code, _, error = cli(*download, "--progress", "none")
    assert (code, error) == (0, "")


def test_an_ingest_is_shown_in_the_same_ways(cli: Ursa, tmp_path: Path, session: Path) -> None:
    ingest = ("ingest", session, "--site", tmp_path / "site", "--format", "json", "--progress")
    _, _, error = cli(*ingest, "log")
    assert error.splitlines()[-1].startswith(f"{session.name}: done, 100%, 1.7 kB/1.7 kB, 3/3")
    assert json.loads(cli(*ingest, "json")[2].splitlines()[-1])["job_id"] == session.name
    assert cli(*ingest, "none")[2] == ""


@pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals of POSIX")
def test_progress_on_a_terminal_is_a_bar(download: list[str | Path]) -> None:
    text = on_terminal([sys.executable, "-m", "ursa", *download], columns=40)
    *_, last = text.rstrip().split("\r")
    assert last.startswith("download: 100%|")
    assert text.count("\n") == 1
    assert max(len(frame.strip()) for frame in text.split("\r")) < 40


# -- ends ----------------------------------------------------------------------------------------


def test_failed_files_are_a_line_each_and_3(
    cli: Ursa, download: list[str | Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = [IntegrityError("a is damaged:\nall of it"), ObjectNotFound("b\x1b[2J is gone")]
    files = [FileFailure(f"raw/{name}", f"h/{name}", errors[at]) for at, name in enumerate("ab")]
    raises(DownloadFailures(files, 5), monkeypatch)
    code, out, error = cli(*download)
    assert (code, out) == (3, "")
    assert error.splitlines() == [
        "h/a: a is damaged: all of it",
        "h/b: b?[2J is gone",
        "ursa: 2 of 5 files failed; the others were delivered",
    ]


def test_one_error_has_its_own_exit_code(
    cli: Ursa, download: list[str | Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    raises(ObjectAccessDenied("no key for raw"), monkeypatch)
    assert cli(*download) == (4, "", "ursa: no key for raw\n")


@pytest.mark.parametrize(
    ("options", "way"),
    [
        ([], "with --existing overwrite "),
        (["--existing", "error"], "with --existing overwrite "),
        (["--overwrite"], ""),
        (["--existing", "overwrite"], ""),
        (["--existing", "verify"], ""),
    ],
)
def test_ctrl_c_is_130_and_says_how_to_go_on(
    options: list[str],
    way: str,
    cli: Ursa,
    download: list[str | Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raises(KeyboardInterrupt(), monkeypatch)
    said = cli(*download, *options)
    assert said == (130, "", f"interrupted: run the same command {way}to go on\n")


def test_the_files_that_can_be_had_are_delivered_though_one_failed(
    cli: Ursa, download: list[str | Path], tmp_path: Path
) -> None:
    flip(next((tmp_path / "site" / "raw").rglob("notes.jsonl")))
    code, out, error = cli(*download, "--on-error", "collect", "--progress", "none")
    assert (code, out) == (3, "")
    damaged, count = error.splitlines()
    assert "notes/notes.jsonl is damaged" in damaged
    assert count == "ursa: 1 of 3 files failed; the others were delivered"
    assert len(list((tmp_path / "out").rglob("*.bin"))) == 2


# -- options -------------------------------------------------------------------------------------


def test_a_dry_run_is_the_plan(cli: Ursa, download: list[str | Path], tmp_path: Path) -> None:
    before = digests(tmp_path)
    for output in ("human", "json"):
        planned = cli("plan", *download[1:], "--format", output)
        assert cli(*download, "--dry-run", "--format", output) == planned
    assert digests(tmp_path) == before


@pytest.mark.parametrize("option", [["--overwrite"], ["--existing", "overwrite"]])
def test_existing_files_are_replaced_if_they_differ(
    option: list[str], cli: Ursa, download: list[str | Path], tmp_path: Path
) -> None:
    assert cli(*download)[0] == 0
    right = digests(tmp_path / "out")
    next((tmp_path / "out").rglob("notes.jsonl")).write_bytes(b"other")
    code, _, error = cli(*download, "--existing", "error")
    assert (code, "3 files already there" in error) == (1, True)
    assert cli(*download, *option)[0] == 0
    assert digests(tmp_path / "out") == right


def test_files_that_are_there_can_be_left_alone(
    cli: Ursa, download: list[str | Path], tmp_path: Path
) -> None:
    assert cli(*download)[0] == 0
    next((tmp_path / "out").rglob("notes.jsonl")).write_bytes(b"mine")
    mine = digests(tmp_path / "out")
    assert cli(*download, "--existing", "skip")[0] == 0
    assert digests(tmp_path / "out") == mine


@pytest.mark.parametrize(
    ("options", "texts"),
    [
        (["--overwrite", "--existing", "skip"], ["--existing skip", "give one of them"]),
        (["--existing", "replace"], ["replace", "'skip', 'verify'", "'refresh'"]),
        (["--on-error", "ignore"], ["ignore", "'raise', 'collect'"]),
        (["--progress", "bra"], ["bra", "'auto', 'bar', 'log', 'json', 'none'"]),
    ],
)
def test_wrong_usage_is_2(
    options: list[str], texts: list[str], cli: Ursa, download: list[str | Path], tmp_path: Path
) -> None:
    code, out, error = cli(*download, *options)
    assert (code, out) == (2, "")
    assert [text for text in texts if text not in error] == []
    assert not (tmp_path / "out").exists()
