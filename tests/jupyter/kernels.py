"""A real kernel, and what a browser would say to it and hear of it."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from queue import Empty
from typing import TYPE_CHECKING, Any

from jupyter_client.manager import KernelManager

from tests.scripted import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jupyter_client.blocking.client import BlockingKernelClient

Message = dict[str, Any]
VIEW = "application/vnd.jupyter.widget-view+json"


class Kernel:
    """A kernel's client that keeps all that it hears.

    Attributes
    ----------
    heard : list of dict
        Messages of the IOPub channel, each with ``at``, the seconds when it came.
    """

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager, self._client = manager, client
        self.heard: list[Message] = []
        self._subshell = self._new_subshell()

    def _new_subshell(self) -> str | None:
        """Ask for the thread that a browser has its clicks dealt with on, where there are any."""
        known = self._client.kernel_info(reply=True, timeout=PATIENCE)["content"]
        if "kernel subshells" not in known.get("supported_features", ()):
            return None
        self._client.control_channel.send(self._client.session.msg("create_subshell_request", {}))
        reply = self._client.get_control_msg(timeout=PATIENCE)
        return str(reply["content"]["subshell_id"])

    def begin(self, code: str, **options: Any) -> str:
        """Run a cell, and return its id without waiting."""
        return str(self._client.execute(code, **options))

    def run(self, code: str, **options: Any) -> list[Message]:
        """Run a cell, and return what it said."""
        cell = self.begin(code, **options)
        self.until_idle(cell)
        said = self.said(cell)
        errors = [each["content"] for each in said if each["msg_type"] == "error"]
        assert not errors, "\n".join(errors[0]["traceback"])
        return said

    def said(self, cell: str) -> list[Message]:
        """Return what was said so far because of a message."""
        return [each for each in self.heard if each["parent_header"].get("msg_id") == cell]

    def text(self, code: str) -> str:
        """Run a cell, and return what it wrote."""
        said = self.run(code)
        return "".join(m["content"]["text"] for m in said if m["msg_type"] == "stream")

    def until_idle(self, cell: str) -> None:
        """Listen until a message has been dealt with."""
        self.until(
            lambda: any(
                each["msg_type"] == "status" and each["content"]["execution_state"] == "idle"
                for each in self.said(cell)
            )
        )

    def until(self, holds: Callable[[], object]) -> None:
        """Listen until something holds."""
        deadline = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < deadline, [each["msg_type"] for each in self.heard[-20:]]
            try:
                message = self._client.get_iopub_msg(timeout=0.2)
            except Empty:
                continue
            self.heard.append({**message, "at": time.monotonic()})

    def click(self, comm: str, **request: Any) -> str:
        """Send a widget's custom message, as its view does; return its id."""
        data = {"method": "custom", "content": request}
        message = self._client.session.msg("comm_msg", {"comm_id": comm, "data": data})
        message["header"]["subshell_id"] = self._subshell
        self._client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def states(self, comm: str) -> list[list[Message]]:
        """Return every value of the trait ``jobs`` that the browser was sent."""
        data = [
            each["content"]["data"]
            for each in self.heard
            if each["msg_type"] in {"comm_open", "comm_msg"} and each["content"]["comm_id"] == comm
        ]
        return [each["state"]["jobs"] for each in data if "jobs" in each.get("state", {})]

    def reply(self, comm: str, name: str) -> Message | None:
        """Return the widget's answer to the request with this id."""
        for each in self.heard:
            content = each["content"]
            if each["msg_type"] == "comm_msg" and content["comm_id"] == comm:
                answer: Message = content["data"].get("content", {})
                if answer.get("id") == name:
                    return answer
        return None


@contextmanager
def kernel() -> Iterator[Kernel]:
    """Start a kernel, of the interpreter ``URSA_KERNEL_PYTHON`` if that is set."""
    manager = KernelManager(kernel_name="python3")
    assert manager.kernel_spec is not None
    manager.kernel_spec.argv[0] = os.environ.get("URSA_KERNEL_PYTHON", sys.executable)
    root = str(Path(__file__).parents[2])
    manager.start_kernel(cwd=root, env={**os.environ, "PYTHONPATH": root})
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def shown(messages: list[Message]) -> list[str]:
    """Return the widgets that a cell displays."""
    data = [each["content"]["data"] for each in messages if each["msg_type"] == "display_data"]
    return [each[VIEW]["model_id"] for each in data if VIEW in each]
