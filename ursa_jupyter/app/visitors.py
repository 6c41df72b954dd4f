"""One person who visits a server, in one or several tabs."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ursa.errors import InvalidArgument
from ursa.render.text import FINAL
from ursa.text import counted, shortened
from ursa_jupyter.app import roots as folders
from ursa_jupyter.app.contents import StoredFile, type_of
from ursa_jupyter.app.limits import Bucket, Clock
from ursa_jupyter.browse.selection import Selection
from ursa_jupyter.job_list import JobList

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from ursa.transfer.plan import Copy, DownloadPlan
    from ursa_jupyter.app.limits import Limits
    from ursa_jupyter.app.roots import Root
    from ursa_jupyter.app.tickets import Ticket, Tickets

    Push = Callable[[dict[str, Any]], None]

logger = logging.getLogger("ursa.page")
_TAB_MAX = 64
_ENDED_MAX = 50  # downloads that are still shown


class Visitor:
    """One person: several pages, all of them with this person's downloads and links.

    Parameters
    ----------
    name : str
    limits : Limits
    tickets : Tickets
        Of the whole server.
    roots : sequence of Root
        Folders of the server that this person may download to.
    site : Path or None
        Directory of the site that is served, which nobody may download into.
    running_of_all : callable, optional
        Returns how many downloads to folders all visitors have under way.
    turn : Lock, optional
        Held by whoever of all visitors takes the place of one more download.
    clock : callable
        Seconds.

    Attributes
    ----------
    jobs : JobList
        They go on when the tab is closed.

    Examples
    --------
    >>> from ursa_jupyter.app.limits import Limits
    >>> from ursa_jupyter.app.tickets import Tickets
    >>> ada = Visitor("ada", Limits(), Tickets())
    >>> ada.basket("tab-1") is ada.basket("tab-1")
    True
    """

    def __init__(
        self,
        name: str,
        limits: Limits,
        tickets: Tickets,
        *,
        roots: Sequence[Root] = (),
        site: Path | None = None,
        running_of_all: Callable[[], int] | None = None,
        turn: threading.Lock | None = None,
        clock: Callable[[], float] = Clock,
    ) -> None:
        self.name, self.jobs, self._limits = name, JobList(most=_ENDED_MAX), limits
        self._tickets, self._roots, self._site, self._clock = tickets, tuple(roots), site, clock
        self._running_of_all = running_of_all or self.running
        self._baskets: OrderedDict[str, tuple[Selection, float]] = OrderedDict()
        self._pages: dict[object, Push] = {}
        self._messages = Bucket(limits.burst, limits.messages_per_s, clock)
        self._lock, self._turn, self._starting = threading.Lock(), turn or threading.Lock(), 0

    @property
    def is_busy(self) -> bool:
        """Whether a page is open or a download runs, so that this person must be remembered."""
        return bool(self._pages) or self.jobs.is_running()

    # -- what the pages keep ---------------------------------------------------------------------

    def basket(self, tab: str) -> Selection:
        """Return what is selected in one tab; the tabs not used for longest lose theirs.

        Raises
        ------
        InvalidArgument
            That is no name of a tab.
        """
        if not isinstance(tab, str) or not 0 < len(tab) <= _TAB_MAX or not tab.isprintable():
            raise InvalidArgument(
                f"{shortened(tab, 80)} is no id of a tab: a text of 1 to {_TAB_MAX} characters"
            )
        with self._lock:
            now = self._clock()
            found, _ = self._baskets.pop(tab, (Selection(), 0.0))
            self._baskets[tab] = found, now
            while len(self._baskets) > self._limits.baskets or self._first_used() < (
                now - self._limits.basket_s
            ):
                self._baskets.popitem(last=False)
            return found

    def _first_used(self) -> float:
        return next(iter(self._baskets.values()))[1]

    def attach(self, push: Push) -> Callable[[], None]:
        """Let a page hear notices, and return what ends that."""
        key = object()
        with self._lock:
            self._pages[key] = push

        def detach() -> None:
            with self._lock:
                self._pages.pop(key, None)

        return detach

    def notice(self, kind: str, text: str, about: str = "") -> None:
        """Tell every page of this person something; `kind` is ``"error"`` or ``"info"``."""
        with self._lock:
            pages = list(self._pages.values())
        for push in pages:
            try:
                push({"push": "notice", "kind": kind, "text": text, "about": about})
            except Exception:  # one page that has just gone must not keep it from the others
                logger.exception("a page could not be told a notice")

    # -- what may be had -------------------------------------------------------------------------

    def zip(self, plan: DownloadPlan, starts: Mapping[str, int] | None = None) -> dict[str, Any]:
        """Return a link to a zip of what is planned.

        Parameters
        ----------
        plan : DownloadPlan
        starts : mapping of str to int
            Recording -> when it began, in ns; dates of the files in the zip.

        Returns
        -------
        dict
            ``url`` (relative to the page), ``name``, ``bytes``, ``files``, ``unverified``,
            ``expires_s``.
        """
        from ursa.archive import Archive

        number = len({copy.recording_hash for copy in plan.copies})
        name = f"ursa-{counted(number, 'recording').replace(' ', '-')}"
        archive = Archive(plan, name=name, starts=starts or {})
        values = self._linked("zip", self._tickets.make(self.name, "zip", archive))
        expires = self._limits.ticket_s
        return {**values, "unverified": archive.unverified, "expires_s": expires}

    def file(self, copy: Copy) -> dict[str, Any]:
        """Return a link to one stored object.

        Returns
        -------
        dict
            ``url`` (relative to the page), ``name``, ``bytes``, ``files``, ``type``.
        """
        ticket = self._tickets.make(self.name, "file", StoredFile(copy))
        return {**self._linked("file", ticket), "type": type_of(ticket.content.name)}

    @staticmethod
    def _linked(kind: str, ticket: Ticket) -> dict[str, Any]:
        content = ticket.content
        url = f"ursa/{kind}/{ticket.token}/{quote(content.name, safe='')}"
        return {"url": url, "name": content.name, "bytes": content.size, "files": content.files}

    def folder(self, dest: Path) -> Path:
        """Return the directory that ``root name/sub/dir`` means.

        Raises
        ------
        InvalidArgument, UnsafePath
            There is no such root, or it leaves its root.
        """
        return folders.folder_in(self._roots, dest, self._site)

    @property
    def roots(self) -> list[dict[str, Any]]:
        """Folders that may be downloaded to: ``name``, ``path`` and bytes ``free`` of each."""
        return folders.described(self._roots)

    # -- limits ----------------------------------------------------------------------------------

    def admit(self) -> None:
        """Count one message of a page.

        Raises
        ------
        InvalidArgument
            They were too many in too short a time.
        """
        self._messages.admit()

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Start a download to a folder in this block, and add it to `jobs`.

        Raises
        ------
        InvalidArgument
            More are under way than this person, or everybody together, may have.
        """
        with self._turn:  # two pages at once would both find the last place free
            self._refuse_one_more()
            self._starting += 1
        try:
            yield
        finally:
            with self._turn:
                self._starting -= 1

    def _refuse_one_more(self) -> None:
        if (number := self.running()) >= self._limits.folder_jobs:
            raise InvalidArgument(
                f"{counted(number, 'download')} of yours to a folder are under way, and no more "
                'may be; wait until one ends, or cancel one under "My downloads"'
            )
        if (number := self._running_of_all()) >= self._limits.all_folder_jobs:
            raise InvalidArgument(
                f"this server is busy with {counted(number, 'download')} to folders, its limit; "
                "try again later, or take the zip"
            )

    def running(self) -> int:
        """Return how many downloads to folders have not ended; one that pauses has not."""
        return self._starting + sum(look.state not in FINAL for _, look, _ in self.jobs.looks())
