"""`ursa serve`."""

from importlib.metadata import entry_points
from typing import Annotated

import typer

from ursa.cli.commands import _open
from ursa.cli.options import Config, Profile, Site
from ursa.errors import InvalidArgument

Port = Annotated[int, typer.Option(min=0, max=65535, help="0 takes any that is free.")]


def serve(
    site: Site = None, profile: Profile = None, config: Config = None, port: Port = 5006
) -> None:
    """Serve the page for browsing and downloading to a browser."""
    found = entry_points(group="ursa.commands", name="serve")
    if not found:
        raise InvalidArgument("the page is not installed; pip install 'ursa[panel]'")
    (run,) = (each.load() for each in found)
    run(_open(site, profile, config), port=port)
