from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.process.conftest import npy, samples
from tests.test_cli import COMMAND, cli, refused, started
from ursa import DataInterface

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import MakeSession
    from tests.test_cli import Ursa

__all__ = ["cli"]


@pytest.fixture
def raw_site(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, make_session: MakeSession
) -> Path:
    """Four recordings that can be processed, of two people; made once and copied from then on."""
    site, kept = tmp_path / "site", tmp_path_factory.getbasetemp() / "raw-site"
    if kept.is_dir():
        return Path(shutil.copytree(kept, site))
    data = DataInterface("local", path=site)
    data.enable_writes(("assets_rw", "raw_rw"))
    for number in range(4):
        session = make_session(
            f"rec_20260301_09300{number}_1f3a",
            {"eeg/eeg.npy": npy(samples(number))},
            participant=f"P00{number % 2}",
            modalities={"eeg": {"sampling_rate": 100.0}},
        )
        data.ingest(session / "manifest.json", source_dir=session)
    shutil.copytree(site, kept)
    return site


@pytest.fixture
def odd(tmp_path: Path, make_session: MakeSession) -> Path:
    """A site with one file that no reader knows."""
    data = DataInterface("local", path=tmp_path / "odd")
    data.enable_writes(("assets_rw", "raw_rw"))
    session = make_session("rec_20260302_093000_1f3a", {"odd/odd.xyz": b"what is this"})
    data.ingest(session / "manifest.json", source_dir=session)
    return tmp_path / "odd"


def test_filters_and_limit_narrow_what_is_processed(cli: Ursa, raw_site: Path) -> None:
    said = cli("process", "--site", raw_site, "--participants", "P001", "--limit", "1")
    assert (said.code, said.err) == (0, "")
    first, last = said.out.splitlines()
    assert " eeg: 4.1 kB → " in first
    assert last.startswith("1 processed, 0 failed: 4.1 kB → ")
    assert cli("process", "--site", raw_site, "--participants", "P001").out.count(" eeg: ") == 1
    assert "2 processed" in cli("process", "--site", raw_site).out
    assert cli("process", "--site", raw_site).out == "nothing is left to process\n"


@pytest.mark.parametrize("option", [["--json"], ["--format", "json"]])
def test_json_has_a_line_for_each_modality(cli: Ursa, raw_site: Path, option: list[str]) -> None:
    said = cli("process", "--site", raw_site, *option)
    assert len(said.lines) == 4
    for line in said.lines:
        assert (line["modality"], line["end"], line["streams"]) == ("eeg", "processed", ["eeg"])
        assert line["bytes_read"] == 4128
        assert line["bytes_stored"] > 0
        assert line["seconds"] > 0


def test_a_failure_is_3_and_tells_why(cli: Ursa, odd: Path) -> None:
    said = cli("process", "--site", odd)
    assert said.code == 3
    assert "odd: failed: no reader knows 'odd.xyz'" in said.out
    assert cli("process", "--site", odd).code == 0
    again = cli("process", "--site", odd, "--retry-failed", "--json")
    assert again.code == 3
    assert [(each["end"], each["attempt"]) for each in again.lines] == [("failed", 2)]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--watch", "--overwrite"], "without end"),
        (["--workers", "2", "--overwrite"], "--overwrite takes one process"),
        (["--workers", "2", "--limit", "3"], "--limit takes one process"),
        (["--lease", "1e9"], "lease_s is 1000000000"),
        (["--attempts", "0"], "--attempts"),
    ],
)
def test_wrong_usage_is_2(cli: Ursa, raw_site: Path, options: list[str], said: str) -> None:
    refused(cli("process", "--site", raw_site, *options), 2, said)


def test_no_site_is_2_and_none_is_made(cli: Ursa, tmp_path: Path) -> None:
    refused(cli("process", "--site", tmp_path / "none"), 2, "no site")
    assert not (tmp_path / "none").exists()


def test_workers_are_processes_that_share_the_work(raw_site: Path) -> None:
    said = started("process", "--site", raw_site, "--workers", "2", "--json")
    assert said.code == 0, said.err
    assert len({line["recording_hash"] for line in said.lines}) == 4
    data = DataInterface("local", path=raw_site)
    assert len(data.query()) == 4
    assert {row.metadata["process.attempt"] for row in data.list_modalities()} == {1}


def until(holds: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_watch_takes_what_comes_and_ends_when_told(
    raw_site: Path, make_session: MakeSession, number: signal.Signals
) -> None:
    data = DataInterface("local", path=raw_site)
    with subprocess.Popen(
        [*COMMAND, "process", "--site", raw_site, "--watch", "--every", "0.2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    ) as process:
        until(lambda: len(data.query()) == 4, process)
        session = make_session(
            "rec_20260303_093000_1f3a",
            {"eeg/eeg.npy": npy(samples(9))},
            modalities={"eeg": {"sampling_rate": 100.0}},
        )
        data.enable_writes(("assets_rw", "raw_rw"))
        data.ingest(session / "manifest.json", source_dir=session)
        until(lambda: len(data.query()) == 5, process)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == "interrupted: run the same command to go on\n"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_workers_end_with_the_process_that_started_them(raw_site: Path) -> None:
    command = ["process", "--site", str(raw_site), "--watch", "--every", "0.2", "--workers", "2"]
    with subprocess.Popen(
        [*COMMAND, *command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8"
    ) as process:
        data = DataInterface("local", path=raw_site)
        until(lambda: len(data.query()) == 4, process)
        listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text("utf-8")
        children = [int(each) for each in listed.split()]
        assert len(children) == 2
        process.kill()
        process.wait()
        deadline = time.monotonic() + 60
        while any(is_running(each) for each in children):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def is_running(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def test_a_worker_that_ends_oddly_is_told(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from ursa.cli import crew
    from ursa.errors import ProcessError

    monkeypatch.setattr(sys, "argv", ["ursa", "process", "--nonsense", "--workers", "2"])
    with pytest.raises(ProcessError, match="2 of 2 workers ended with exit code 2"):
        crew.run(2, lambda _: None)
    assert "--nonsense" in capfd.readouterr().err
