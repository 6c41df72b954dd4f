"""Writing into buckets: whole objects, or parts side by side, which can be given up at any moment.

Bodies are signed with their SHA-256, by which S3 and R2 refuse bytes that changed on their way;
parts over https are not, since the connection itself sees to that.
"""

from __future__ import annotations

import hashlib
import logging
import re
import ssl
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from http.client import HTTPException
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from xml.sax.saxutils import escape, unescape

from ursa.answers import code_in, refusal
from ursa.blocks import MOST_PARTS, PART, Source, drained, part_size
from ursa.buckets import Bucket
from ursa.errors import (
    ObjectExists,
    ObjectNotFound,
    ObjectStoreError,
    StoreUnavailable,
    UploadInterrupted,
)
from ursa.files import safe_rel_path
from ursa.ranges import seconds_of
from ursa.retries import delay
from ursa.sending import Request, exchange
from ursa.signing import UNSIGNED, encoded, query_of, signed
from ursa.stores import go_on_unless, never

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from concurrent.futures import Future

    from obstore import GetOptions

    from ursa.sending import Answer, Check

PARTS_AT_ONCE = 2
IN_MEMORY = (PARTS_AT_ONCE + 1) * PART  # at most, for each object under way
_TRIES = 8
_LEAVING_S = 3.0  # how long a failed upload tries to tell the server so
_LOOK_S = 0.2
_UPLOAD_ID = re.compile(rb"<UploadId>([^<]+)</UploadId>")
_OK, _FAILED = 300, 500

logger = logging.getLogger("ursa.stores")


