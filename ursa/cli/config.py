"""Commands that show what bucket profiles are configured with."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ursa.cli.options import Config, Format, OutputFormat
from ursa.errors import InvalidArgument
from ursa.hints import nearest

if TYPE_CHECKING:
    from ursa.settings import Settings

config_app = typer.Typer(help="Settings of the bucket profiles.", no_args_is_help=True)
_HOW = {
    "value": "set",
    "op": "set, in 1Password",
    "env": "set, in another variable",
    "keyring": "set, in the keyring",
}


@config_app.command()
def show(
    profile: Annotated[str, typer.Option(help="r2 or r2-test.")] = "r2",
    config: Config = None,
    origin: Annotated[bool, typer.Option("--origin", help="Also say where from.")] = False,
    output: OutputFormat = Format.HUMAN,
) -> None:
    """Show the settings of a profile; of credentials only whether they are set."""
    from typing import get_args

    from ursa.settings import load
    from ursa.settings.rules import BucketProfile

    if profile not in get_args(BucketProfile):
        known = nearest(profile, get_args(BucketProfile))
        raise InvalidArgument(f"profile {profile!r} has no settings{known}")
    chosen: Any = profile
    found = load(chosen, config.absolute() if config is not None else None)
    for name, value, where in _rows(found):
        if output is Format.JSON:
            print(json.dumps({"name": name, "value": value, "origin": where}))
        else:
            print(f"{name} = {value}" + (f"    # {where}" if origin else ""))


def _rows(found: "Settings") -> Iterator[tuple[str, Any, str]]:
    from ursa.settings.rules import NEEDED, ROLES, kind

    for name, setting in found.values.items():
        yield name, setting.value, setting.origin
    for role in ROLES:
        entry = found.credentials.get(role)
        parts = entry.parts if entry is not None else {}
        where = f"not in {', '.join(found.looked_in[:-1])}; the keyring is asked when needed"
        for part in dict.fromkeys((*NEEDED, *parts)):
            value = _HOW[kind(parts[part])] if part in parts else "not set"
            origin = entry.origin if entry is not None else where
            yield f"credentials.{role}.{part}", value, origin


@config_app.command()
def trust(
    path: Annotated[Path, typer.Argument(help="A project's ursa.toml.")] = Path("ursa.toml"),
) -> None:
    """Agree to what a project's settings file says now; look at it first."""
    from ursa.settings import files

    files.trust(path)
    print(f"{path.resolve()} counts from now on, until it changes")
