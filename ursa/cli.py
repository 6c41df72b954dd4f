"""The command line: data on standard output, progress and errors on standard error.

Exit codes: 0 done, 1 refused, 2 wrong usage, 3 some files are wrong or missing, 4 no access,
130 interrupted.
"""

import dataclasses
import inspect
import json
import sys
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

import ursa
from ursa.errors import (
    IntegrityError,
    InvalidArgument,
    SiteError,
    UnknownKeyword,
    UrsaError,
)

if TYPE_CHECKING:
    from ursa.data_interface import DataInterface
    from ursa.query import QuerySpec

REFUSED, USAGE, PARTIAL, ACCESS = 1, 2, 3, 4

app = typer.Typer(
    help="Find, download and ingest multimodal recordings.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
manifest_app = typer.Typer(help="Make session manifests.", no_args_is_help=True)
app.add_typer(manifest_app, name="manifest")


class Format(StrEnum):
    """How results are written."""

    HUMAN = "human"
    JSON = "json"


class StatusChoice(StrEnum):
    """Which modalities count."""

    INGESTED = "ingested"
    RAW = "raw"
    ALL = "all"


class LayoutChoice(StrEnum):
    """How a download is arranged."""

    BY_RECORDING = "by_recording"
    BY_MODALITY = "by_modality"
    FLAT = "flat"


class SourceChoice(StrEnum):
    """Which form of the data is downloaded."""

    AUTO = "auto"
    RAW = "raw"
    PROCESSED = "processed"


Site = Annotated[
    Path | None,
    typer.Option(
        "--site", "--path", envvar="URSA_SITE", help="The site's directory.", show_default=False
    ),
]
Profile = Annotated[
    str | None,
    typer.Option(help="r2, r2-test or local; local where --site is given.", show_default=False),
]
OutputFormat = Annotated[
    Format, typer.Option("--format", help="human, or json: one object per line.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what exists and differs.")]

FILTERS = {
    "participants": Annotated[
        list[str] | None, typer.Option(help="Ids, comma-separated; any of them.")
    ],
    "modalities": Annotated[
        list[str] | None, typer.Option(help="Names, comma-separated; any of them.")
    ],
    "recording_hash": Annotated[list[str] | None, typer.Option(help="Full recording hashes.")],
    "metadata": Annotated[
        list[str] | None, typer.Option(help="KEY=VALUE; repeat for more; all of them.")
    ],
    "status": Annotated[StatusChoice, typer.Option(help="Processed (ingested), raw, or all.")],
    "time_range": Annotated[
        str | None, typer.Option(help="START..END in ISO 8601 with a zone; one may be empty.")
    ],
    "limit": Annotated[int | None, typer.Option(min=0, help="At most so many recordings.")],
}


def filtered(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the filter options, and hand it the `QuerySpec` they make as `spec`."""

    def wrapper(**options: Any) -> None:
        filters = {name: options.pop(name) for name in FILTERS}
        command(spec=_spec(filters), **options)

    own = inspect.signature(command).parameters
    keyword = inspect.Parameter.KEYWORD_ONLY
    filters = [
        inspect.Parameter(
            name,
            keyword,
            default=StatusChoice.INGESTED if name == "status" else None,
            annotation=annotation,
        )
        for name, annotation in FILTERS.items()
    ]
    others = [p.replace(kind=keyword) for name, p in own.items() if name != "spec"]
    wrapper.__name__, wrapper.__doc__ = command.__name__, command.__doc__
    wrapper.__signature__ = inspect.Signature(others + filters)  # type: ignore[attr-defined]
    return wrapper


def _spec(options: dict[str, Any]) -> "QuerySpec":
    from ursa.query import make_spec

    given = {name: value for name, value in options.items() if value not in (None, [])}
    for name in ("participants", "modalities", "recording_hash"):
        if name in given:
            given[name] = [part for value in given[name] for part in value.split(",") if part]
    if "metadata" in given:
        given["metadata"] = dict(_metadata_entry(text) for text in given["metadata"])
    if "time_range" in given:
        given["time_range"] = _time_range(given["time_range"])
    return make_spec(None, {**given, "status": str(given["status"])})


def _metadata_entry(text: str) -> tuple[str, Any]:
    key, separator, value = text.partition("=")
    if not separator or not key:
        raise InvalidArgument(f"--metadata {text!r} has no '='; write it as KEY=VALUE")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def _time_range(text: str) -> tuple[str | None, str | None]:
    start, separator, end = text.partition("..")
    if not separator:
        raise InvalidArgument(f"--time-range {text!r} has no '..'; write it as START..END")
    return start or None, end or None


def _open(site: Path | None, profile: str | None) -> "DataInterface":
    from ursa.data_interface import DataInterface

    if site is None and profile in (None, "local"):
        raise InvalidArgument("no site was named: add --site DIR, set URSA_SITE, or try: ursa demo")
    return DataInterface(cast("Any", profile or "local"), path=site)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(ursa.__version__)
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
    """Ingest, find, download and verify real sample recordings."""
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
    participant: Annotated[
        str | None, typer.Option(help="Id or name; else participant.txt.")
    ] = None,
    overwrite: Overwrite = False,
    output: OutputFormat = Format.HUMAN,
) -> None:
    """Store sessions and register them; a failing one does not stop the others."""
    data, failed = _open(site, profile), 0
    data.enable_writes(roles=("assets_rw", "raw_rw"))
    for session in sessions:
        try:
            _ingest_one(data, session, participant, output, overwrite=overwrite)
        except UrsaError as error:
            if len(sessions) == 1:
                raise
            failed += 1
            print(f"{session}: {error}", file=sys.stderr)
    if failed:
        print(f"{failed} of {len(sessions)} sessions failed", file=sys.stderr)
        raise typer.Exit(PARTIAL)


def _ingest_one(
    data: "DataInterface",
    session: Path,
    participant: str | None,
    output: Format,
    *,
    overwrite: bool,
) -> None:
    from ursa.bar import UploadBar

    manifest = session if session.is_file() else session / "manifest.json"
    with UploadBar(session.name) as bar:
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
        counts = f"{result.files_uploaded} files stored, {result.files_skipped} were there"
        print(f"{row.recording_hash}  {counts}")


@app.command()
@filtered
def query(
    spec: "QuerySpec",
    site: Site = None,
    profile: Profile = None,
    output: OutputFormat = Format.HUMAN,
) -> None:
    """List the recordings that match every filter."""
    results = _open(site, profile).query(spec)
    if output is Format.JSON:
        _print_lines(result.model_dump(mode="json") for result in results)
    else:
        print(results if len(results) else "0 recordings")
    if results.hidden_raw:
        hint = f"{results.hidden_raw} unprocessed recordings match: add --status raw to see them"
        print(hint, file=sys.stderr)


@app.command()
@filtered
def plan(
    spec: "QuerySpec",
    dest: Annotated[Path | None, typer.Argument(help="Directory of the download.")] = None,
    site: Site = None,
    profile: Profile = None,
    layout: Annotated[LayoutChoice, typer.Option()] = LayoutChoice.BY_RECORDING,
    source: Annotated[SourceChoice, typer.Option()] = SourceChoice.AUTO,
    output: OutputFormat = Format.HUMAN,
) -> None:
    """Say what a download would copy; nothing is written."""
    data = _open(site, profile)
    planned = data.plan(data.query(spec), dest, layout=layout.value, source=source.value)
    if output is Format.HUMAN:
        print(planned)
    else:
        _print_lines(copy.described() for copy in planned.copies)


@app.command()
@filtered
def download(
    spec: "QuerySpec",
    dest: Annotated[Path, typer.Argument(help="Directory, made if missing.")],
    site: Site = None,
    profile: Profile = None,
    layout: Annotated[LayoutChoice, typer.Option()] = LayoutChoice.BY_RECORDING,
    source: Annotated[SourceChoice, typer.Option()] = SourceChoice.AUTO,
    overwrite: Overwrite = False,
    output: OutputFormat = Format.HUMAN,
) -> None:
    """Copy the data of matching recordings, every file verified."""
    from ursa.bar import DownloadBar

    data = _open(site, profile)
    results = data.query(spec)
    with DownloadBar() as bar:
        paths = data.download(
            results,
            dest,
            layout=layout.value,
            source=source.value,
            overwrite=overwrite,
            progress=bar,
        )
    if output is Format.HUMAN:
        print(f"{len(paths)} files of {len(results)} recordings are in {dest}")
    else:
        _print_lines({"path": str(path)} for path in paths)


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


def main() -> None:
    """Run the command line, turning errors into a message and an exit code."""
    try:
        app()
    except UrsaError as error:
        print(f"ursa: {error}", file=sys.stderr)
        sys.exit(_exit_code(error))


def _exit_code(error: UrsaError) -> int:
    if isinstance(error, InvalidArgument | UnknownKeyword | SiteError):
        return USAGE
    if isinstance(error, PermissionError):
        return ACCESS
    return PARTIAL if isinstance(error, IntegrityError) else REFUSED
