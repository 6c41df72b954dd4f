"""What a server's refusal means, out of the text in which another library tells it.

The text itself is never passed on: some servers repeat a session token in it.
"""

from __future__ import annotations

import re

from ursa.errors import (
    ObjectAccessDenied,
    ObjectChanged,
    ObjectExists,
    ObjectNotFound,
    ObjectStoreError,
    StoreFull,
    StoreUnavailable,
)

_STATUS = re.compile(r"status(?: code)?: (\d{3})")
_CODE = re.compile(r"<Code>(\w{1,64})</Code>")
_DENIED, _MISSING, _PASSING = {401, 403}, 404, {408, 425, 429}
# Of answers with other statuses, those that are about who asks.
DENIED_CODES = {"ExpiredToken", "InvalidToken", "TokenRefreshRequired", "InvalidAccessKeyId"}
NO_BUCKET = "NoSuchBucket"
WRONG_BUCKET = "correct its name: `ursa config show --origin` says where it is given"
_NO_ANSWER = {  # what the text of an error without an answer holds, and what that means
    "dns error": "there is no host of that name",
    "ConnectionRefused": "nothing listens there",
    "InvalidContentType": "it speaks http, not https",
    "InvalidCertificate": "its certificate is not trusted",
}
_FULL, _FULL_CODES = 507, {"InsufficientStorage", "XMinioStorageFull", "QuotaExceeded"}
_TAKEN_CODES = {"PreconditionFailed", "ConditionalRequestConflict"}


def is_answer(said: str) -> bool:
    """Return whether an error's text tells of an exchange with a server."""
    return "RetryError" in said or "non-2xx" in said or "HttpError" in said


def failure(said: str, *, place: object, what: str, role: str) -> ObjectStoreError:
    """Build our error for one whose text is `said`.

    Examples
    --------
    >>> failure("status code: 403", place="bucket lab", what="reading 'a'", role="raw_ro")
    ... # doctest: +ELLIPSIS
    ObjectAccessDenied("bucket lab refuses reading 'a' to role raw_ro (403); ...")
    >>> failure("dns error", place="bucket lab", what="reading 'a'", role="raw_ro")
    ... # doctest: +ELLIPSIS
    StoreUnavailable("bucket lab did not answer reading 'a' (there is no host of that name), ...")
    """
    status = int(found[1]) if (found := _STATUS.search(said)) else 0
    code = code_in(said)
    if not (status or code):
        code = next((why for sign, why in _NO_ANSWER.items() if sign in said), "")
    return refusal(status, code, place=place, what=what, role=role)


def code_in(said: str) -> str:
    """Return the code of an S3 error in an answer, "" where there is none."""
    return found[1] if (found := _CODE.search(said)) else ""


def refusal(  # noqa: PLR0911 - one line per kind
    status: int,
    code: str,
    *,
    place: object,
    what: str,
    role: str,
    retry_after: float | None = None,
) -> ObjectStoreError:
    """Build our error for an answer with this status, 0 if none came, and this code."""
    code = code or (str(status) if status else "")
    reason = f" ({code})" if code else ""
    if status in _DENIED or code in DENIED_CODES:
        return ObjectAccessDenied(
            f"{place} refuses {what} to role {role}{reason}; give a key that may do so: "
            "`ursa config show --origin` says where it is looked for"
        )
    if code == NO_BUCKET:  # not `ObjectNotFound`, after which some callers take another way
        return ObjectStoreError(f"{place}: {what}: there is no such bucket; {WRONG_BUCKET}")
    if status == _MISSING:
        return ObjectNotFound(f"{place}: {what}: it is not there")
    if what.startswith("reading") and code == "PreconditionFailed":
        return replaced(f"{place}: {what}")
    if code in _TAKEN_CODES:
        return ObjectExists(f"{place}: {what}: there is another object already")
    if status == _FULL or code in _FULL_CODES:
        return StoreFull(f"{place} has no space left for {what}{reason}; free some and go on")
    if 400 <= status < 500 and status not in _PASSING:  # noqa: PLR2004 - HTTP's own ranges
        return ObjectStoreError(f"{place} refuses {what}{reason}; check endpoint and region")
    return StoreUnavailable(
        f"{place} did not answer {what}{reason}, also when asked again; check the network and the "
        "endpoint, then try once more",
        retry_after,
    )


def replaced(what: str) -> ObjectChanged:
    """Build the error about an object that is no longer the one that was planned."""
    return ObjectChanged(f"{what}: it was replaced after it was planned; plan and download again")


def same_version(wanted: str | None, found: str | None) -> bool:
    """Say whether two ETags are of one version, as far as both are known.

    Not every server heeds If-Match; one that does not answers with whatever is there now.

    Examples
    --------
    >>> same_version('"5d41"', '"7d79"'), same_version('"5d41"', None)
    (False, True)
    """
    # A proxy that could compress the bytes makes it a weak one, and sends them as they are.
    return not (wanted and found) or wanted.removeprefix("W/") == found.removeprefix("W/")
