"""A real JupyterLab server, and a person at one of its notebooks in a browser."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import urlopen

import nbformat
from playwright.sync_api import TimeoutError as Late
from playwright.sync_api import expect

import ursa

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import Locator, Page

SLOW_S = 60.0  # for what takes seconds on a quiet machine
CHECKOUT = Path(ursa.__file__).parents[1]
# News and build checks ask the network; these two extensions take long to import and are not used.
PAGE_CONFIG = {
    "disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True},
    "buildCheck": False,
    "buildAvailable": False,
}
SERVER_CONFIG = {
    "ServerApp": {
        "jpserver_extensions": {"panel.io.jupyter_server_extension": False, "jupyter_lsp": False}
    }
}
# What is shown as idle may still be connecting, and then a cell that is run stays at `[ ]`.
READY = """() => {
  const kernel = window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel;
  return kernel?.connectionStatus === "connected" && kernel.status === "idle";
}"""
CELL = "window.jupyterapp.shell.currentWidget.content.widgets[index].model"


# -- the server ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Server:
    """A JupyterLab server that is up."""

    url: str
    token: str
    notebooks: Path
    log: Path

    def write(self, name: str, cells: Sequence[str]) -> Path:
        """Make a notebook of code cells."""
        notebook = nbformat.v4.new_notebook(  # type: ignore[no-untyped-call]
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells],  # type: ignore[no-untyped-call]
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        )
        path = self.notebooks / name
        nbformat.write(notebook, path)  # type: ignore[no-untyped-call]
        return path

    def told(self, most: int = 6000) -> str:
        """The end of the server's log, where its kernels write too."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-most:]


@contextmanager
def serving(home: Path) -> Iterator[Server]:
    """Run a JupyterLab server that reads and writes nothing outside `home`."""
    notebooks, log, token = home / "notebooks", home / "server.log", secrets.token_hex(16)
    notebooks.mkdir(parents=True)
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *_options(notebooks)],
            env=_environment(home, token),
            cwd=notebooks,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        url = _url(process, home / "runtime" / f"jpserver-{process.pid}.json", token, log)
        yield Server(url, token, notebooks, log)
    finally:
        _stop(process)


def _options(notebooks: Path) -> list[str]:
    return [
        "--no-browser",
        "--allow-root",
        "--ServerApp.port=0",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.root_dir={notebooks}",
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.news_url=None",
    ]


def _environment(home: Path, token: str) -> dict[str, str]:
    own = {
        "HOME": home,
        "IPYTHONDIR": home / "ipython",
        "JUPYTER_CONFIG_DIR": home / "config",
        "JUPYTER_DATA_DIR": home / "data",
        "JUPYTER_RUNTIME_DIR": home / "runtime",
        "JUPYTERLAB_SETTINGS_DIR": home / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces",
        "XDG_CONFIG_HOME": home / "xdg",
        "PYTHONPATH": os.pathsep.join([str(CHECKOUT), os.environ.get("PYTHONPATH", "")]),
        "JUPYTER_TOKEN": token,
    }
    configs = {"labconfig/page_config": PAGE_CONFIG, "jupyter_server_config": SERVER_CONFIG}
    for name, config in configs.items():
        path = home / "config" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(config), encoding="utf-8")
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("URSA_")}
    return inherited | {name: str(value) for name, value in own.items()}


