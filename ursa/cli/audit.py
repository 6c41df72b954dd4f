"""`ursa catalog audit`."""

import json
from typing import Annotated

import typer

from ursa.cli.commands import _open
from ursa.cli.options import Config, Format, OutputFormat, Profile, Site
from ursa.cli.showing import PARTIAL


def audit(
    site: Site = None,
    profile: Profile = None,
    config: Config = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Mend what can be mended without guessing.")
    ] = False,
    data: Annotated[
        bool, typer.Option("--data/--no-data", help="Look for the data of every modality.")
    ] = True,
    output: OutputFormat = Format.HUMAN,
) -> None:
    """Compare everything in the catalog with everything that it must agree with.

    Exits with 3 if something is wrong that was not mended.
    """
    interface = _open(site, profile, config)
    if repair and interface.catalog:  # a site that is not there must not be made
        interface.enable_writes()
    report = interface.audit(repair=repair, data=data)
    text = json.dumps(report.described(), ensure_ascii=False)
    print(text if output is Format.JSON else report)
    if not report.ok:
        raise typer.Exit(PARTIAL)
