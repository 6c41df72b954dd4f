"""The command line as people run it: what it prints where, and its exit codes."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

import ursa
from tests.tools import digests, fill, flip
from ursa import DataInterface
from ursa.catalog import ParticipantRow
from ursa.cli import main
from ursa.register.manifest import build

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import MakeSession

COMMAND: list[str | Path] = [sys.executable, "-m", "ursa"]
RAW = ("--status", "raw")
JSON = ("--format", "json")
posix = pytest.mark.skipif(os.name == "nt", reason="signals and mounts of POSIX")


@dataclass(frozen=True)
class Said:
    """What one run of the command line left."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The JSON lines on standard output."""
        return [json.loads(line) for line in self.out.splitlines()]


class Ursa(Protocol):
    def __call__(self, *arguments: str | Path) -> Said: ...


@pytest.fixture(autouse=True)
def _no_site_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("URSA_SITE", raising=False)


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ursa:
    """The command line in this process, which saves the seconds that importing LanceDB takes."""

    def run(*arguments: str | Path) -> Said:
        monkeypatch.setattr(sys, "argv", ["ursa", *map(str, arguments)])
        capsys.readouterr()
        code: object = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code
        printed = capsys.readouterr()
        assert isinstance(code, int)
        return Said(code, printed.out, printed.err)

    return run


def started(*arguments: str | Path) -> Said:
    """The command line in a process of its own."""
    process = subprocess.run(
        [*COMMAND, *arguments], capture_output=True, encoding="utf-8", check=False
    )
    return Said(process.returncode, process.stdout, process.stderr)


@pytest.fixture
def filled(tmp_path: Path, make_session: MakeSession, cli: Ursa) -> Path:
    """A site with one session that the command line ingested."""
    site = tmp_path / "site"
    assert cli("ingest", make_session(), "--site", site).code == 0
    return site


def stored(site: Path, ending: str) -> Path:
    (found,) = (path for path in (site / "raw").rglob("*") if path.as_posix().endswith(ending))
    return found


# -- real processes ------------------------------------------------------------------------------


def test_the_whole_way_in_real_processes(tmp_path: Path) -> None:
    session, site, out = tmp_path / "rig 1" / "Sitzung ä", tmp_path / "mein Ort", tmp_path / "aus ü"
    fill(session / "eeg_a" / "samples 1.bin", 300_000, seed=1)
    fill(session / "nötes" / "tag #1 50%+.jsonl", 9, seed=2)
    before = digests(session)
    (session / "participant.txt").write_text("Zoë O'Neil\n", encoding="utf-8")

    built = started("manifest", "build", session, "--recording-id", "rec_20260301_093000_1f3a")
    assert built == Said(0, f"{session / 'manifest.json'}\n", "")
    recording = json.loads((session / "manifest.json").read_bytes())["recording_hash"]

    ingested = started("ingest", session, "--site", site)
    assert (ingested.code, ingested.out) == (0, f"{recording}  2 files stored, 0 were there\n")
    assert "Sitzung ä: done, 100%" in ingested.err

    found = started("query", "--site", site, *RAW, *JSON)
    assert (found.code, found.err) == (0, "")
    (result,) = found.lines
    assert result["recording_hash"] == recording
    assert result["participant_ids"] == ["zoe-o-neil"]
    assert set(result["modalities"]) == {"eeg", "nötes"}

    person = ("--participants", "zoe-o-neil")
    downloaded = started("download", out, "--site", site, *person, *RAW)
    assert (downloaded.code, downloaded.out) == (0, f"2 files of 1 recording in {out}\n")
    assert "download: done, 100%" in downloaded.err
    assert digests(out / recording) == {
        "eeg/samples 1.bin": before["eeg_a/samples 1.bin"],
        "nötes/tag #1 50%+.jsonl": before["nötes/tag #1 50%+.jsonl"],
    }

    assert started("verify", out) == Said(0, "2 of 2 files equal their SHA-256\n", "")


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['ursa', '--help']\n"
        "from ursa.cli import main\n"
        "try:\n    main()\n"
        "finally:\n    print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert "Find, download and ingest" in process.stdout
    heavy = {"lancedb", "pydantic", "pyarrow", "numpy", "obstore", "tqdm", "rich", "asyncio"}
    assert not heavy & set(process.stderr.split())


