"""Commands for the upkeep of a site's catalog."""

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ursa.cli.commands import _open, _site
from ursa.cli.options import Config, Format, OutputFormat, Profile, Site

if TYPE_CHECKING:
    from ursa.data_interface import DataInterface

catalog_app = typer.Typer(help="Keep a site's catalog fast and small.", no_args_is_help=True)


@catalog_app.command()
def optimize(
    site: Site = None,
    profile: Profile = None,
    config: Config = None,
    output: OutputFormat = Format.HUMAN,
) -> None:
    """Join small files and bring the indexes up to date."""
    _print(_writable(site, profile, config).optimize(), output)


@catalog_app.command()
def versions(
    site: Site = None,
    profile: Profile = None,
    config: Config = None,
    output: OutputFormat = Format.HUMAN,
) -> None:
    """List the states of the recordings that can still be read."""
    _print(_open(site, profile, config).versions(), output)


@catalog_app.command()
def cleanup(
    site: Site = None,
    profile: Profile = None,
    config: Config = None,
    older_than: Annotated[str, typer.Option(help="Keep every state since then, like 7d.")] = "7d",
    exclusive: Annotated[
        bool,
        typer.Option(
            "--exclusive",
            help="Also remove what killed writers left. Only where no other process uses the site.",
        ),
    ] = False,
    output: OutputFormat = Format.HUMAN,
) -> None:
    """Remove old versions of the catalog's tables."""
    from ursa.time import parse_duration

    age = parse_duration(older_than)
    _print(_writable(site, profile, config).cleanup(age, exclusive=exclusive), output)


@catalog_app.command()
def promote(
    key: Annotated[str, typer.Argument(help="A key of the recordings' metadata.")],
    site: Site = None,
    profile: Profile = None,
    config: Config = None,
    kind: Annotated[
        str | None,
        typer.Option("--type", help="number or text, where the key has both.", show_default=False),
    ] = None,
    output: OutputFormat = Format.HUMAN,
) -> None:
    """Let an index answer comparisons with a metadata key."""
    given: Any = kind
    _print([_writable(site, profile, config).promote_metadata_key(key, given)], output)


@catalog_app.command()
def migrate(
    site: Site = None,
    profile: Profile = None,
    config: Config = None,
    output: OutputFormat = Format.HUMAN,
) -> None:
    """Bring a catalog that an older version wrote up to date; the old one is kept."""
    from ursa import migrate as migration

    done = migration.migrate(_site(site, profile, config))
    if done is None and output is Format.HUMAN:
        print("the catalog is up to date")
    _print([done] if done is not None else [], output)


def _writable(site: Path | None, profile: str | None, config: Path | None) -> "DataInterface":
    data = _open(site, profile, config)
    _ = data.catalog  # since a site that is missing is an error here, and not made
    data.enable_writes()
    return data


def _print(reports: Iterable[Any], output: Format) -> None:
    for report in reports:
        if output is Format.HUMAN:
            print(report)
        else:
            print(json.dumps(dataclasses.asdict(report), ensure_ascii=False, default=_text))


def _text(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
