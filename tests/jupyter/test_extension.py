from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any, cast

import pytest

import ursa
import ursa_jupyter
import ursa_jupyter.app
from tests.jupyter.shells import completions, new_shell, run
from ursa.errors import PackageMissing
from ursa_jupyter.session import current

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


PLOT = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
before = set(sys.modules)
shell.run_line_magic("load_ext", "ursa_jupyter")
print(json.dumps(sorted(set(sys.modules) - before)))
"""
HEAVY = {"lancedb", "pandas", "anywidget", "ipywidgets", "pyarrow", "pydantic", "obstore", "panel"}


def matchers(shell: Any) -> list[object]:
    return list(shell.Completer.custom_matchers)


def test_loading_prints_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new_shell(path=str(tmp_path)).extension_manager.load_extension("ursa_jupyter")
    said = f"ursa {ursa.__version__} · profile local, {tmp_path} · %ursa for help\n"
    assert capsys.readouterr().out == said


def test_the_environment_names_a_site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("URSA_SITE", str(tmp_path))
    new_shell().extension_manager.load_extension("ursa_jupyter")
    assert f"profile local, {tmp_path}" in capsys.readouterr().out
    new_shell(profile="r2-test").extension_manager.load_extension("ursa_jupyter")
    assert "profile r2-test ·" in capsys.readouterr().out


def test_loading_loads_nothing_heavy_and_opens_no_catalog() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PLOT], capture_output=True, text=True, check=True, timeout=120
    )
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}
    assert "ursa_jupyter" in loaded
    assert not loaded & HEAVY


def test_loading_twice_changes_nothing(tmp_path: Path) -> None:
    shell = new_shell(path=str(tmp_path))
    for _ in range(2):
        ursa_jupyter.load_ipython_extension(shell)
        session = current(shell)
    assert current(shell) is session
    assert len(matchers(shell)) == 1
    assert [type(each).__name__ for each in shell.configurables].count("UrsaMagics") == 1


def test_reloading_begins_anew_with_one_of_each(tmp_path: Path) -> None:
    shell = new_shell(path=str(tmp_path))
    shell.extension_manager.load_extension("ursa_jupyter")
    first = current(shell)
    for value in ("pandas", "panda"):
        shell.run_line_magic("config", f"UrsaMagics.output = {value!r}")
    shell.extension_manager.reload_extension("ursa_jupyter")
    assert current(shell) is not first
    assert len(matchers(shell)) == 1
    assert [type(each).__name__ for each in shell.configurables].count("UrsaMagics") == 1
    assert shell.magics_manager.registry["UrsaMagics"].output == "pandas"
    assert completions(shell, "%ursa_query statu|") == ["%ursa_query status="]


def test_unloading_leaves_nothing() -> None:
    shell = new_shell()
    before = {kind: set(shell.magics_manager.magics[kind]) for kind in ("line", "cell")}
    html = set(shell.display_formatter.formatters["text/html"].deferred_printers)
    shell.extension_manager.load_extension("ursa_jupyter")
    assert "ursa_query" in shell.magics_manager.magics["cell"]
    assert html != set(shell.display_formatter.formatters["text/html"].deferred_printers)
    shell.extension_manager.unload_extension("ursa_jupyter")
    assert {kind: set(shell.magics_manager.magics[kind]) for kind in before} == before
    assert html == set(shell.display_formatter.formatters["text/html"].deferred_printers)
    assert matchers(shell) == []
    assert "UrsaMagics" not in {type(each).__name__ for each in shell.configurables}
    ursa_jupyter.unload_ipython_extension(shell)


def test_unloading_leaves_the_matchers_of_others() -> None:
    shell = new_shell()
    shell.extension_manager.load_extension("ursa_jupyter")

    def other(text: str) -> list[str]:
        return [text]

    shell.Completer.custom_matchers.append(other)
    shell.extension_manager.unload_extension("ursa_jupyter")
    assert matchers(shell) == [other]


def test_config_sets_what_magics_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shell = new_shell(path=str(tmp_path))
    shell.extension_manager.load_extension("ursa_jupyter")
    run(shell, "%config UrsaMagics.profile = 'r2-test'")
    assert current(shell).label == "profile r2-test"
    run(shell, f"%config UrsaMagics.path = {str(tmp_path)!r}")
    assert current(shell).label == f"profile local, {tmp_path}"
    run(shell, "%config UrsaMagics.profile = 'r2'")
    assert current(shell).label == "profile r2"
    capsys.readouterr()
    run(shell, "%config UrsaMagics")
    said = capsys.readouterr().out
    for name in ("profile", "path", "config_path", "output", "progress", "dest"):
        assert f"UrsaMagics.{name}=" in said


def test_names_are_loaded_when_asked_for() -> None:
    assert {"Browser", "Progress", "load_ipython_extension"} <= set(dir(ursa_jupyter))
    name = "Nothing"
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = getattr(ursa_jupyter, name)


@pytest.mark.parametrize(
    ("package", "ask", "install"),
    [
        ("anywidget", lambda: ursa_jupyter.Browser, "jupyter"),
        ("anywidget", lambda: ursa_jupyter.Progress, "jupyter"),
        ("IPython", lambda: ursa_jupyter.load_ipython_extension(cast("Any", None)), "jupyter"),
        ("panel", lambda: ursa_jupyter.app.view, "panel"),
    ],
)
def test_a_front_end_without_its_package_says_what_to_install(
    package: str, ask: Callable[[], object], install: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("Browser", "Progress"):
        monkeypatch.delitem(vars(ursa_jupyter), name, raising=False)
    monkeypatch.setitem(sys.modules, package, cast("Any", None))
    with pytest.raises(PackageMissing, match=rf"pip install 'ursa\[{install}\]'"):
        ask()
