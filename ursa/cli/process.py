"""`ursa process`."""

import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ursa.cli.commands import _open
from ursa.cli.options import Config, Format, OutputFormat, Profile, Site, filtered
from ursa.cli.showing import PARTIAL, resumable
from ursa.errors import CatalogError, InvalidArgument, ObjectStoreError
from ursa.render.text import printable

if TYPE_CHECKING:
    from ursa.data_interface import DataInterface
    from ursa.filters import QuerySpec
    from ursa.process import Outcome, ProcessReport
    from ursa.progress import ProcessProgress

Watch = Annotated[
    bool, typer.Option("--watch", help="Do not end: look for new recordings again and again.")
]
Every = Annotated[
    float, typer.Option("--every", min=0.1, help="Seconds between two looks of --watch.")
]
RetryFailed = Annotated[
    bool, typer.Option("--retry-failed", help="Also take what has failed before.")
]
Again = Annotated[
    bool, typer.Option("--overwrite", help="Also process again what is processed already.")
]
Attempts = Annotated[
    int, typer.Option(min=1, help="Tries after which a modality is given up as failed.")
]
LeaseSeconds = Annotated[
    float, typer.Option("--lease", min=0.1, help="Seconds until a silent worker counts as dead.")
]
Workers = Annotated[int, typer.Option(min=1, help="So many processes beside each other.")]
AsJson = Annotated[bool, typer.Option("--json", help="Short for --format json.")]
WithParent = Annotated[bool, typer.Option("--with-parent", hidden=True)]


@filtered
def process(
    spec: "QuerySpec",
    site: Site = None,
    profile: Profile = None,
    config: Config = None,
    watch: Watch = False,
    every: Every = 10.0,
    retry_failed: RetryFailed = False,
    overwrite: Again = False,
    attempts: Attempts = 3,
    lease: LeaseSeconds = 60.0,
    workers: Workers = 1,
    output: OutputFormat = Format.HUMAN,
    as_json: AsJson = False,
    with_parent: WithParent = False,
) -> None:
    """Turn raw files into processed data, which opens by time.

    Takes what is not processed yet; filters narrow that, and --limit counts modalities here.
    Any number of these may run on one site at the same time, on one machine or many.
    Exits with 3 if some failed: ursa query --status failed lists them, with the reason in the
    metadata of the modality.
    """
    output = Format.JSON if as_json else output
    if watch and overwrite:
        raise InvalidArgument("--watch would process everything without end with --overwrite")
    if workers > 1:
        _refuse_alone(overwrite=overwrite, limit=spec.limit)
    data = _open(site, profile, config)
    _ = data.catalog  # since a site that is missing is an error here, and not made
    with _ending(with_parent), resumable("run the same command to go on"):
        if workers > 1:
            from ursa.cli.crew import run

            report = run(workers, lambda outcome: _print(outcome, output))
        else:
            data.enable_writes(roles=("assets_rw",))
            rules = {"attempts": attempts, "lease_s": lease, "retry_failed": retry_failed}
            report = _rounds(
                data, spec, {**rules, "overwrite": overwrite}, output, every if watch else None
            )
    if output is Format.HUMAN:
        print(printable(report.counts()))
    if not report.ok:
        raise typer.Exit(PARTIAL)


def _refuse_alone(*, overwrite: bool, limit: int | None) -> None:
    for option, given in (("--overwrite", overwrite), ("--limit", limit is not None)):
        if given:
            raise InvalidArgument(f"{option} takes one process; leave out --workers")


def _rounds(
    data: "DataInterface",
    spec: "QuerySpec",
    rules: dict[str, Any],
    output: Format,
    every: float | None,
) -> "ProcessReport":
    from ursa.process import joined

    done = []
    limit, target = spec.limit, spec.model_copy(update={"limit": None})
    while True:
        try:
            with _status(output) as tell:
                done.append(data.process(target, limit=limit, progress=tell, **rules))
        except (CatalogError, ObjectStoreError) as error:
            if every is None:
                raise
            print(printable(f"ursa: {error}"), file=sys.stderr)
        if every is None:
            return joined(done)
        done.clear()  # they are printed, and there is no end to them
        rules["retry_failed"] = False
        time.sleep(every)


def _print(outcome: "Outcome", output: Format) -> None:
    if output is Format.JSON:
        print(json.dumps(outcome.described(), ensure_ascii=False), flush=True)
    else:
        print(printable(str(outcome)), flush=True)


@contextmanager
def _status(output: Format) -> "Iterator[Callable[[ProcessProgress], None]]":
    """Give what prints each end, and on a terminal one line of where the work is."""
    from ursa.process import Outcome

    is_terminal, shown = sys.stderr.isatty(), [0.0]

    def tell(event: "ProcessProgress") -> None:
        outcome = Outcome.of(event)
        if is_terminal and (outcome or time.monotonic() - shown[0] > 0.1):  # noqa: PLR2004 - 10 Hz
            shown[0] = time.monotonic()
            print(f"\r\x1b[K{'' if outcome else _where(event)}", end="", file=sys.stderr)
        if outcome is not None:
            _print(outcome, output)

    try:
        yield tell
    finally:
        if is_terminal:
            print("\r\x1b[K", end="", file=sys.stderr)


def _where(event: "ProcessProgress") -> str:
    place = f"{event.modality} of {event.recording_hash[:12]}" if event.recording_hash else ""
    done = f" {event.fraction:.0%}" if event.fraction else ""
    return printable(f"{event.done}/{event.total} recordings  {place} {event.phase}{done}")[:79]


@contextmanager
def _ending(with_parent: bool) -> Iterator[None]:
    """Let SIGTERM, and the end of the process that started this one, do what Ctrl-C does."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    if with_parent:
        threading.Thread(target=_watch_parent, name="ursa-parent", daemon=True).start()
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _watch_parent() -> None:
    import _thread
    import os

    # Not `sys.stdin`, whose lock a thread must not hold when the interpreter ends.
    while os.read(0, 1024):
        pass
    _thread.interrupt_main()
