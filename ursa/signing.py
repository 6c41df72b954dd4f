"""AWS Signature Version 4 in headers, for the requests that obstore cannot sign.

obstore signs addresses of whole objects alone; parts of one, and a body whose hash is known, need
their own signature. Rules: docs.aws.amazon.com, "Create a signed AWS API request".
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

UNSIGNED = "UNSIGNED-PAYLOAD"


def encoded(text: str, safe: str = "") -> str:
    """Percent-encode the way that signatures want it.

    Examples
    --------
    >>> encoded("run 1/ä~.bin", "/")
    'run%201/%C3%A4~.bin'
    """
    return quote(text, safe=f"{safe}-_.~")


def query_of(parameters: Mapping[str, str]) -> str:
    """Return the query of an address, in the order that is signed."""
    return "&".join(sorted(f"{encoded(k)}={encoded(v)}" for k, v in parameters.items()))


def signed(
    method: str,
    target: str,
    headers: Mapping[str, str],
    credentials: Mapping[str, object],
    region: str,
    now: datetime,
) -> dict[str, str]:
    """Return `headers` with what signs them.

    Parameters
    ----------
    method : str
    target : str
        Path and query, made by `encoded` and `query_of`.
    headers : mapping
        In lower case; ``host`` and ``x-amz-content-sha256`` are among them.
    credentials : mapping
        As obstore takes it: ``access_key_id``, ``secret_access_key`` and maybe ``token``.
    region : str
    now : datetime
        In UTC.
    """
    stamp = f"{now:%Y%m%dT%H%M%SZ}"
    known = {**headers, "x-amz-date": stamp}
    if token := credentials.get("token"):
        known["x-amz-security-token"] = str(token)
    path, _, query = target.partition("?")
    names = ";".join(sorted(known))
    listed = "".join(f"{name}:{known[name].strip()}\n" for name in sorted(known))
    asked = "\n".join((method, path, query, listed, names, known["x-amz-content-sha256"]))
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(asked.encode()).hexdigest()}"
    key = f"AWS4{credentials['secret_access_key']}".encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    known["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials['access_key_id']}/{scope}, "
        f"SignedHeaders={names}, Signature={_hmac(key, text).hex()}"
    )
    return known


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
