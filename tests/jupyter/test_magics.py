from __future__ import annotations

import builtins
import itertools
import os
import re
import signal
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from IPython.core.error import UsageError
from jupyter_client.manager import start_new_kernel

from tests.jupyter.shells import fill, new_shell, run
from tests.tools import left_threads
from ursa import DataInterface, QuerySpec, jobs
from ursa.catalog import IngestionStatus
from ursa.errors import (
    DestinationExists,
    DownloadCancelled,
    DownloadError,
    DownloadFailures,
    IntegrityError,
    NotASite,
    ProfileNotConfigured,
)
from ursa_jupyter.binding import spec_of
from ursa_jupyter.forms import FORMS
from ursa_jupyter.jobs import Jobs
from ursa_jupyter.line import is_term, read
from ursa_jupyter.session import current

if TYPE_CHECKING:
    from tests.conftest import MakeSession

PEOPLE: dict[str, dict[str, Any]] = {
    "P001": {"task": "rest", "age": 30},
    "P002": {"task": "rest", "age": 40},
    "P003": {"task": "nback", "age": 50},
}


def loaded(path: Path, **traits: Any) -> Any:
    shell = new_shell(path=str(path), progress="none", **traits)
    shell.extension_manager.load_extension("ursa_jupyter")
    return shell


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with three processed recordings."""
    path = tmp_path_factory.mktemp("filled") / "site"
    data = DataInterface("local", path=path)
    data.enable_writes()
    fill(data, PEOPLE)
    return path


@pytest.fixture
def shell(place: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    made = loaded(place)
    capsys.readouterr()
    return made


@pytest.fixture
def files(
    site: DataInterface,
    make_session: MakeSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    """A shell at a site with a raw recording of three files, in a directory of its own."""
    session = make_session()
    site.ingest(session / "manifest.json", source_dir=session)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return loaded(tmp_path / "site")


def failure(shell: Any, code: str) -> BaseException:
    error = shell.run_cell(code).error_in_exec
    assert isinstance(error, BaseException)
    return error


# -- finding -------------------------------------------------------------------------------------


def test_a_query_returns_results(
    shell: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(builtins, "_", raising=False)  # doctests leave it, and IPython respects it
    run(shell, "%ursa_query metadata.task=rest limit=1")
    assert "1 of 2 recordings" in capsys.readouterr().out
    assert run(shell, "_").recording_hashes == ["r0"]
    run(shell, "found = %ursa_query participants=P002,P003 order_by=-start_time")
    assert shell.user_ns["found"].recording_hashes == ["r2", "r1"]
    assert capsys.readouterr().out.count("recordings") <= 1


def test_a_cell_has_a_filter_on_each_line(shell: Any) -> None:
    cell = "%%ursa_query --out found\n# the young\nmetadata.task=rest\n\nmetadata.age<:limit\n"
    shell.push({"limit": 40})
    assert run(shell, cell) is None
    assert shell.user_ns["found"].recording_hashes == ["r0"]


@pytest.mark.parametrize(
    "code",
    [
        "%ursa_query metadata.task=rest;",
        "%ursa_query metadata.note=(it's ;",
        "%%ursa_query\nmetadata.task=rest;",
        "%ursa_query --out found",
        "found = %ursa_query",
    ],
)
def test_what_is_silent(shell: Any, code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(shell, code) is None
    assert "Out[" not in capsys.readouterr().out
    assert current(shell).results is not None


def test_what_is_given_a_name_is_there_though_it_is_silent(shell: Any) -> None:
    cell = "found = %ursa_query metadata.task=rest;\n%ursa_query limit=1;"
    assert shell.run_cell(cell, store_history=True).result is None
    assert len(shell.user_ns["found"]) == 2


def test_no_filter_breaks_how_ipython_looks_for_a_semicolon(shell: Any) -> None:
    """IPython's own decorator reads the line as Python, where these end too early."""
    for value in ("(a", "[x", '"""', "it's", "2026-01-01T00:00:00Z"):
        code = f"%ursa_query metadata.note={value}"
        if value in ("[x", '"""'):
            assert isinstance(failure(shell, code), UsageError)
        else:
            assert len(run(shell, code)) == 0


@pytest.mark.parametrize(
    ("form", "module", "kind"),
    [
        ("arrow", "pyarrow", "Table"),
        ("pandas", "pandas", "DataFrame"),
        ("polars", "polars", "DataFrame"),
    ],
)
def test_results_as_tables(shell: Any, form: str, module: str, kind: str) -> None:
    table = run(shell, f"%ursa_query --as {form} status=all")
    assert (type(table).__module__.partition(".")[0], type(table).__name__) == (module, kind)
    assert len(table) == 3
    run(shell, f"%config UrsaMagics.output = {form!r}")
    assert type(run(shell, "%ursa_query")) is type(table)
    assert type(run(shell, "%ursa_query --as results")).__name__ == "QueryResultList"


