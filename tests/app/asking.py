"""Requests without a browser, which follow no redirects and refuse nothing."""

from __future__ import annotations

import http.client
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

PATIENCE_S = 60.0


@dataclass(frozen=True)
class Answer:
    """What a server said."""

    status: int
    headers: Mapping[str, str]
    text: str
    cookies: dict[str, str]


def ask(
    url: str,
    path: str = "",
    *,
    method: str = "GET",
    form: Mapping[str, str] | None = None,
    cookies: Mapping[str, str] | None = None,
    **headers: str,
) -> Answer:
    """Ask for an address below that of a page, exactly as it is written."""
    place = urlsplit(url)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    if cookies:
        given["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
    if form is not None:
        method, given["Content-Type"] = "POST", "application/x-www-form-urlencoded"
    body = None if form is None else urlencode(form)
    target = path if path.startswith("/") else place.path + path
    with closing(http.client.HTTPConnection(place.netloc, timeout=PATIENCE_S)) as connection:
        connection.request(method, target, body=body, headers=given)
        answer = connection.getresponse()
        lines = answer.headers.get_all("Set-Cookie") or []
        pairs = [line.partition(";")[0].partition("=") for line in lines]
        text = answer.read().decode("utf-8", "replace")
        set_now = {name: value for name, _, value in pairs}
        return Answer(answer.status, answer.headers, text, set_now)  # type: ignore[arg-type]
