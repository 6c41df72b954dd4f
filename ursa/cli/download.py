"""`ursa download`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ursa.cli.commands import _open, _print_lines, _print_plan
from ursa.cli.options import (
    Config,
    ExistingChoice,
    Format,
    LayoutChoice,
    LayoutOption,
    OnErrorChoice,
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
from ursa.cli.showing import chosen, display, resumable
from ursa.errors import InvalidArgument
from ursa.text import counted

if TYPE_CHECKING:
    from ursa.filters import QuerySpec

Existing = Annotated[
    ExistingChoice | None,
    typer.Option(
        help="For files that are there. error (the default): refuse; skip: leave alone; verify: "
        "hash, refuse wrong ones; overwrite: hash, replace wrong ones; refresh: the same, but "
        "trust what ursa-manifest.json records.",
        show_default=False,
    ),
]
OnError = Annotated[
    OnErrorChoice,
    typer.Option(help="After a failed file: stop, or deliver the others and list the failures."),
]
NoVerify = Annotated[
    bool,
    typer.Option(
        "--no-verify",
        help="Do NOT compare the bytes with their SHA-256: only sizes are checked, damage goes "
        "unnoticed, and the files are recorded as unverified.",
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be copied, as plan does; write nothing.")
]


@filtered
def download(
    spec: "QuerySpec",
    dest: Annotated[Path, typer.Argument(help="Directory, made if missing.")],
    site: Site = None,
    profile: Profile = None,
    config: Config = None,
    layout: LayoutOption = LayoutChoice.BY_RECORDING,
    source: SourceOption = SourceChoice.AUTO,
    existing: Existing = None,
    overwrite: Overwrite = False,
    on_error: OnError = OnErrorChoice.RAISE,
    no_verify: NoVerify = False,
    dry_run: DryRun = False,
    progress: Progress = ProgressChoice.AUTO,
    output: OutputFormat = Format.HUMAN,
    selected: Selected = None,
) -> None:
    """Copy the data of matching recordings, every file verified."""
    policy = _policy(existing, overwrite=overwrite)
    data = _open(site, profile, config)
    results = data.query(spec) if selected is None else chosen(data, spec, source)
    if dry_run:
        planned = data.plan(results, dest, layout=layout.value, source=source.value)
        _print_plan(planned, output)
        return
    with resumable(_how_to_go_on(policy)):
        paths = data.download(
            results,
            dest,
            layout=layout.value,
            source=source.value,
            existing=policy.value,
            on_error=on_error.value,
            verify=not no_verify,
            progress=display(progress, "download"),
        )
    if output is Format.HUMAN:
        done = f"{counted(len(paths), 'file')} of {counted(len(results), 'recording')}"
        print(f"{done} in {dest}")
    else:
        _print_lines({"path": str(path)} for path in paths)


def _policy(existing: ExistingChoice | None, *, overwrite: bool) -> ExistingChoice:
    if not overwrite:
        return existing or ExistingChoice.ERROR
    if existing not in (None, ExistingChoice.OVERWRITE):
        raise InvalidArgument(
            f"--overwrite is short for --existing overwrite and was given beside --existing "
            f"{existing}; give one of them"
        )
    return ExistingChoice.OVERWRITE


def _how_to_go_on(policy: ExistingChoice) -> str:
    again = " with --existing overwrite" if policy is ExistingChoice.ERROR else ""
    return f"run the same command{again} to go on"
