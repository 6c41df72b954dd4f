"""Options that several commands share; the filter options make one `QuerySpec`."""

import inspect
import json
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ursa.errors import InvalidArgument

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
    "recording_hash": Annotated[list[str] | None, typer.Option(help="Hashes, or how they begin.")],
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
    from ursa.filters import make_spec

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