def test_variables_of_a_function_are_seen(shell: Any) -> None:
    run(shell, "def of(who):\n    found = %ursa_query participants=:who\n    return found")
    assert run(shell, "of(['P001', 'P003'])").recording_hashes == ["r0", "r2"]


def test_no_text_is_expanded(shell: Any) -> None:
    shell.push({"who": "P001"})
    for text in ("$who", "{who}"):
        assert len(run(shell, f"%ursa_query participants={text}")) == 0


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("%ursa_query participant=P001", "no filter is called 'participant'"),
        ("%ursa_query participant=P001", "did you mean 'participants'?"),
        ("%ursa_query limit=x", "limit: Input should be a valid integer"),
        ("%ursa_query eeg", "'eeg' has no '=' or other operator"),
        (
            "%ursa_query participants=:peple",
            ":peple: no variable is called so; did you mean 'people'?",
        ),
        ("%ursa_query --out class", "--out 'class': no variable can be called so"),
        ("%ursa_query --limit 5", "'--limit': %ursa_query has no such option"),
        ("%ursa_query status=rw", "status: Input should be"),
        ("%ursa_plan mine", "nothing was found yet: run %ursa_query first"),
        ("%ursa_download", "nothing was found yet: run %ursa_query first"),
        ("%ursa_download status=all", "no directory is named; write %ursa_download DIRECTORY"),
        ("%ursa_download mine :people", "is no query result"),
        ("%ursa_download stauts=raw", "no filter is called 'stauts'"),
    ],
)
def test_a_mistake_gets_one_line(
    shell: Any, code: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.push({"people": ["P001"]})
    assert type(failure(shell, code)) is UsageError
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert said.err.startswith("UsageError: ")
    assert message in said.err


def test_signs_that_steer_a_terminal_are_not_printed(
    shell: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.push({"bad": "\x1b[2J\nP001"})
    run(shell, "%ursa_query participants=:bad metadata.task=rest ;")
    assert "\x1b" not in capsys.readouterr().out


# -- nothing matches -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "metadata.task=rest metadata.age>45",
            "Without\n  metadata.age>45: 2 recordings\n  metadata.task=rest: 1 recording\n",
        ),
        (
            "participants=P0011 status=all",
            "Without participants=P0011: 3 recordings\n  Did you mean participants=P001?\n",
        ),
        (
            "modalities=egg status=all",
            "Without modalities=egg: 3 recordings\n  Did you mean modalities=eeg?\n",
        ),
        (
            "modalities=EEG status=all",
            "Without modalities=EEG: 3 recordings\n  Did you mean modalities=eeg?\n",
        ),
        (
            "metadata.tsak=rest",
            "Without metadata.tsak=rest: 3 recordings\n  Did you mean metadata.task?\n",
        ),
        (
            "participants=zzz metadata.task=none",
            "Nothing matches, whichever single filter is left out.\n",
        ),
    ],
)
def test_where_nothing_matches_it_is_said_which_filter_to_leave_out(
    shell: Any, line: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(shell, f"%ursa_query {line} ;")
    assert said in capsys.readouterr().out


def test_unprocessed_recordings_are_not_forgotten(
    site: DataInterface, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(site, PEOPLE, IngestionStatus.RAW)
    shell = loaded(tmp_path / "site")
    capsys.readouterr()
    run(shell, "%ursa_query metadata.task=sleep ;")
    said = capsys.readouterr().out
    assert (
        said == "Nothing matches. With status=all and without metadata.task=sleep: 3 recordings\n"
    )


def test_an_empty_site_needs_no_advice(
    site: DataInterface, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert site.count() == 0
    shell = loaded(tmp_path / "site")
    capsys.readouterr()
    run(shell, "%ursa_query ;")
    assert capsys.readouterr().out == ""


# -- the site ------------------------------------------------------------------------------------


def test_the_site_is_chosen(shell: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a b").mkdir()
    for line, label in {
        "r2": "profile r2",
        "r2-test --config lab.toml": "profile r2-test, lab.toml",
        f'"{tmp_path / "a b"}"': f"profile local, {tmp_path / 'a b'}",
        f"local {tmp_path}": f"profile local, {tmp_path}",
        "": f"profile local, {tmp_path}",
        ":data": "DataInterface('r2-test')",
    }.items():
        shell.push({"data": DataInterface("r2-test")})
        run(shell, f"%ursa_profile {line}")
        assert capsys.readouterr().out == f"{label}\n"
    assert current(shell).data is shell.user_ns["data"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("r3", "'r3' is no profile, and no directory is there; did you mean 'r2'?"),
        ("local", "'local' needs the site's directory: %ursa_profile DIRECTORY"),
        ("/nowhere/at/all", "no directory is there"),
        (":people", ":people is no DataInterface but a list"),
        ("r2 local", "'local': one site at a time; quote a path with spaces"),
        (". --config x.toml", "--config is for bucket profiles"),
    ],
)
def test_no_other_site_is_chosen(shell: Any, line: str, message: str) -> None:
    before = current(shell)
    shell.push({"people": []})
    assert message in str(failure(shell, f"%ursa_profile {line}"))
    assert current(shell) is before


def test_choosing_a_site_forgets_what_was_found(shell: Any, place: Path) -> None:
    run(shell, "%ursa_query ;")
    run(shell, f"%ursa_profile {place}")
    assert current(shell).results is None


# -- delivering ----------------------------------------------------------------------------------


def test_a_plan_of_the_last_results_of_a_filter_or_of_a_variable(files: Any) -> None:
    run(files, "%ursa_query status=raw ;")
    last = run(files, "%ursa_plan mine")
    assert len(last.copies) == 3
    run(files, "found = %ursa_query status=raw modalities=notes")
    files.push({"place": Path("mine")})
    assert len(run(files, "%ursa_plan mine :found").copies) == 1
    assert len(run(files, "%ursa_plan :found").copies) == 1
    assert run(files, "%ursa_plan :found").dest is None
    assert run(files, "%ursa_plan :place status=raw --layout flat").dest == last.dest
    assert len(run(files, "%ursa_plan mine").copies) == 3
    run(files, "%ursa_plan mine --out planned")
    assert len(files.user_ns["planned"].copies) == 3


def test_a_download_runs_beside_and_can_be_awaited(files: Any) -> None:
    run(files, "job = %ursa_download mine status=raw")
    run(files, "paths = await job")
    assert len(files.user_ns["paths"]) == 3
    assert Path("mine/ursa-manifest.json").is_file()
    shown = run(files, "%ursa_jobs")
    assert files.user_ns["job"] in list(shown)
    assert shown[-1] in jobs()
    assert f"{files.user_ns['job'].id}  done, 100%" in repr(shown)
    assert len(shown[:1]) == 1


def test_what_a_view_says_to_type_next_is_about_what_it_shows(
    files: Any, site: DataInterface, make_session: MakeSession
) -> None:
    other = make_session("rec_20260302_093000_2f3a", {"mic/a.wav": b"other"})
    site.ingest(other / "manifest.json", source_dir=other)
    run(files, "found = %ursa_query status=raw")
    found = files.user_ns["found"]
    for shown, wanted in (("found[0]", 1), ("found", 2)):
        value = run(files, shown)
        page = files.display_formatter.format(value)[0]["text/html"]
        plan, download = re.findall("<code>(%.*?)</code>", page)
        run(files, f"planned = {plan}")
        copies = files.user_ns["planned"].copies
        hashes = {each.recording_hash for each in copies}
        assert hashes == set(found.recording_hashes[:wanted])
        run(files, f"job = {download} --existing refresh")
        assert len(files.user_ns["job"].wait()) == len(copies)


def test_waiting_returns_the_paths(files: Any, tmp_path: Path) -> None:
    run(files, f"%config UrsaMagics.dest = {str(tmp_path / 'my data')!r}")
    paths = run(files, "%ursa_download status=raw --wait")
    assert len(paths) == 3
    assert paths[0].is_relative_to(tmp_path / "my data")
    again = run(files, "%ursa_download --wait --overwrite --layout by_recording --source raw")
    assert again == paths
    said = files.display_formatter.format(paths)[0]["text/plain"]
    assert said.startswith(f"3 files:\n{paths[0]}\n")
    assert run(files, "%ursa_download --wait --existing refresh ;") is None


def test_a_refusal_is_one_line_and_stays_what_it_is(
    files: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    run(files, "%ursa_download mine status=raw --wait")
    capsys.readouterr()
    error = failure(files, "%ursa_download mine status=raw")
    said = capsys.readouterr().out
    assert isinstance(error, DestinationExists)
    assert sys.last_value is error
    first, *named = said.splitlines()
    assert first.startswith("DestinationExists: 3 files already there")
    assert [Path(each).is_file() for each in named] == [True] * 3


def test_the_stop_button_cancels_and_the_rest_can_be_brought(
    files: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pressed = threading.Lock()

    def interrupted(*given: Any) -> Any:
        presses = pressed.acquire(blocking=False)
        for moment in itertools.count():
            # Once in a while Python loses an interrupt: where it comes during a finalizer.
            if presses and moment % 1000 == 0:
                os.kill(os.getpid(), signal.SIGINT)
            given[-1].control.check()
            time.sleep(0.01)

    # What a shell starts in the background is told to ignore interrupts, and so are its children.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with monkeypatch.context() as patched:
        patched.setattr("ursa.transfer.job.deliver", interrupted)
        error = failure(files, "%ursa_download mine status=raw --wait")
    signal.signal(signal.SIGINT, before)
    assert isinstance(error, DownloadCancelled)
    assert capsys.readouterr().out.splitlines()[-1].startswith("DownloadCancelled: interrupted;")
    assert left_threads("ursa-download") == []
    assert len(run(files, "%ursa_download mine status=raw --wait --existing overwrite")) == 3


def test_failed_files_are_named_in_one_line(
    files: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def damaged(*_given: Any) -> Any:
        raise IntegrityError("bytes differ")

    monkeypatch.setattr("ursa.transfer.job.deliver", damaged)
    error = failure(files, "%ursa_download mine status=raw --wait --on-error collect")
    said = capsys.readouterr()
    assert type(error) is DownloadError
    assert isinstance(error.__cause__, DownloadFailures)
    (line,) = said.out.splitlines()
    assert line.startswith("DownloadFailures: 3 of 3 files failed")
    assert "samples 1.bin: IntegrityError: bytes differ;" in line
    assert "Traceback" not in said.err


def test_an_error_of_another_kind_keeps_its_traceback(
    shell: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_given: object, **_options: object) -> Any:
        raise RuntimeError("a bug")

    monkeypatch.setattr(DataInterface, "query", broken)
    assert isinstance(failure(shell, "%ursa_query"), RuntimeError)
    assert "Traceback" in capsys.readouterr().out


# -- browsing and help ---------------------------------------------------------------------------


def test_browsing_shows_any_status_unless_one_is_named(
    shell: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def browser(data: DataInterface, spec: QuerySpec) -> object:
        return data, spec

    monkeypatch.setitem(sys.modules, "ursa_jupyter.browser", SimpleNamespace(Browser=browser))
    data = current(shell).data
    assert run(shell, "%ursa_browse") == (data, QuerySpec(status="all"))
    found = run(shell, "%ursa_browse modalities=eeg status=raw")
    assert found == (data, QuerySpec(modalities="eeg", status="raw"))
    run(shell, "%ursa_browse --out w")
    assert shell.user_ns["w"][0] is data


@pytest.mark.parametrize("name", [name for name in FORMS if name != "ursa"])
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_every_magic_has_help(
    shell: Any, name: str, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(shell, f"%{name} {option}") is None
    said = capsys.readouterr().out
    assert said.startswith(f"%{name} {FORMS[name].usage}".rstrip() + "\n")
    assert all(f"--{each}" in said for each in FORMS[name].options)


def test_ursa_lists_all_magics(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    run(shell, "%ursa")
    said = capsys.readouterr().out
    assert all(f"  %{name} " in said for name in FORMS)
    registered = {name for name in shell.magics_manager.magics["line"] if name.startswith("ursa")}
    assert registered == set(FORMS)


def test_examples_are_lines_that_can_be_read() -> None:
    for form in FORMS.values():
        for example in form.examples:
            line = example.partition(f"%{form.name}")[2]
            words = read(form, line).words
            spec_of([each for each in words if is_term(each)], {"people": ["P001"]})


def test_without_settings_a_directory_is_suggested(
    no_settings: Path, shell: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert no_settings.is_dir()
    run(shell, "%ursa_profile r2")
    assert isinstance(failure(shell, "%ursa_query"), ProfileNotConfigured)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("ProfileNotConfigured: profile 'r2' has no endpoint")
    assert lines[-1] == "For a directory: %ursa_profile DIRECTORY"


def test_jobs_are_shown_as_html_too() -> None:
    assert "no downloads" in repr(Jobs([]))
    assert "no downloads" in Jobs([])._repr_html_()


def test_errors_in_a_real_kernel_fail_the_cell(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    manager, client = start_new_kernel(
        kernel_name="python3", env={**os.environ, "URSA_SITE": str(tmp_path / "empty")}
    )
    told: list[dict[str, Any]] = []
    try:
        client.execute_interactive("%load_ext ursa_jupyter", timeout=60)
        reply = client.execute_interactive("%ursa_query", timeout=60, output_hook=told.append)
        assert (reply["content"]["status"], reply["content"]["ename"]) == (
            "error",
            NotASite.__name__,
        )
        (error,) = [each["content"] for each in told if each["msg_type"] == "error"]
        (line,) = error["traceback"]
        assert line == f"NotASite: {error['evalue']}"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