def _url(process: subprocess.Popen[bytes], found: Path, token: str, log: Path) -> str:
    """Return the address once the server answers there."""
    end = time.monotonic() + 2 * SLOW_S
    while time.monotonic() < end and process.poll() is None:
        try:
            url = str(json.loads(found.read_bytes())["url"])
            with urlopen(f"{url}api/status?token={token}", timeout=SLOW_S):
                return url
        except (OSError, ValueError, URLError):
            time.sleep(0.1)
    raise AssertionError(f"JupyterLab did not start; its log:\n{log.read_text(encoding='utf-8')}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the server and the kernels, which are in its session."""
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


# -- the person ----------------------------------------------------------------------------------


class Lab:
    """A page with a notebook open in JupyterLab, and what a person does there."""

    def __init__(self, page: Page, server: Server, shots: Path) -> None:
        self.page, self.server, self._shots = page, server, shots
        self.said: list[str] = []
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("console", lambda said: self._note(said.type, said.text))

    def _note(self, kind: str, text: str) -> None:
        if kind == "error":
            self.said.append(text)

    def new(self, name: str, cells: Sequence[str]) -> None:
        """Make a notebook and open it."""
        self.server.write(f"{name}.ipynb", cells)
        self.open(name)

    def open(self, name: str) -> None:
        """Open a notebook, with nothing else open, and wait for its kernel."""
        path = quote(f"{name}.ipynb")
        self.page.goto(f"{self.server.url}lab/tree/{path}?token={self.server.token}&reset")
        self.page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=1000 * SLOW_S)
        self.wait_for_kernel()

    def leave(self) -> None:
        """End the kernels that this page started."""
        self.page.evaluate(
            "async () => void await window.jupyterapp?.serviceManager.sessions.shutdownAll()"
        )

    def wait_for_kernel(self) -> None:
        """Wait until a cell that is run now really runs."""
        self.page.wait_for_function(READY, timeout=1000 * SLOW_S)

    # -- cells ------------------------------------------------------------------------------------

    def cell(self, index: int) -> Locator:
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index)

    def output(self, index: int) -> Locator:
        """The output area of a cell."""
        return self.cell(index).locator(".jp-Cell-outputArea")

    def start(self, index: int) -> None:
        """Run a cell, and do not wait for it."""
        self.cell(index).locator(".jp-InputArea-editor .cm-content").click()
        self.page.keyboard.press("Control+Enter")

    def run(self, index: int, timeout: float = SLOW_S) -> str:
        """Run a cell to its end, and return the text that came out; an error in it is one here."""
        before = self._model(index, "executionCount")
        self.start(index)
        self.wait_for_cell(index, before, timeout)
        return self.text(index)

    def wait_for_cell(self, index: int, before: object = None, timeout: float = SLOW_S) -> None:
        """Wait until a cell has run, once more if it had run `before`."""
        done = f"([index, before]) => (({CELL}).executionCount ?? before) !== before"
        idle = f"([index, before]) => ({CELL}).executionState !== 'running'"
        try:
            self.page.wait_for_function(done, arg=[index, before], timeout=1000 * timeout)
            self.page.wait_for_function(idle, arg=[index, before], timeout=1000 * timeout)
        except Late:
            raise AssertionError(f"cell {index} still runs: {self.text(index)}") from None
        errors = [out for out in self.outputs(index) if out["output_type"] == "error"]
        assert not errors, "\n".join(errors[0]["traceback"])

    def outputs(self, index: int) -> list[dict[str, Any]]:
        """A cell's outputs as they would be saved."""
        return list(self._model(index, "outputs.toJSON()"))

    def text(self, index: int) -> str:
        """The plain text of a cell's outputs."""
        texts = [
            each["text"] if each["output_type"] == "stream" else _plain(each)
            for each in self.outputs(index)
        ]
        return "".join("".join(text) for text in texts)

    def append(self, source: str) -> int:
        """Add a cell at the end, and return its index."""
        add = """source => {
          const content = window.jupyterapp.shell.currentWidget.content;
          content.model.sharedModel.addCell({ cell_type: "code", source });
          return content.widgets.length - 1;
        }"""
        return int(self.page.evaluate(add, source))

    def execute(self, source: str, timeout: float = SLOW_S) -> str:
        """Run a new cell at the end, and return the text that came out."""
        return self.run(self.append(source), timeout)

    def type(self, index: int, text: str) -> None:
        """Type at the end of a cell."""
        self.cell(index).locator(".jp-InputArea-editor .cm-content").click()
        self.page.keyboard.press("Control+End")
        self.page.keyboard.type(text)

    def completions(self) -> list[str]:
        """Press Tab where the cursor is, and return what is offered."""
        offered = self.page.locator(".jp-Completer:not(.lm-mod-hidden) .jp-Completer-item")
        for _ in range(20):
            # Lab gives up after a second, which the first completion of a kernel may take.
            self.page.keyboard.press("Tab")
            with suppress(Late):
                offered.first.wait_for(timeout=2000)
                break
        expect(offered.first).to_be_visible()
        return [each.strip() for each in offered.locator(".jp-Completer-match").all_inner_texts()]

    def accept(self, completion: str) -> None:
        """Choose one of what is offered."""
        offered = self.page.locator(".jp-Completer:not(.lm-mod-hidden) .jp-Completer-match")
        offered.get_by_text(completion, exact=True).first.click()

    def source(self, index: int) -> str:
        """What stands in a cell."""
        return str(self._model(index, "sharedModel.getSource()"))

    def _model(self, index: int, attribute: str) -> Any:
        return self.page.evaluate(f"index => ({CELL}).{attribute}", index)

    # -- the notebook -----------------------------------------------------------------------------

    def save(self) -> None:
        self._command("docmanager:save")

    def restart(self) -> None:
        """Restart the kernel."""
        self.page.evaluate(
            "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
        )
        self.wait_for_kernel()

    def shut_down(self) -> None:
        """End the kernel, and leave the notebook open."""
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")

    def dark(self, *, on: bool = True) -> None:
        theme = f"JupyterLab {'Dark' if on else 'Light'}"
        self._command("apputils:change-theme", {"theme": theme})
        self.page.wait_for_selector(
            f'body[data-jp-theme-light="{str(not on).lower()}"]', state="attached"
        )

    def resize(self, width: int, height: int = 800) -> None:
        """Make the window narrow or wide, with the side bar closed."""
        self.page.set_viewport_size({"width": width, "height": height})
        if self.page.locator("#jp-left-stack").is_visible():
            self._command("application:toggle-left-area")

    def shot(self, name: str) -> Path:
        """Keep what is seen now as a picture."""
        self._shots.mkdir(parents=True, exist_ok=True)
        path = self._shots / f"{name}.png"
        self.page.screenshot(path=path)
        return path

    def violations(self, selector: str) -> list[str]:
        """What axe-core finds serious or critical in the part of the page that is selected."""
        # Where there is an AMD loader, axe would give itself to that one.
        self.page.evaluate(
            "(axe) => { const { define } = window; window.define = undefined; (0, eval)(axe); "
            "window.define = define; }",
            files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"),
        )
        found = self.page.evaluate("(selector) => axe.run(selector)", selector)["violations"]
        return [
            f"{each['impact']} {each['id']}: {node['html']}"
            for each in found
            if each["impact"] in {"serious", "critical"}
            for node in each["nodes"]
        ]

    def _command(self, name: str, given: dict[str, Any] | None = None) -> None:
        run = "([name, given]) => window.jupyterapp.commands.execute(name, given)"
        self.page.evaluate(f"async (all) => void await ({run})(all)", [name, given or {}])


def _plain(output: dict[str, Any]) -> str:
    return "".join(output.get("data", {}).get("text/plain", ""))
