"""The commands: each opens the site, calls one verb and writes its result."""

import dataclasses
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from ursa import __version__
from ursa.cli.options import (
    Config,
    Format,
    LayoutChoice,
    LayoutOption,
    OutputFormat,
    Overwrite,
    Profile,
    Progress,
    ProgressChoice,
    Selected,
    Site,
    SourceChoice,
    SourceOption,
    filtered,
)
from ursa.cli.showing import PARTIAL, chosen, display, harmless, resumable
from ursa.errors import InvalidArgument, UrsaError
from ursa.text import counted

if TYPE_CHECKING:
    from ursa.data_interface import DataInterface
    from ursa.filters import QuerySpec
    from ursa.site import Site as Place
    from ursa.transfer.plan import DownloadPlan

app = typer.Typer(
    help="Find, download and ingest multimodal recordings.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
manifest_app = typer.Typer(help="Make session manifests.", no_args_is_help=True)
app.add_typer(manifest_app, name="manifest")


def _open(site: Path | None, profile: str | None, config: Path | None) -> "DataInterface":
    from ursa.data_interface import DataInterface

    place = _site(site, profile, config)
    return DataInterface(place.profile, path=place.root, config_path=place.config)


def _site(site: Path | None, profile: str | None, config: Path | None) -> "Place":
    from ursa.site import Site as Place

    if profile not in (None, "local") and str(site) == os.environ.get("URSA_SITE"):
        site = None  # it stands in for --site, which was not given
    if config is not None and site is None and profile is None:
        raise InvalidArgument("--config is of a bucket profile: add --profile r2, or r2-test")
    if site is None and profile in (None, "local"):
        raise InvalidArgument(
            "no site was named: add --site DIR or --profile r2, set URSA_SITE, or try: ursa demo"
        )
    return Place.open(cast("Any", profile or "local"), path=site, config_path=config)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print it and exit."
        ),
    ] = False,
) -> None:
    """Find, download and ingest multimodal recordings."""


@app.command()
def demo(
    directory: Annotated[Path, typer.Argument(help="Where the demo keeps its files.")] = Path(
        "ursa-demo"
    ),
    offline: Annotated[bool, typer.Option("--offline", help="Fetch nothing.")] = False,
) -> None:
    """Ingest, process, find, download and verify real sample recordings."""
    from ursa.demo import run

    raise typer.Exit(run(directory, offline=offline))


@manifest_app.command("build")
def manifest_build(
    directory: Annotated[Path, typer.Argument(help="A session's directory.")],
    recording_id: Annotated[str | None, typer.Option(help="Like rec_20260301_093000_1f3a.")] = None,
    started_at: Annotated[str | None, typer.Option(help="ISO 8601 with a zone.")] = None,
    ended_at: Annotated[str | None, typer.Option(help="ISO 8601 with a zone.")] = None,
) -> None:
    """Write manifest.json with the size and SHA-256 of every file of a session."""
    from ursa.register.manifest import build
    from ursa.time import parse_time

    times = {
        name: parse_time(text)
        for name, text in (("started_at", started_at), ("ended_at", ended_at))
        if text is not None
    }
    print(build(directory, recording_id=recording_id, **times))


@app.command()
def ingest(
    sessions: Annotated[
        list[Path], typer.Argument(help="Session directories with a manifest.json.")
    ],
    site: Site = None,
    profile: Profile = None,
    config: Config = None,
    participant: Annotated[
        str | None, typer.Option(help="Id or name; else participant.txt.")
    ] = None,
    overwrite: Overwrite = False,
    progress: Progress = ProgressChoice.AUTO,
    output: OutputFormat = Format.HUMAN,
) -> None:
    """Store sessions and register them; a failing one does not stop the others."""
    data, failed = _open(site, profile, config), 0
    if site is not None and not site.exists():
        print(f"making a new site at {site}", file=sys.stderr)
    data.enable_writes(roles=("assets_rw", "raw_rw"))
    for session in sessions:
        try:
            with resumable("run the same command to go on"):
                _ingest_one(data, session, participant, progress, output, overwrite=overwrite)
        except UrsaError as error:
            if len(sessions) == 1:
                raise
            failed += 1
            print(f"{session}: {harmless(error)}", file=sys.stderr)
    if failed:
        print(f"{failed} of {len(sessions)} sessions failed", file=sys.stderr)
        raise typer.Exit(PARTIAL)


