"""Several processes of one command beside each other, which end with the one that started them."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING

from ursa.cli.showing import INTERRUPTED, PARTIAL
from ursa.errors import ProcessError

if TYPE_CHECKING:
    from ursa.process import Outcome, ProcessReport

_PATIENCE_S = 15.0
_Child = subprocess.Popen[str]


def run(workers: int, ended: "Callable[[Outcome], None]") -> "ProcessReport":
    """Run this command in `workers` processes, tell each outcome, and return all of them.

    Raises
    ------
    ProcessError
        One of the processes ended otherwise than a worker does.
    """
    from ursa.process import Outcome, ProcessReport

    began, found = time.monotonic(), list[Outcome]()
    command = [sys.executable, "-m", "ursa", *_own_arguments(sys.argv[1:])]
    with _started([*command, "--format", "json", "--with-parent"], workers) as children:
        for line in _lines(children):
            told = json.loads(line)
            found.append(Outcome(**{**told, "streams": tuple(told["streams"])}))
            ended(found[-1])
        codes = [child.wait() for child in children]
    if wrong := [code for code in codes if code not in (0, PARTIAL)]:
        if INTERRUPTED in wrong:
            raise KeyboardInterrupt
        raise ProcessError(
            f"{len(wrong)} of {workers} workers ended with exit code {wrong[0]}; what they said is "
            "above; what they were at is taken up again when its lease ends"
        )
    return ProcessReport(tuple(found), 0, time.monotonic() - began)


def _own_arguments(arguments: Sequence[str]) -> Iterator[str]:
    """Yield the arguments without those that only the process that starts the others needs."""
    left = iter(arguments)
    for each in left:
        if each == "--workers":
            next(left, None)
        elif not each.startswith("--workers="):
            yield each


@contextmanager
def _started(command: Sequence[str], number: int) -> Iterator[list[_Child]]:
    children: list[_Child] = []
    try:
        children.extend(
            subprocess.Popen(  # noqa: S603 - this very program
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
            )
            for _ in range(number)
        )
        yield children
    finally:
        for child in children:
            _end(child)


def _end(child: _Child) -> None:
    """Let a child end by closing its standard input, which also happens if this process dies."""
    if child.stdin is not None:
        child.stdin.close()
    try:
        child.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    if child.stdout is not None:
        child.stdout.close()


def _lines(children: Sequence[_Child]) -> Iterator[str]:
    """Yield what the children print, as it comes."""
    queue: SimpleQueue[str | None] = SimpleQueue()

    def read(child: _Child) -> None:
        for line in child.stdout or ():
            queue.put(line)
        queue.put(None)

    for child in children:
        threading.Thread(target=read, args=(child,), daemon=True).start()
    left = len(children)
    while left:
        line = queue.get()
        if line is None:
            left -= 1
        else:
            yield line