def test_version_of_the_process() -> None:
    assert started("--version") == Said(0, f"{ursa.__version__}\n", "")


@posix
def test_reader_that_goes_away_is_no_fault(filled: Path, tmp_path: Path) -> None:
    session = tmp_path / "rec_20260302_000000_00"
    for number in range(300):
        fill(session / "eeg_a" / f"{number:03d}{'x' * 200}.bin", 10, seed=number)
    data = DataInterface("local", path=filled)
    data.enable_writes(("assets_rw", "raw_rw"))
    data.ingest(build(session), source_dir=session)
    command = [*COMMAND, "plan", "--site", filled, *RAW, *JSON]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as ursa_process,
        subprocess.Popen(["head", "-1"], stdin=ursa_process.stdout, stdout=subprocess.PIPE) as head,
    ):
        assert ursa_process.stdout is not None
        ursa_process.stdout.close()  # head alone holds it now
        first, _ = head.communicate(timeout=60)
        assert ursa_process.stderr is not None
        said = ursa_process.stderr.read()
    assert json.loads(first)["modality"] == "eeg"
    assert said == b""
    assert ursa_process.returncode in (1, -signal.SIGPIPE, 128 + signal.SIGPIPE)


def interrupted(command: list[str | Path], is_under_way: Callable[[], bool]) -> Said:
    """Start the command line, and press Ctrl-C as soon as bytes move."""
    with subprocess.Popen(
        [*COMMAND, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        # A job in the background of a shell ignores Ctrl-C, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    ) as process:
        while not is_under_way():
            assert process.poll() is None
            time.sleep(0.001)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    return Said(process.returncode, out, err)


def has_bytes(root: Path, pattern: str) -> bool:
    try:
        return any(path.stat().st_size > 0 for path in root.glob(pattern))
    except FileNotFoundError:  # renamed between being listed and being looked at
        return False


@pytest.fixture(scope="module")
def large_session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file that takes about a second to hash."""
    session = tmp_path_factory.mktemp("large") / "rec_20260303_000000_00"
    (session / "camera").mkdir(parents=True)
    block = os.urandom(1 << 20)
    with (session / "camera" / "a.mp4").open("wb") as file:
        for _ in range(300):
            file.write(block)
    build(session)
    return session


@posix
def test_interrupted_ingest_leaves_nothing_half_stored(large_session: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    said = interrupted(
        ["ingest", large_session, "--site", site],
        lambda: has_bytes(site / "raw", ".ursa-staging/*"),
    )
    assert (said.code, said.out) == (130, "")
    assert "Traceback" not in said.err
    assert said.err.endswith("interrupted: run the same command to go on\n")
    assert digests(site / "raw") == {}
    assert len(DataInterface("local", path=site).query(status="all")) == 0


@posix
def test_interrupted_download_leaves_nothing_half_written(
    large_session: Path, tmp_path: Path, cli: Ursa
) -> None:
    site, out = tmp_path / "site", tmp_path / "out"
    assert cli("ingest", large_session, "--site", site).code == 0
    download = ("download", out, "--site", site, *RAW)
    said = interrupted(list(download), lambda: has_bytes(out, "*/*/*.part"))
    assert (said.code, said.out) == (130, "")
    assert "Traceback" not in said.err
    assert all(name.endswith(".part") for name in digests(out))
    hint = "run the same command with --existing overwrite to go on"
    assert said.err.endswith(f"interrupted: {hint}\n")
    assert cli(*download, "--existing", "overwrite").code == 0
    assert cli("verify", out) == Said(0, "1 of 1 files equal their SHA-256\n", "")


# -- results -------------------------------------------------------------------------------------


def test_hint_about_hidden_recordings_is_not_data(filled: Path, cli: Ursa) -> None:
    hint = "1 unprocessed recordings match: add --status raw to see them\n"
    assert cli("query", "--site", filled) == Said(0, "0 recordings\n", hint)
    assert cli("query", "--site", filled, *JSON) == Said(0, "", hint)
    assert cli("query", "--site", filled, "--participants", "P002") == Said(0, "0 recordings\n", "")


def test_query_for_people_fits_a_terminal(filled: Path, cli: Ursa) -> None:
    said = cli("query", "--site", filled, *RAW)
    assert said.out.splitlines()[0] == "1 recording"
    assert "P001" in said.out
    assert "eeg_a, eeg_b, notes" in said.out
    assert max(map(len, said.out.splitlines())) <= 80


def test_facets_count_recordings_by_value(filled: Path, cli: Ursa) -> None:
    said = cli("facets", "modalities", "status", "--site", filled, *RAW)
    assert said.out.split() == [
        *("modalities", "1", "eeg", "1", "eeg_a", "1", "eeg_b", "1", "notes"),
        *("status", "1", "raw"),
    ]
    said = cli("facets", "participants", "--site", filled, *RAW, *JSON)
    assert said.lines == [{"field": "participants", "value": "P001", "recordings": 1}]
    said = cli("facets", "colour", "--site", filled)
    assert (said.code, said.out) == (2, "")
    assert "no facet 'colour'" in said.err


def test_filters_of_the_command_line_reach_the_query(
    tmp_path: Path, make_session: MakeSession, cli: Ursa
) -> None:
    for number, task in enumerate(["rest", "odd ball", "rest"]):
        session = make_session(
            f"rec_2026030{number + 1}_000000_00",
            {"eeg/a.bin": b"%d" % number, f"mic_{number}/b.wav": b"x"},
            participant=f"P{number}",
            metadata={"task": task, "run": number},
            started_at=f"2026-03-0{number + 1}T00:00:00Z",
            ended_at=f"2026-03-0{number + 1}T01:00:00Z",
        )
        assert cli("ingest", session, "--site", tmp_path / "site").code == 0

    def people(*filters: str) -> list[str]:
        said = cli("query", "--site", tmp_path / "site", *RAW, *JSON, *filters)
        assert said.code == 0, said.err
        return [line["participant_ids"][0] for line in said.lines]

    assert people() == ["P0", "P1", "P2"]
    assert people("--participants", "P2,P0") == ["P0", "P2"]
    assert people("--participants", "P2", "--participants", "P1") == ["P1", "P2"]
    assert people("--modalities", "mic") == ["P0", "P1", "P2"]
    assert people("--modalities", "gaze") == []
    assert people("--metadata", "task=odd ball") == ["P1"]
    assert people("--metadata", "task=rest", "--metadata", "run=2") == ["P2"]
    assert people("--metadata", 'run="2"') == []
    assert people("--time-range", "2026-03-02T00:30:00Z..") == ["P1", "P2"]
    assert people("--time-range", "..2026-03-02T00:00:00Z") == ["P0"]
    assert people("--time-range", "2026-03-02T01:30:00+01:00..2026-03-02T02:00:00+01:00") == ["P1"]
    assert people("--limit", "2") == ["P0", "P1"]
    assert people("--limit", "0") == []
    whole = cli("query", "--site", tmp_path / "site", *RAW, *JSON).lines[1]["recording_hash"]
    assert people("--recording-hash", whole) == ["P1"]


def test_site_from_the_environment(
    filled: Path, cli: Ursa, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("URSA_SITE", str(filled))
    assert len(cli("query", *RAW, *JSON).lines) == 1


def test_ingest_in_json(tmp_path: Path, make_session: MakeSession, cli: Ursa) -> None:
    session, site = make_session(), tmp_path / "site"
    (first,) = cli("ingest", session, "--site", site, *JSON).lines
    assert first["paused"] is False
    assert (first["files_uploaded"], first["files_skipped"]) == (3, 0)
    assert first["recording"]["participant_ids"] == ["P001"]
    (again,) = cli("ingest", session, "--site", site, *JSON).lines
    assert (again["files_uploaded"], again["files_skipped"]) == (0, 3)
    assert again["recording"] == first["recording"]


def test_manifest_file_may_be_named_instead_of_its_directory(
    tmp_path: Path, make_session: MakeSession, cli: Ursa
) -> None:
    said = cli("ingest", make_session() / "manifest.json", "--site", tmp_path / "site")
    assert (said.code, said.out[64:]) == (0, "  3 files stored, 0 were there\n")


def test_one_failing_session_does_not_stop_the_others(
    tmp_path: Path, make_session: MakeSession, cli: Ursa
) -> None:
    sessions = [make_session(f"rec_2026030{n}_000000_00", {"eeg/a.bin": b"%d" % n}) for n in (1, 2)]
    sessions.insert(1, make_session("rec_20260303_000000_00", recording_hash=None))
    said = cli("ingest", *sessions, "--site", tmp_path / "site", *JSON)
    assert said.code == 3
    assert [line["files_uploaded"] for line in said.lines] == [1, 1]
    assert f"{sessions[1]}: " in said.err
    assert "is not augmented" in said.err
    assert said.err.endswith("1 of 3 sessions failed\n")
    assert len(cli("query", "--site", tmp_path / "site", *RAW, *JSON).lines) == 2


def test_an_error_cannot_change_how_a_terminal_shows_it(
    tmp_path: Path, make_session: MakeSession, cli: Ursa
) -> None:
    session = make_session("rec_20260301_000000_00", {"eeg/\u202etxt.exe": b"x"})
    (session / "eeg" / "\u202etxt.exe").unlink()
    shown = "eeg/?txt.exe is in the manifest but not there"
    refused(cli("ingest", session, "--site", tmp_path / "site"), 1, shown)
    said = cli("ingest", session, session, "--site", tmp_path / "site")
    assert said.err.count(shown) == 2


@posix
def test_a_path_need_not_be_text(filled: Path, tmp_path: Path) -> None:
    out = tmp_path / os.fsdecode(b"\xff")
    process = subprocess.run(
        [*COMMAND, "download", out, "--site", filled, *RAW],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},  # strict, as most locales are
        check=False,
    )
    assert (process.returncode, process.stdout.endswith(b"/\xff\n")) == (0, True)


def test_output_that_cannot_be_written_is_one_line(
    filled: Path, cli: Ursa, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("ursa.cli.commands.print", full, raising=False)
    said = cli("query", "--site", filled, *RAW)
    assert (said.code, said.err) == (1, "ursa: [Errno 28] No space left on device\n")


def test_plan_writes_nothing(filled: Path, tmp_path: Path, cli: Ursa) -> None:
    out = tmp_path / "out"
    said = cli("plan", out, "--site", filled, *RAW)
    assert (said.code, said.err) == (0, "")
    assert "0 B already there" in said.out
    assert said.out.endswith("out\n")
    listed = cli("plan", out, "--site", filled, *RAW, *JSON, "--layout", "by_modality").lines
    assert not out.exists()
    assert [copy["size"] for copy in listed] == [1024, 600, 32]
    for copy in listed:
        place, name = copy["rel_path"].split("/", 1)[0], copy["key"].rsplit("/", 1)[1]
        assert copy["rel_path"] == f"{place}/{copy['recording_hash']}/{name}"
        assert digests(filled / "raw")[copy["key"]] == copy["sha256"]


def test_plan_needs_no_destination(filled: Path, cli: Ursa) -> None:
    said = cli("plan", "--site", filled, *RAW)
    assert said.code == 0
    assert said.out.endswith("of 1 recording\n")


@pytest.mark.parametrize("layout", ["by_recording", "by_modality", "flat"])
def test_download_in_json_names_every_file(
    filled: Path, tmp_path: Path, cli: Ursa, layout: str
) -> None:
    out = tmp_path / "out"
    said = cli("download", out, "--site", filled, *RAW, *JSON, "--layout", layout)
    assert said.code == 0
    named = {Path(line["path"]).relative_to(out).as_posix() for line in said.lines}
    assert named == set(digests(out)) - {"ursa-manifest.json"}
    (report,) = cli("verify", out, *JSON).lines
    assert report["ok"] is True
    assert set(report["good"]) == named


# -- refusals ------------------------------------------------------------------------------------


def refused(said: Said, code: int, *texts: str) -> None:
    assert (said.code, said.out) == (code, "")
    for text in texts:
        assert text in said.err
    assert "Traceback" not in said.err


def test_no_command_shows_the_help(cli: Ursa) -> None:
    said = cli()
    assert said.code == 2
    assert "Usage: ursa" in said.out + said.err
    assert "Usage: ursa query" in cli("query", "-h").out


@pytest.mark.parametrize(
    ("arguments", "texts"),
    [
        (["query", "--participant", "P001"], ["--participant", "--participants"]),
        (["query", "--statsu", "raw"], ["--statsu", "--status"]),
        (["qeury"], ["qeury", "Did you mean 'query'"]),
        (
            ["query", "--status", "done"],
            ["done", "'ingested', 'raw', ", "'failed', 'all'"],
        ),
        (["query", "--limit", "-1"], ["--limit"]),
        (["query", "--limit", "many"], ["--limit"]),
        (["query", "--profile", "r3"], ["unknown profile 'r3'; did you mean 'r2'?"]),
        (["query", "--profile", "r2", "--site", "x"], ["takes no path="]),
        (["query", "--metadata", "task"], ["'metadata.task' has no '='", "metadata.KEY=VALUE"]),
        (["query", "--metadata", "=rest"], ["'metadata.=rest' is no filter", "KEY=VALUE"]),
        (["query", "--metadata", 'task={"a": 1}'], ["flatten it"]),
        (["query", "--metadata", "task=NaN"], ["no such number"]),
        (["query", "--time-range", "2026-03-01T00:00:00Z"], ["has no '..'", "START..END"]),
        (["query", "--time-range", "2026-03-01T00:00:00.."], ["has no time zone"]),
        (["query", "--time-range", "2026-03-01.."], ["has no time zone"]),
        (["query", "--time-range", "now.."], ["'now' is not a time", "ISO 8601"]),
        (
            ["query", "--time-range", "2026-03-02T00:00:00Z..2026-03-01T00:00:00Z"],
            ["must start before it ends"],
        ),
        (["query", "--metadata", "age==3"], ["begins with '=' must be quoted"]),
        (["query", "--metadata", "a=1", "--metadata", "a=2"], ["'metadata.a=2'", "said twice"]),
        (["query", "--participants", '"P1'], ["'participants=\"P1'", "begins with a quote"]),
        (["query", "--duration", "long"], ["'long' is not a length of time"]),
        (["query", "--duration", "~5m"], ["unknown operator '~'"]),
        (["query", "--time-filters", "10"], ["10..20,30..40", "around:EVENT:BEFORE:AFTER"]),
        (["query", "--order-by", "name"], ["'start_time'", "'-duration'", "(got 'name')"]),
        (["query", "--offset", "-1"], ["--offset"]),
        (["query", "--offset", "1", "--after", "x"], ["not both"]),
        (["plan", "--layout", "nested"], ["nested", "'by_recording', 'by_modality', 'flat'"]),
        (["download", "out", "--source", "both"], ["both", "'auto', 'raw', 'processed'"]),
        (["download"], ["Missing argument"]),
        (["ingest"], ["Missing argument"]),
        (["manifest", "build", ".", "--started-at", "2026-03-01T00:00:00"], ["has no time zone"]),
        (["query", "--format", "xml"], ["xml", "'human', 'json'"]),
    ],
)
def test_wrong_usage_is_2_and_says_what_is_right(
    arguments: list[str],
    texts: list[str],
    filled: Path,
    tmp_path: Path,
    cli: Ursa,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("URSA_SITE", str(filled))
    before = digests(filled)
    refused(cli(*arguments), 2, *texts)
    assert digests(filled) == before
    assert not Path("out").exists()


def test_no_site_is_2(tmp_path: Path, cli: Ursa) -> None:
    refused(cli("query"), 2, "no site was named", "--site", "URSA_SITE", "ursa demo")
    refused(cli("query", "--config", "r2.toml"), 2, "--config", "add --profile r2")
    refused(cli("query", "--site", tmp_path / "nowhere"), 2, "there is no site at")
    assert not (tmp_path / "nowhere").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("mine")
    refused(cli("query", "--site", tmp_path / "mine"), 2, "is not a site")
    refused(cli("ingest", ".", "--site", tmp_path / "mine"), 2, "thesis.tex")
    assert digests(tmp_path / "mine").keys() == {"thesis.tex"}
    refused(cli("query", "--profile", "r2"), 2, "has no endpoint")


def test_site_of_a_newer_version_is_2(filled: Path, cli: Ursa) -> None:
    (filled / "ursa-site.json").write_text('{"format": "ursa-site", "version": 2}')
    refused(cli("query", "--site", filled), 2, "format version 2", "upgrade")


def test_refusals_are_1(filled: Path, tmp_path: Path, make_session: MakeSession, cli: Ursa) -> None:
    out = tmp_path / "out"
    refused(cli("download", out, "--site", filled), 1, "1 unprocessed recordings match", "raw")
    refused(cli("download", out, "--site", filled, *RAW, "--source", "processed"), 1, "processed")
    refused(cli("verify", tmp_path), 1, "no ursa-manifest.json")
    refused(cli("manifest", "build", tmp_path / "nowhere"), 1, "not a directory")
    refused(cli("ingest", tmp_path / "nowhere", "--site", filled), 1, "ursa manifest build")
    locked = make_session("rec_20260302_000000_00", {"eeg/a.bin": b"1"})
    (locked / "session.lock").touch()
    refused(cli("ingest", locked, "--site", filled), 1, "session.lock")
    assert not out.exists()


def test_existing_files_are_1_and_overwrite_keeps_the_right_ones(
    filled: Path, tmp_path: Path, cli: Ursa
) -> None:
    out = tmp_path / "out"
    assert cli("download", out, "--site", filled, *RAW).code == 0
    before = digests(out)
    again = cli("download", out, "--site", filled, *RAW)
    assert (again.code, again.out) == (1, "")
    assert "3 files already there" in again.err
    assert "--overwrite" in again.err
    flip(next(out.rglob("notes.jsonl")))
    assert cli("download", out, "--site", filled, *RAW, "--overwrite").code == 0
    assert digests(out) == before


def test_damaged_object_is_3(filled: Path, tmp_path: Path, cli: Ursa) -> None:
    flip(stored(filled, "notes.jsonl"))
    said = cli("download", tmp_path / "out", "--site", filled, *RAW)
    assert (said.code, said.out) == (3, "")
    assert "notes/notes.jsonl is damaged" in said.err
    assert not list((tmp_path / "out").rglob("notes.jsonl*"))


def test_changed_or_missing_file_is_3(filled: Path, tmp_path: Path, cli: Ursa) -> None:
    out = tmp_path / "out"
    assert cli("download", out, "--site", filled, *RAW).code == 0
    changed = next(out.rglob("notes.jsonl"))
    flip(changed)
    said = cli("verify", out)
    name = changed.relative_to(out).as_posix()
    assert (said.code, said.err) == (3, "")
    assert said.out == f"2 of 3 files equal their SHA-256\nchanged: {name}\n"
    changed.unlink()
    (report,) = cli("verify", out, *JSON).lines
    assert (report["ok"], report["missing"], len(report["good"])) == (False, [name], 2)
    assert cli("verify", out, *JSON).code == 3


@pytest.fixture
def read_only() -> Iterator[Callable[[Path], None]]:
    """Makes a directory read-only until the test ends, for root as well."""
    undo: list[Callable[[], object]] = []

    def forbid(directory: Path) -> None:
        if os.geteuid() != 0:
            directory.chmod(0o555)
            undo.append(lambda: directory.chmod(0o755))
            return
        try:
            subprocess.run(["mount", "--bind", directory, directory], check=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("root may not mount here, and nothing else keeps root from writing")
        undo.append(lambda: subprocess.run(["umount", directory], check=True))
        subprocess.run(["mount", "-o", "remount,ro,bind", directory], check=True)

    yield forbid
    for step in undo:
        step()


@posix
def test_no_access_is_4(
    filled: Path,
    tmp_path: Path,
    make_session: MakeSession,
    cli: Ursa,
    read_only: Callable[[Path], None],
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    read_only(out)
    before = digests(filled)
    refused(cli("download", out, "--site", filled, *RAW), 4, str(out), "choose another")
    refused(cli("download", out / "new", "--site", filled, *RAW), 4, str(out))
    refused(cli("ingest", make_session("s"), "--site", out / "site"), 4, str(out))
    assert list(out.iterdir()) == []
    assert digests(filled) == before


@posix
def test_site_that_may_not_be_written_is_read_all_the_same(
    filled: Path,
    tmp_path: Path,
    make_session: MakeSession,
    cli: Ursa,
    read_only: Callable[[Path], None],
) -> None:
    session = make_session("rec_20260302_000000_00", {"eeg/a.bin": b"1"})
    read_only(filled)
    assert len(cli("query", "--site", filled, *RAW, *JSON).lines) == 1
    assert cli("download", tmp_path / "out", "--site", filled, *RAW).code == 0
    assert cli("verify", tmp_path / "out").code == 0
    said = cli("ingest", session, "--site", filled)
    assert (said.code, said.out) == (4, "")
    assert "cannot write" in said.err


def test_store_that_denies_access_is_4(
    filled: Path,
    tmp_path: Path,
    make_session: MakeSession,
    cli: Ursa,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def deny(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied", "raw")

    monkeypatch.setattr(os, "open", deny)
    session = make_session("rec_20260302_000000_00", {"eeg/a.bin": b"1"})
    refused(cli("ingest", session, "--site", filled), 4, "cannot write", "Permission denied")
    refused(cli("download", tmp_path / "out", "--site", filled, *RAW), 4, "Permission denied")


# -- catalog audit ---------------------------------------------------------------------------------


def test_an_audit_says_what_is_wrong_and_mends_it(
    cli: Ursa, site: DataInterface, tmp_path: Path
) -> None:
    place = ("--site", tmp_path / "site")
    site.register_participant(participant_id="P001", enrolled_at=0)
    audit = ("catalog", "audit", *place)
    assert cli(*audit) == Said(0, "looked at 1 participants\nnothing is wrong\n", "")

    table = site.catalog.table(ParticipantRow)._created([])
    table.update(values_sql={"metadata_kv": "NULL"})
    found = cli(*audit)
    assert found.code == 3
    assert "participants: 1 x derived: columns that filters use" in found.out
    assert found.out.endswith("1 found, 1 left\n")

    mended = cli(*audit, "--repair", *JSON)
    assert mended.code == 0
    (report,) = mended.lines
    assert report["ok"] is True
    assert report["rows"] == {"participants": 1}
    assert report["findings"] == [
        {
            "kind": "derived",
            "table": "participants",
            "count": 1,
            "mended": 1,
            "examples": ["P001: metadata_kv"],
        }
    ]
    assert cli(*audit, "--no-data").code == 0


def test_an_audit_makes_no_site(cli: Ursa, tmp_path: Path) -> None:
    for options in ((), ("--repair",)):
        refused(cli("catalog", "audit", "--site", tmp_path / "none", *options), 2, "no site")
    assert not (tmp_path / "none").exists()