def _ingest_one(
    data: "DataInterface",
    session: Path,
    participant: str | None,
    progress: ProgressChoice,
    output: Format,
    *,
    overwrite: bool,
) -> None:
    from ursa.bar import UploadBar

    manifest = session if session.is_file() else session / "manifest.json"
    with UploadBar(session.name, progress=display(progress, session.name)) as bar:
        result = data.ingest(
            manifest,
            source_dir=manifest.parent,
            participant=participant,
            overwrite=overwrite,
            progress=bar,
        )
    row = result.recording
    if output is Format.JSON:
        values = {
            **dataclasses.asdict(result),
            "recording": row.model_dump(mode="json") if row else None,
        }
        print(json.dumps(values, ensure_ascii=False))
    elif row is not None:
        counts = (
            f"{counted(result.files_uploaded, 'file')} stored, {result.files_skipped} were there"
        )
        print(f"{row.recording_hash}  {counts}")


@app.command()
@filtered
def query(
    spec: "QuerySpec",
    site: Site = None,
    profile: Profile = None,
    config: Config = None,
    output: OutputFormat = Format.HUMAN,
) -> None:
    """List the recordings that match every filter."""
    results = _open(site, profile, config).query(spec)
    if output is Format.JSON:
        _print_lines(result.model_dump(mode="json") for result in results)
    else:
        print(results if len(results) else "0 recordings")
    if results.hidden_raw:
        hint = f"{results.hidden_raw} unprocessed recordings match: add --status raw to see them"
        print(hint, file=sys.stderr)


@app.command()
@filtered
def facets(
    spec: "QuerySpec",
    fields: Annotated[
        list[str],
        typer.Argument(help="participants, modalities, status, event_type or metadata.KEY."),
    ],
    site: Site = None,
    profile: Profile = None,
    config: Config = None,
    output: OutputFormat = Format.HUMAN,
) -> None:
    """Count the matching recordings by the values of fields."""
    for field, values in _open(site, profile, config).facets(*fields, spec=spec).items():
        if output is Format.JSON:
            _print_lines({"field": field, **each._asdict()} for each in values)
        else:
            print(field)
            for each in values:
                print(f"  {each.recordings:>9}  {each.value}")


@app.command()
@filtered
def plan(
    spec: "QuerySpec",
    dest: Annotated[Path | None, typer.Argument(help="Directory of the download.")] = None,
    site: Site = None,
    profile: Profile = None,
    config: Config = None,
    layout: LayoutOption = LayoutChoice.BY_RECORDING,
    source: SourceOption = SourceChoice.AUTO,
    output: OutputFormat = Format.HUMAN,
    selected: Selected = None,
) -> None:
    """Say what a download would copy; nothing is written."""
    data = _open(site, profile, config)
    results = data.query(spec) if selected is None else chosen(data, spec, source)
    planned = data.plan(results, dest, layout=layout.value, source=source.value)
    _print_plan(planned, output)


def _print_plan(planned: "DownloadPlan", output: Format) -> None:
    if output is Format.HUMAN:
        print(planned)
    else:
        _print_lines(copy.described() for copy in planned.copies)


@app.command()
def verify(
    directory: Annotated[Path, typer.Argument(help="A directory that was downloaded into.")],
    output: OutputFormat = Format.HUMAN,
) -> None:
    """Compare every downloaded file with its SHA-256."""
    from ursa.transfer.verify import verify as check

    report = check(directory)
    print(
        report
        if output is Format.HUMAN
        else json.dumps({"ok": report.ok, **dataclasses.asdict(report)})
    )
    if not report.ok:
        raise typer.Exit(PARTIAL)


def _print_lines(values: Iterable[dict[str, Any]]) -> None:
    for value in values:
        print(json.dumps(value, ensure_ascii=False))
