"""Asking for a part of an object over HTTP, and what the answer's head means."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ursa.answers import DENIED_CODES, NO_BUCKET, WRONG_BUCKET, replaced, same_version
from ursa.errors import (
    IntegrityError,
    ObjectAccessDenied,
    ObjectNotFound,
    ObjectStoreError,
    StoreUnavailable,
)

if TYPE_CHECKING:
    import ssl
    from http.client import HTTPResponse

_DENIED, _CHANGED, _LATER = {401, 403}, {412, 416}, {408, 425, 429, 500, 502, 503, 504}
_AGAIN = "check the network and the endpoint, then try once more"
_CODE = re.compile(rb"<Code>(\w{1,64})</Code>")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Bytes of one version of an object, and the signed address that gives them.

    Attributes
    ----------
    url : str
        Left out of the repr, since whoever has it may read the object.
    name : str
        Bucket and key, for messages.
    start, stop : int
    etag : str or None
    """

    url: str
    name: str
    start: int
    stop: int
    etag: str | None = None

    def __repr__(self) -> str:
        return f"Wanted({self.name!r}, {self.start}, {self.stop}, {self.etag!r})"

    @property
    def place(self) -> tuple[str, str]:
        """Scheme and host."""
        return urlsplit(self.url)[:2]

    @property
    def target(self) -> str:
        """Path and query."""
        return self.url.split("/", 3)[3].join(("/", ""))

    @property
    def headers(self) -> dict[str, str]:
        """Headers that ask for just these bytes."""
        asked = {"Range": f"bytes={self.start}-{self.stop - 1}", "Accept-Encoding": "identity"}
        return {**asked, "If-Match": self.etag} if self.etag else asked


def broken(wanted: Wanted, why: str) -> StoreUnavailable:
    """Build the error about a connection that broke."""
    return StoreUnavailable(
        f"{wanted.name}: the connection to {wanted.place[1]} broke: {why}; {_AGAIN}"
    )


def untrusted(wanted: Wanted, error: ssl.SSLCertVerificationError) -> ObjectStoreError:
    """Build the error about a server that is not what it says it is."""
    return ObjectStoreError(
        f"{wanted.name}: the certificate of {wanted.place[1]} is not trusted: "
        f"{error.verify_message}; check the endpoint, and what stands between it and you"
    )


def check(response: HTTPResponse, wanted: Wanted) -> None:
    """Raise unless the answer brings just the bytes that were asked for, of that version."""
    if response.status not in (200, 206):
        raise _refusal(response, wanted)
    count, said = wanted.stop - wanted.start, response.getheader("Content-Range", "")
    ranged = said.startswith(f"bytes {wanted.start}-{wanted.stop - 1}/")
    fits = response.length == count and (ranged or (response.status == 200 and not wanted.start))  # noqa: PLR2004 - OK
    if fits and same_version(wanted.etag, response.getheader("ETag")):
        return
    if response.length != 0 and not response.peek(1):
        raise broken(wanted, "it ended within the head of the answer")
    if fits:
        raise replaced(wanted.name)
    length = "an unknown number of" if response.length is None else response.length
    msg = (
        f"{wanted.name}: asked for bytes {wanted.start}-{wanted.stop - 1}, {wanted.place[1]} "
        f"offers {said or 'all'}, in {length} bytes; check that this is the endpoint and no proxy "
        "or login page answers for it; if the object was replaced, plan and download again"
    )
    raise IntegrityError(msg)


def _refusal(response: HTTPResponse, wanted: Wanted) -> ObjectStoreError:
    # Only the code, since some servers repeat a session token in the rest.
    code = found[1].decode() if (found := _CODE.search(_start(response))) else ""
    status, host = response.status, wanted.place[1]
    what = f"{wanted.name}: {host} answers {status} {code or response.reason}"
    if status in _DENIED or code in DENIED_CODES:
        return ObjectAccessDenied(
            f"{what}; give a key that may read it: `ursa config show --origin` says where it is "
            "looked for"
        )
    if code == NO_BUCKET:
        return ObjectStoreError(f"{what}; {WRONG_BUCKET}")
    if status == 404:  # noqa: PLR2004 - as everybody knows it
        return ObjectNotFound(f"{what}; it is not there: plan and download again")
    if status in _CHANGED:
        return replaced(wanted.name)
    if status in _LATER:
        after = seconds_of(response.getheader("Retry-After"))
        return StoreUnavailable(f"{what}; {_AGAIN}", retry_after=after)
    return ObjectStoreError(f"{what}; check endpoint, region and bucket of the profile")


def _start(response: HTTPResponse) -> bytes:
    try:
        return response.read(1 << 16)
    except (OSError, HTTPException):
        return b""


def seconds_of(retry_after: str | None) -> float | None:
    """Read a Retry-After header, seconds or a date (RFC 9110, section 10.2.3)."""
    if not retry_after:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    with suppress(ValueError, TypeError):  # not a date, or one without a time zone
        from datetime import UTC, datetime

        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    return None
