"""Commands for the upkeep of a site's catalog."""

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ursa.cli.commands import _open
from ursa.cli.options import Format, OutputFormat, Profile, Site
from ursa.errors import InvalidArgument

if TYPE_CHECKING:
    from ursa.data_interface import DataInterface

catalog_app = typer.Typer(help="Keep a site's catalog fast and small.", no_args_is_help=True)


@catalog_app.command()
def optimize(
    site: Site = None, profile: Profile = None, output: OutputFormat = Format.HUMAN
) -> None:
    """Join small files and bring the indexes up to date."""
    _print(_writable(site, profile).optimize(), output)


@catalog_app.command()
def versions(
    site: Site = None, profile: Profile = None, output: OutputFormat = Format.HUMAN
) -> None:
    """List the states of the recordings that can still be read."""
    _print(_open(site, profile).versions(), output)


@catalog_app.command()
def cleanup(
    site: Site = None,
    profile: Profile = None,
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
    _print(_writable(site, profile).cleanup(age, exclusive=exclusive), output)


@catalog_app.command()
def promote(
    key: Annotated[str, typer.Argument(help="A key of the recordings' metadata.")],
    site: Site = None,
    profile: Profile = None,
    kind: Annotated[
        str | None,
        typer.Option("--type", help="number or text, where the key has both.", show_default=False),
    ] = None,
    output: OutputFormat = Format.HUMAN,
) -> None:
    """Let an index answer comparisons with a metadata key."""
    given: Any = kind
    _print([_writable(site, profile).promote_metadata_key(key, given)], output)


@catalog_app.command()
def migrate(site: Site = None, output: OutputFormat = Format.HUMAN) -> None:
    """Bring a catalog that an older version wrote up to date; the old one is kept."""
    from ursa import migrate as migration
    from ursa.site import Site as Place

    if site is None:
        raise InvalidArgument("no site was named: add --site DIR, or set URSA_SITE")
    done = migration.migrate(Place.open("local", path=site))
    if done is None and output is Format.HUMAN:
        print("the catalog is up to date")
    _print([done] if done is not None else [], output)


def _writable(site: Path | None, profile: str | None) -> "DataInterface":
    data = _open(site, profile)
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
