from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tests.catalog import version1
from ursa import DataInterface
from ursa.catalog import ParticipantRow
from ursa.cli import main

if TYPE_CHECKING:
    from pathlib import Path

JSON = ("--format", "json")


class Ursa(Protocol):
    def __call__(self, *arguments: str | Path) -> tuple[int, str, str]: ...


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ursa:
    """``ursa catalog …`` in this process: exit code, standard output, standard error."""
    monkeypatch.delenv("URSA_SITE", raising=False)

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["ursa", "catalog", *map(str, arguments)])
        capsys.readouterr()
        code: Any = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code
        return (code, *capsys.readouterr())

    return run


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A site with two recordings."""
    data = DataInterface("local", path=tmp_path / "lab")
    data.enable_writes()
    for number in range(2):
        data.register_recording(
            recording_hash=f"h{number}",
            participant_ids="P1",
            start_time=number,
            duration=timedelta(seconds=1),
            metadata={"age": 40 + number, "mixed": number or "none"},
        )
    return tmp_path / "lab"


def lines(said: tuple[int, str, str]) -> list[dict[str, Any]]:
    code, out, error = said
    assert (code, error) == (0, "")
    return [json.loads(line) for line in out.splitlines()]


def test_optimize_reports_every_table(cli: Ursa, root: Path) -> None:
    reports = {each["table"]: each for each in lines(cli("optimize", "--site", root, *JSON))}
    assert (reports["recordings"]["fragments_before"], len(reports)) == (2, 8)
    code, out, _ = cli("optimize", "--site", root)
    assert code == 0
    assert "recordings: 1 → 1 fragment, 0 rows newly indexed" in out


def test_versions_are_what_as_of_takes(cli: Ursa, root: Path) -> None:
    found = lines(cli("versions", "--site", root, *JSON))
    assert [each["rows"] for each in found[-2:]] == [1, 2]
    assert datetime.fromisoformat(found[-2]["time"]).tzinfo is not None
    for state in (found[-2]["number"], found[-2]["time"]):
        assert DataInterface("local", path=root, as_of=state).count(status="all") == 1
    assert cli("versions", "--site", root)[1].splitlines()[-1].endswith("  2 rows")


def test_cleanup_keeps_a_week_unless_told_otherwise(cli: Ursa, root: Path) -> None:
    reports = lines(cli("cleanup", "--site", root, *JSON))
    assert {each["versions_removed"] for each in reports} == {0}
    code, out, _ = cli("cleanup", "--older-than", "0s", "--exclusive", "--site", root)
    assert code == 0
    assert ", 1 kept, " in next(line for line in out.splitlines() if "recordings" in line)
    assert DataInterface("local", path=root).count(status="all") == 2


def test_promote_takes_a_type_where_a_key_has_both(cli: Ursa, root: Path) -> None:
    (report,) = lines(cli("promote", "age", "--site", root, *JSON))
    assert report == {"key": "age", "type": "number", "column": "metadata__age", "rows": 2}
    code, out, error = cli("promote", "mixed", "--site", root)
    assert (code, out) == (2, "")
    assert "say type='number' or type='text'" in error
    assert lines(cli("promote", "mixed", "--type", "text", "--site", root, *JSON))[0]["rows"] == 1


def test_migrate_says_where_the_old_catalog_is(cli: Ursa, tmp_path: Path) -> None:
    person = ParticipantRow(participant_id="P1", enrolled_at=0)
    root = version1.write_site(tmp_path / "old", {ParticipantRow: [person]})
    code, out, error = cli("optimize", "--site", root)
    assert (code, out) == (1, "")
    assert f"ursa catalog migrate --site {root}" in error
    code, out, error = cli("migrate", "--site", root)
    assert (code, error) == (0, "")
    assert out.startswith("1 row copied, and ")
    assert f"rm -r {root / 'assets' / 'ursa' / 'catalog-1'}" in out
    assert cli("migrate", "--site", root) == (0, "the catalog is up to date\n", "")
    assert lines(cli("migrate", "--site", root, *JSON)) == []
    assert DataInterface("local", path=root).list_participants() == [person]


@pytest.mark.parametrize("command", ["optimize", "versions", "cleanup", "promote age", "migrate"])
def test_a_site_that_is_missing_is_not_made(cli: Ursa, tmp_path: Path, command: str) -> None:
    code, out, error = cli(*command.split(), "--site", tmp_path / "nowhere")
    assert (code, out) == (2, "")
    assert "there is no site at" in error
    assert not list(tmp_path.iterdir())
    code, _, error = cli(*command.split())
    assert code == 2
    assert "no site was named" in error


@pytest.mark.parametrize("length", ["-1d", "soon", "9999999d"])
def test_an_age_that_is_none_is_refused(cli: Ursa, root: Path, length: str) -> None:
    code, _, error = cli("cleanup", f"--older-than={length}", "--site", root)
    assert code == 2
    assert error.startswith("ursa: ")
