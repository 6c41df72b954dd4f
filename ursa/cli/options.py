"""Options that several commands share; the filter options make one `QuerySpec`."""

import inspect
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ursa.errors import InvalidArgument
from ursa.faces import read_cli
from ursa.terms import FIELDS, REPEATED, Field, Kind

if TYPE_CHECKING:
    from ursa.filters import QuerySpec


class Format(StrEnum):
    """How results are written."""

    HUMAN = "human"
    JSON = "json"


class StatusChoice(StrEnum):
    """Which modalities count."""

    INGESTED = "ingested"
    RAW = "raw"
    INGESTING = "ingesting"
    FAILED = "failed"
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


class ExistingChoice(StrEnum):
    """What a download does with files that are there."""

    ERROR = "error"
    SKIP = "skip"
    VERIFY = "verify"
    OVERWRITE = "overwrite"
    REFRESH = "refresh"


class OnErrorChoice(StrEnum):
    """What a download does after a file failed."""

    RAISE = "raise"
    COLLECT = "collect"


class ProgressChoice(StrEnum):
    """How progress is shown."""

    AUTO = "auto"
    BAR = "bar"
    LOG = "log"
    JSON = "json"
    NONE = "none"


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
Config = Annotated[
    Path | None,
    typer.Option("--config", help="Settings file of a bucket profile.", show_default=False),
]
OutputFormat = Annotated[
    Format, typer.Option("--format", help="human, or json: one object per line.")
]
Progress = Annotated[
    ProgressChoice,
    typer.Option(
        "--progress",
        help="On standard error: a bar on a terminal and lines elsewhere, lines, JSON, or nothing.",
    ),
]
LayoutOption = Annotated[
    LayoutChoice,
    typer.Option("--layout", help="Folders of recordings, of modalities, or of both in one name."),
]
SourceOption = Annotated[
    SourceChoice,
    typer.Option("--source", help="Raw files, processed data, or processed where there is any."),
]
Selected = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="FILE",
        help="A selection saved from the page or the browser, in place of filters.",
        show_default=False,
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what exists and differs.")]

_METAVARS: Mapping[Kind, str] = {
    "names": "A,B",
    "conditions": "KEY=VALUE",
    "moments": "START..END",
    "lengths": ">=LENGTH",
    "windows": "START..END",
}


def _annotation(name: str, field: Field) -> Any:
    option: dict[str, Any] = {
        "help": field.help,
        "metavar": _METAVARS.get(field.kind),
        "show_default": False,
    }
    flag = f"--{name.replace('_', '-')}"
    if name == "status":
        return Annotated[StatusChoice | None, typer.Option(flag, **option)]
    if field.kind == "flag":
        return Annotated[bool | None, typer.Option(f"{flag}/--no-{flag[2:]}", **option)]
    if field.kind == "count":
        return Annotated[int | None, typer.Option(flag, min=0, **option)]
    kind = list[str] if field.kind in REPEATED else str
    return Annotated[kind | None, typer.Option(flag, **option)]


def filtered(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the filter options and ``--from``, and hand it their `QuerySpec` as `spec`.

    A command that has ``selected`` also gets the file's path.
    """

    def wrapper(**options: Any) -> None:
        filters = {name: options.pop(name) for name in FIELDS}
        selected = options["selected"] if "selected" in own else options.pop("selected")
        command(spec=_spec(filters, selected), **options)

    own = inspect.signature(command).parameters
    keyword = inspect.Parameter.KEYWORD_ONLY
    filters = [
        inspect.Parameter(name, keyword, default=None, annotation=_annotation(name, field))
        for name, field in FIELDS.items()
    ]
    others = [
        p.replace(kind=keyword) for name, p in own.items() if name not in ("spec", "selected")
    ]
    others.append(inspect.Parameter("selected", keyword, default=None, annotation=Selected))
    wrapper.__name__, wrapper.__doc__ = command.__name__, command.__doc__
    wrapper.__signature__ = inspect.Signature(others + filters)  # type: ignore[attr-defined]
    return wrapper


def _spec(options: dict[str, Any], selected: Path | None) -> "QuerySpec":
    from ursa.filters import PAGE_FIELDS, make_spec
    from ursa.selection_file import read_selection

    keywords = read_cli(options)
    if selected is None:
        return make_spec(None, keywords)
    if beside := sorted(keywords.keys() - PAGE_FIELDS):
        named = ", ".join(f"--{name.replace('_', '-')}" for name in beside)
        rule = "what it selects is in the file; leave out one of them"
        raise InvalidArgument(f"--from {selected} was given beside {named}, but {rule}")
    return make_spec(read_selection(selected), keywords)