class WritableBucket(Bucket):
    """A bucket as an object store that may be written to; see `ursa.stores.WritableStore`.

    Parameters
    ----------
    place : Place
    credentials : callable
    """

    def write(
        self,
        key: str,
        chunks: Iterable[bytes],
        *,
        sha256: str | None = None,
        size: int = 0,
        stopped: Callable[[], bool] = never,
    ) -> int:
        """Store `chunks` under `key`, whole or not at all; see `WritableStore.write`.

        The SHA-256 is kept beside the object as ``x-amz-meta-sha256`` where it is known before
        the bytes are sent: given, or those of an object of at most 8 MiB.
        """
        safe_rel_path(key)
        source, check = Source(key, chunks, sha256, part_size(size)), partial(go_on_unless, stopped)
        blocks = iter(source)
        # What is held here by a name would stay in memory as long as the others are sent.
        ahead = deque(islice(blocks, 2))
        if len(ahead) == 1:
            self._put(key, ahead[0], source.digest.hexdigest(), check)
        else:
            self._in_parts(key, drained(ahead, blocks), sha256, check)
        return source.size

    def sha256_of(self, key: str) -> str | None:
        """Return the SHA-256 kept beside the object; see `WritableStore.sha256_of`."""
        import obstore

        safe_rel_path(key)
        options: GetOptions = {"head": True}  # for `obstore.head` leaves attributes out
        found = self._ask(
            f"reading {key!r}", lambda: obstore.get(self._store, key, options=options).attributes
        )
        return str(found["sha256"]) if "sha256" in found else None

    def create(self, key: str, content: bytes) -> bool:
        """Store `content` unless there is such an object; return whether this call did it."""
        safe_rel_path(key)
        again: list[StoreUnavailable] = []
        digest = hashlib.sha256(content).hexdigest()
        try:
            self._put(key, content, digest, never, {"if-none-match": "*"}, again.append)
        except ObjectExists:
            # An earlier try may have succeeded, and only its answer have been lost.
            return bool(again) and self.fetch(key) == content
        return True

    def _put(
        self,
        key: str,
        body: bytes | memoryview,
        digest: str,
        check: Check,
        headers: Mapping[str, str] | None = None,
        failed: Callable[[StoreUnavailable], object] = id,
    ) -> None:
        kept = {"x-amz-meta-sha256": digest, "x-amz-content-sha256": digest, **(headers or {})}
        self._asked("PUT", key, check, body=body, headers=kept, failed=failed)

    def _in_parts(
        self, key: str, blocks: Iterable[memoryview], sha256: str | None, check: Check
    ) -> None:
        kept = {"x-amz-meta-sha256": sha256} if sha256 else {}
        begun = self._asked("POST", key, check, query={"uploads": ""}, headers=kept)
        found = _UPLOAD_ID.search(begun.body)
        if found is None:
            raise ObjectStoreError(f"{self.place}: writing {key!r}: no upload id in the answer")
        query = {"uploadId": unescape(found[1].decode())}
        try:
            self._complete(key, query, self._parts(key, query, blocks, check), sha256, check)
        except BaseException:
            self._abort(key, query)
            raise

    def _parts(
        self, key: str, query: Mapping[str, str], blocks: Iterable[memoryview], check: Check
    ) -> list[str]:
        """Send the parts side by side and return their tags; after a failure none is under way."""
        failed = threading.Event()
        waiting: deque[Future[str]] = deque()
        tags: list[str] = []

        def still_wanted() -> None:
            check()
            go_on_unless(failed.is_set)

        with ThreadPoolExecutor(PARTS_AT_ONCE, "ursa-part") as pool:
            try:
                for block in blocks:
                    if len(waiting) == PARTS_AT_ONCE:
                        tags.append(waiting.popleft().result())
                    part = {**query, "partNumber": _number(len(tags) + len(waiting) + 1, key)}
                    waiting.append(pool.submit(self._part, key, part, block, still_wanted))
                    del block
                while waiting:
                    tags.append(waiting.popleft().result())
            except BaseException:
                failed.set()
                waiting.clear()  # they refer to errors, and these to this very frame
                raise
        return tags

    def _part(self, key: str, query: Mapping[str, str], block: memoryview, check: Check) -> str:
        secure = self.place.url.startswith("https:")
        digest = UNSIGNED if secure else hashlib.sha256(block).hexdigest()
        headers = {"x-amz-content-sha256": digest}
        answer = self._asked("PUT", key, check, query=query, body=block, headers=headers)
        return answer.headers["etag"]

    def _complete(
        self, key: str, query: Mapping[str, str], tags: list[str], sha256: str | None, check: Check
    ) -> None:
        parts = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(tag)}</ETag></Part>"
            for number, tag in enumerate(tags, 1)
        )
        body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
        try:
            self._asked("POST", key, check, query=query, body=body)
        except ObjectNotFound:
            # An earlier try may have succeeded, and only its answer have been lost.
            if sha256 is None or self.sha256_of(key) != sha256:
                raise

    def _abort(self, key: str, query: Mapping[str, str]) -> None:
        until = time.monotonic() + _LEAVING_S
        try:
            self._asked(
                "DELETE", key, lambda: go_on_unless(lambda: time.monotonic() > until), query=query
            )
        except ObjectNotFound:  # it was completed, or the server gave it up by itself
            pass
        except (ObjectStoreError, UploadInterrupted):
            logger.warning(
                "%s: parts of %r may stay behind, unseen; let a lifecycle rule of the bucket "
                "remove incomplete multipart uploads",
                self.place,
                key,
            )

    def _asked(
        self,
        method: str,
        key: str,
        check: Check,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | memoryview = b"",
        headers: Mapping[str, str] | None = None,
        failed: Callable[[StoreUnavailable], object] = id,
    ) -> Answer:
        """Return the answer, asking again for a while where there is none that helps."""
        outcome: Answer | ObjectStoreError = StoreUnavailable("it was not asked")
        for number in range(_TRIES):
            if isinstance(outcome, StoreUnavailable) and number:
                failed(outcome)
                _pause(delay(number, outcome), check)
            request = self._request(method, key, query or {}, body, headers or {})
            outcome = self._outcome(f"writing {key!r}", request, check)
            if not isinstance(outcome, StoreUnavailable):
                break
        if isinstance(outcome, ObjectStoreError):
            try:
                raise outcome
            finally:
                del outcome  # or the error and this frame would keep each other, and connections
        return outcome

    def _request(
        self,
        method: str,
        key: str,
        query: Mapping[str, str],
        body: bytes | memoryview,
        headers: Mapping[str, str],
    ) -> Request:
        place = self.place
        url = urlsplit(place.url)
        inside = [place.prefix, key] if place.virtual_hosted else [place.bucket, place.prefix, key]
        path = encoded("/".join(["", *filter(None, inside)]), "/")
        target = f"{url.path}{path}?{query_of(query)}" if query else f"{url.path}{path}"
        known = {
            "host": url.netloc,
            "content-length": str(len(body)),
            **headers,
        }
        if "x-amz-content-sha256" not in known:
            known["x-amz-content-sha256"] = hashlib.sha256(body).hexdigest()
        keys = self._credentials()
        given = signed(method, target, known, keys, place.region, datetime.now(UTC))
        return Request(method, url.scheme, url.netloc, target, given, body)

    def _outcome(self, what: str, request: Request, check: Check) -> Answer | ObjectStoreError:
        try:
            answer = exchange(self._connections, request, check)
        except ssl.SSLCertVerificationError:
            raise
        except (OSError, HTTPException):
            return refusal(0, "", place=self.place, what=what, role=self.place.role)
        status, code = answer.status, code_in(answer.body[:4096].decode("utf-8", "replace"))
        if status < _OK and not code:
            return answer
        wait = seconds_of(answer.headers.get("retry-after"))
        # Completing an upload begins its answer before it knows how that ends.
        status = _FAILED if status < _OK else status
        return refusal(
            status, code, place=self.place, what=what, role=self.place.role, retry_after=wait
        )


def _number(part: int, key: str) -> str:
    if part > MOST_PARTS:
        msg = f"writing {key!r}: more bytes came than were announced, which does not fit its parts"
        raise ObjectStoreError(msg)
    return str(part)


def _pause(seconds: float, check: Check) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        check()
        time.sleep(min(_LOOK_S, left))
