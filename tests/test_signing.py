from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest

from ursa.signing import query_of, signed

# The examples of "Signature Calculations for the Authorization Header" in the manual of S3.
KEYS = {
    "access_key_id": "AKIAIOSFODNN7EXAMPLE",
    "secret_access_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
}
HOST = "examplebucket.s3.amazonaws.com"
WHEN = datetime(2013, 5, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    ("method", "target", "headers", "body", "signature"),
    [
        (
            "PUT",
            "/test%24file.text",
            {
                "date": "Fri, 24 May 2013 00:00:00 GMT",
                "x-amz-storage-class": "REDUCED_REDUNDANCY",
            },
            b"Welcome to Amazon S3.",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        (
            "GET",
            f"/?{query_of({'lifecycle': ''})}",
            {},
            b"",
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            "GET",
            f"/?{query_of({'prefix': 'J', 'max-keys': '2'})}",
            {},
            b"",
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
)
def test_published_examples_are_signed_alike(
    method: str, target: str, headers: dict[str, str], body: bytes, signature: str
) -> None:
    digest = hashlib.sha256(body).hexdigest()
    known = {"host": HOST, "x-amz-content-sha256": digest, **headers}
    found = signed(method, target, known, KEYS, "us-east-1", WHEN)
    assert found["authorization"].endswith(f"Signature={signature}")


def test_a_session_token_is_signed_with_the_rest() -> None:
    known = {"host": HOST, "x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
    found = signed("GET", "/x", known, {**KEYS, "token": "of a session"}, "auto", WHEN)
    assert found["x-amz-security-token"] == "of a session"
    assert "x-amz-security-token," in found["authorization"]
    assert "/20130524/auto/s3/" in found["authorization"]


def test_no_secret_is_in_what_is_sent() -> None:
    known = {"host": HOST, "x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
    sent = signed("GET", "/x", known, KEYS, "auto", WHEN)
    assert KEYS["secret_access_key"] not in str(sent)
