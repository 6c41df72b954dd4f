"""`ursa serve`."""

from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any

import typer

from ursa.cli.commands import _open
from ursa.cli.options import Config, Profile, Site
from ursa.errors import InvalidArgument

Place = Annotated[
    Path | None,
    typer.Argument(metavar="PATH", help="The site's directory.", show_default=False),
]
Port = Annotated[
    int, typer.Option(min=0, max=65535, help="Port to listen at; 0 takes any that is free.")
]
Address = Annotated[
    str, typer.Option(help="Address to listen at; by default only this computer comes in.")
]
Prefix = Annotated[
    str, typer.Option(metavar="PATH", help="First part of every path, behind a proxy.")
]
Roots = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-root",
        metavar="[NAME=]DIR",
        help="A directory of this computer that visitors may download to; repeatable.",
        show_default=False,
    ),
]
BasicAuth = Annotated[
    str | None,
    typer.Option(
        envvar="URSA_BASIC_AUTH",
        metavar="USER:PASSWORD|FILE",
        help='Ask for a login; a JSON FILE has {"user": "password", ...}.',
        show_default=False,
    ),
]
OAuthProvider = Annotated[
    str | None,
    typer.Option(
        "--oauth-provider",
        metavar="NAME",
        help="Ask for a login there: github, google, generic, ...",
    ),
]
OAuthKey = Annotated[
    str | None,
    typer.Option(
        "--oauth-key", envvar="URSA_OAUTH_KEY", metavar="ID", help="Its id of this server."
    ),
]
OAuthSecret = Annotated[
    str | None,
    typer.Option(
        "--oauth-secret",
        envvar="URSA_OAUTH_SECRET",
        metavar="TEXT",
        help="Its secret for this server; better in the variable than here.",
    ),
]
OAuthRedirect = Annotated[
    str | None,
    typer.Option(
        "--oauth-redirect-uri", metavar="URL", help="Address of the page, as it knows it."
    ),
]
OAuthExtra = Annotated[
    list[str] | None,
    typer.Option(
        "--oauth-extra",
        metavar="KEY=VALUE",
        help="More for it, like TOKEN_URL=https://... of generic; repeatable.",
    ),
]
CookieSecret = Annotated[
    str | None,
    typer.Option(
        envvar="URSA_COOKIE_SECRET",
        metavar="TEXT",
        help="Signs the logins, better in the variable; without it they end with the server.",
        show_default=False,
    ),
]
Origins = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-websocket-origin",
        metavar="HOST[:PORT]",
        help="A name by which browsers reach the page, behind a proxy; repeatable.",
        show_default=False,
    ),
]
Public = Annotated[
    bool, typer.Option("--public", help="Let everybody who reaches --address in, without a login.")
]
Show = Annotated[bool, typer.Option("--open", help="Open the page in a browser.")]


def serve(
    path: Place = None,
    site: Site = None,
    profile: Profile = None,
    config: Config = None,
    port: Port = 5006,
    address: Address = "127.0.0.1",
    prefix: Prefix = "",
    allow_root: Roots = None,
    basic_auth: BasicAuth = None,
    oauth_provider: OAuthProvider = None,
    oauth_key: OAuthKey = None,
    oauth_secret: OAuthSecret = None,
    oauth_redirect_uri: OAuthRedirect = None,
    oauth_extra: OAuthExtra = None,
    cookie_secret: CookieSecret = None,
    allow_websocket_origin: Origins = None,
    public: Public = False,
    show: Show = False,
) -> None:
    """Serve the page for browsing and downloading to a browser, until Ctrl-C.

    Downloads to folders that are under way then stop; the same download goes on where they ended.
    """
    run = _found()
    run(
        _open(path or site, profile, config),
        port=port,
        address=address,
        prefix=prefix,
        allow_root=allow_root or [],
        basic_auth=basic_auth,
        oauth={
            "provider": oauth_provider,
            "key": oauth_key,
            "secret": oauth_secret,
            "redirect_uri": oauth_redirect_uri,
            "extra": oauth_extra or [],
        },
        cookie_secret=cookie_secret,
        origins=allow_websocket_origin or [],
        public=public,
        show=show,
    )


def _found() -> Any:
    """Return what runs the page, which another package brings."""
    found = entry_points(group="ursa.commands", name="serve")
    if not found:
        raise InvalidArgument("the page is not installed; pip install 'ursa[panel]'")
    (each,) = found
    try:
        return each.load()
    except ModuleNotFoundError as error:
        raise InvalidArgument(
            f"the page needs {error.name}, which is not installed; pip install 'ursa[panel]'"
        ) from error
