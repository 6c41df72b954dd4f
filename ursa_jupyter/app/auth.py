"""Logging in and out with the accounts of a file."""

from __future__ import annotations

import hashlib
import hmac
import time
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from bokeh.server.auth_provider import AuthProvider, NullAuth
from tornado.web import HTTPError, RequestHandler

from ursa_jupyter.app.document import template

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ursa_jupyter.app.settings import Settings

USER = "user"  # the cookie's name with Panel's own logins
DAYS = 1
_TRIES, _PERIOD_S = 10, 60.0
_KNOWN_MAX = 10_000
_LONG = 1_000


class Try(NamedTuple):
    """How often somebody failed to log in, and since when."""

    number: int
    since: float


class Accounts:
    """Passwords of users, and how often somebody was wrong lately.

    Examples
    --------
    >>> accounts = Accounts({"aria": "secret"})
    >>> accounts.admits("aria", "secret", "::1"), accounts.admits("aria", "wrong", "::1")
    (True, False)
    """

    def __init__(self, passwords: Mapping[str, str]) -> None:
        self._digests = {user: _digest(word) for user, word in passwords.items()}
        self._tries: dict[tuple[str, str], Try] = {}

    def admits(self, user: str, password: str, place: str) -> bool:
        """Whether the password is right; being wrong is counted for the user and the address."""
        right = hmac.compare_digest(self._digests.get(user, b""), _digest(password))
        if not right:
            self._count(user, place)
        return right

    def waits(self, user: str, place: str) -> int:
        """Return the seconds until somebody who was wrong too often may try again; else 0."""
        number, since = self._tries.get((user, place), Try(0, 0.0))
        left = since + _PERIOD_S - time.monotonic()
        return int(left) + 1 if number >= _TRIES and left > 0 else 0

    def _count(self, user: str, place: str) -> None:
        now = time.monotonic()
        number, since = self._tries.pop((user, place), Try(0, now))
        fresh = now - since < _PERIOD_S
        self._tries[user, place] = Try(number + 1, since) if fresh else Try(1, now)
        if len(self._tries) > _KNOWN_MAX:
            del self._tries[next(iter(self._tries))]


class Login(AuthProvider):
    """Asks every visitor for a user name and a password."""

    login_url, logout_url = "/login", "/logout"
    get_user = property(lambda _: user_of)

    def __init__(self, accounts: Accounts, path: str) -> None:
        self._given = {"accounts": accounts, "path": path}
        super().__init__()

    @property
    def endpoints(self) -> list[Any]:
        """Where visitors log in and out."""
        return [
            (self.login_url, LoginHandler, self._given),
            (self.logout_url, LogoutHandler, self._given),
        ]


def user_of(handler: RequestHandler) -> str | None:
    """Return who is logged in, by a cookie that this server signed."""
    found = handler.get_signed_cookie(_cookie(handler), max_age_days=DAYS)
    return None if found is None else found.decode("utf-8")


def _cookie(handler: RequestHandler) -> str:
    return str(handler.settings.get("ursa_user", USER))


class _Form(RequestHandler):
    def initialize(self, accounts: Accounts, path: str) -> None:
        self.accounts, self.path = accounts, path

    def prepare(self) -> None:
        """Refuse what another site makes a browser do."""
        if self.request.headers.get("Sec-Fetch-Site") in {"cross-site", "same-site"} and (
            self.request.method != "GET" or isinstance(self, LogoutHandler)
        ):
            raise HTTPError(403, "another site sent this")
        self.set_header("Cache-Control", "no-store")


class LoginHandler(_Form):
    """The form, and what it sends."""

    def get(self) -> None:
        """Show the form."""
        self._show(None)

    def post(self) -> None:
        """Let somebody in, who then goes where they wanted to."""
        user = self.get_body_argument("username", "", strip=False)[:_LONG]
        password = self.get_body_argument("password", "", strip=False)[:_LONG]
        place = self.request.remote_ip or ""
        if seconds := self.accounts.waits(user, place):
            self.set_header("Retry-After", str(seconds))
            return self._show(f"Too many wrong tries. Wait {seconds} seconds.", 429)
        if not self.accounts.admits(user, password, place):
            return self._show("This user and password do not belong together.", 403)
        self.set_signed_cookie(
            _cookie(self),
            user,
            expires_days=DAYS,
            path=self.path,
            httponly=True,
            samesite="Lax",
            secure=self.request.protocol == "https",
        )
        # There is one page, so only the query is taken from what anybody may have written.
        query = urlsplit(self.get_query_argument("next", "")).query
        return self.redirect(f"./?{query}" if query else "./")

    def _show(self, problem: str | None, status: int = 200) -> None:
        self.set_status(status)
        self.finish(template("login").render(problem=problem))


class LogoutHandler(_Form):
    """Ends a login."""

    def get(self) -> None:
        """Forget who it was, for this browser."""
        for name in (_cookie(self), self.settings["ursa_cookie"]):
            self.clear_cookie(name, path=self.path)
        self.finish(template("login").render(LOGIN_ENDPOINT=Login.login_url))


def provider_of(settings: Settings) -> AuthProvider:
    """Return what asks the visitors of a server for a login, or nobody for anything."""
    path = f"{settings.prefix}/"
    if settings.accounts:
        return Login(Accounts(settings.accounts), path)
    return _oauth(settings, path) if settings.oauth else NullAuth()


def _oauth(settings: Settings, path: str) -> AuthProvider:
    """Return Panel's own, which takes its settings from Panel's."""
    import panel as pn
    from panel.auth import OAuthProvider

    given = settings.oauth
    found = {
        "oauth_provider": given["provider"],
        "oauth_key": given["key"],
        "oauth_secret": given["secret"],
        "oauth_extra_params": given["extra"],
        "oauth_redirect_uri": given.get("redirect_uri"),
        "cookie_secret": settings.cookie_secret,
        "cookie_path": path,
    }
    for name, value in found.items():
        if value is not None:
            setattr(pn.config, name, value)
    # Panel's own pages fetch pictures from the network.
    page = str(files(__package__).joinpath("login.html"))
    templates = {f"{name}_template": page for name in ("login", "logout", "error")}
    return OAuthProvider(**templates)  # type: ignore[no-untyped-call]


def _digest(word: str) -> bytes:
    return hashlib.sha256(word.encode()).digest()
