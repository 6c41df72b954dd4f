"""A proxy before a real S3 server, which cuts, delays, alters or refuses what rules pick out.

Everything else goes through byte for byte, the ``Host`` header too, so that the server checks the
client's own signature. ``python -m tests.faultproxy --upstream URL --latency 0.04`` runs one that
only adds latency, and prints its address.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import re
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from tests.relay import listen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Side = Literal["request", "response"]
_KEY = re.compile(rb"Credential=([^/%&]+)(?:/|%2F)", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Rule:
    """Which requests meet which fault.

    Attributes
    ----------
    fault : str
        ``reset`` and ``truncate`` end the connection, with RST and FIN; ``stall`` waits `seconds`;
        ``call`` waits for `action` to return; ``slow`` sends `rate` bytes a second; ``flip``
        changes the byte at `at`; ``short`` states a length of `at` and sends so much; ``status``
        answers with `status`, `code` and `headers` instead of asking the server.
    method, path : str
        Regular expressions, found in the method and in the path with its query.
    skip, times : int
        So many matching requests pass first, and so many then meet the fault.
    of : str
        Whose body the fault happens to, the ``request``'s or the ``response``'s.
    at : int or None
        Bytes of that body that are sent on before it happens; None: not even the head is, so
        that the answer to a request that was carried out can be lost.
    """

    fault: Literal["reset", "truncate", "stall", "call", "slow", "flip", "short", "status"]
    method: str = ""
    path: str = ""
    skip: int = 0
    times: float = 1
    of: Side = "response"
    at: int | None = None
    seconds: float = math.inf
    rate: float = math.inf
    action: Callable[[], object] = lambda: None
    status: int = 503
    code: str = "SlowDown"
    headers: Mapping[str, str] = field(default_factory=dict)

    def answer(self, *, with_body: bool) -> bytes:
        """Return the whole answer of a ``status`` fault."""
        body = f"<Error><Code>{self.code}</Code><Message>planted</Message></Error>"
        head = {"Content-Type": "application/xml", "Content-Length": len(body), **self.headers}
        lines = [f"HTTP/1.1 {self.status} Planted", *(f"{k}: {v}" for k, v in head.items())]
        return "\r\n".join([*lines, "", body if with_body else ""]).encode()


@dataclass
class Exchange:
    """A request that came, the access key that signed it, and the bytes of bodies sent on."""

    method: str
    path: str
    key: str
    status: int = 0
    request: int = 0
    response: int = 0


class Proxy:
    """What a test sees of the proxy: rules to add, and what was asked."""

    def __init__(self, upstream: str, latency: float = 0.0) -> None:
        self.upstream = urlsplit(upstream)
        self.latency = latency
        self.endpoint = ""
        self._seen: list[Exchange] = []
        self._matched: dict[Rule, int] = {}

    def add(self, rule: Rule) -> Rule:
        """Apply a rule from now on; of several that match one request, all are applied."""
        self._matched[rule] = 0
        return rule

    def met(self, rule: Rule) -> int:
        """How many requests met the fault of a rule."""
        return int(min(max(self._matched[rule] - rule.skip, 0), rule.times))

    def exchanges(self, method: str = "", path: str = "") -> list[Exchange]:
        """Return the requests so far whose method and path have a match of these patterns."""
        return [x for x in self._seen if re.search(method, x.method) and re.search(path, x.path)]

    def take(self, head: bytes) -> tuple[Exchange, list[Rule]]:
        """Note a request; with it come the rules whose fault it meets."""
        method, path, _ = head.decode("latin-1").split(" ", 2)
        key = _KEY.search(head)
        exchange = Exchange(method, path, key[1].decode() if key else "")
        self._seen.append(exchange)
        met = []
        for rule, before in list(self._matched.items()):
            if re.search(rule.method, exchange.method) and re.search(rule.path, exchange.path):
                self._matched[rule] = before + 1
                if rule.skip <= before < rule.skip + rule.times:
                    met.append(rule)
        return exchange, met


@contextmanager
def faults(upstream: str, latency: float = 0.0) -> Iterator[Proxy]:
    """Run a proxy before the server at `upstream`, in a thread, while the block runs.

    Examples
    --------
    >>> with faults("http://127.0.0.1:8333") as proxy:
    ...     rule = proxy.add(Rule("reset", path="large.bin", at=1000))
    ...     proxy.met(rule)
    0
    """
    proxy, ready = Proxy(upstream, latency), Future[asyncio.AbstractEventLoop]()
    end = asyncio.Event()

    async def run() -> None:
        server = await listen(proxy)
        ready.set_result(asyncio.get_running_loop())
        await end.wait()
        server.close()

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(lambda: asyncio.run(run()))
        loop = ready.result(timeout=30)
        try:
            yield proxy
        finally:
            loop.call_soon_threadsafe(end.set)
            running.result()


async def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    proxy = Proxy(given.upstream, given.latency)
    server = await listen(proxy, given.port)
    print(proxy.endpoint, flush=True)  # noqa: T201
    await server.serve_forever()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(_main())
