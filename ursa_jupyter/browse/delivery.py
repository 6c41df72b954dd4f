"""`Delivery`: the messages by which somebody takes data home."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from ursa.errors import InvalidArgument
from ursa.text import shortened
from ursa_jupyter.browse.basket import basket, dest_of, wanted, wish_of
from ursa_jupyter.browse.copies import copied
from ursa_jupyter.browse.downloads import ACTIONS, Downloads
from ursa_jupyter.browse.giving import ZIP_MAX, filed, refuse_nobody, zipped
from ursa_jupyter.browse.manifests import manifest
from ursa_jupyter.browse.messages import choice_of, text_of
from ursa_jupyter.browse.selection import results

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from ursa import DataInterface
    from ursa_jupyter.browse.giving import Gives
    from ursa_jupyter.browse.messages import Message
    from ursa_jupyter.browse.selection import Selection
    from ursa_jupyter.job_list import JobList

DEST = "ursa-downloads"


class Ways(NamedTuple):
    """How data may leave, and who sees the downloads.

    Attributes
    ----------
    allow_dest : callable or None
        Returns the directory that is written to, or refuses it; None where nobody was asked.
    gives : Gives or None
        The host of a page, if it is one.
    jobs : JobList or None
        Downloads that several browsers show.
    others : bool
        Also show the downloads of this process that somebody else began; never on a page.
    """

    allow_dest: Callable[[Path], Path] | None = None
    gives: Gives | None = None
    jobs: JobList | None = None
    others: bool = True


class Delivery:
    """Answers the messages by which somebody takes data home.

    Parameters
    ----------
    data : DataInterface
    selection : Selection
    push : callable
        Gets each message that nobody asked for, on any thread.
    ways : Ways
    """

    def __init__(
        self,
        data: DataInterface,
        selection: Selection,
        push: Callable[[Message], None],
        ways: Ways,
    ) -> None:
        self._data, self._selection, self._gives = data, selection, ways.gives
        safe = _any_place if ways.gives is None else _nowhere
        self._allow_dest = ways.allow_dest or safe
        # What others download is nobody's business on a page.
        others = ways.others and ways.gives is None
        self.downloads = Downloads(push, others=others, jobs=ways.jobs)
        self._planned: tuple[tuple[object, ...], Message] = ((), {})
        self.answers: Mapping[str, Callable[[Message], Message]] = {
            "basket": self._basket,
            "download": self._download,
            "zip": self._zip,
            "file": lambda m: filed(data, m, refuse_nobody(self._gives)),
            "manifest": lambda m: manifest(data, selection, m, is_page=self._is_page),
            "copy": lambda m: copied(data, selection, m, DEST, is_page=self._is_page),
            "job": self._job,
            "jobs": self._jobs,
        }

    def greeting(self) -> Message:
        """Return what of the answer to ``hello`` says how data can be had."""
        if self._gives is None:
            return {"ways": ["folder", "copy"], "roots": [], "zip_max": None, "dest": DEST}
        roots = [dict(each) for each in self._gives.roots]
        ways = ["zip", *(["folder"] if roots else []), "copy"]
        dest = f"{roots[0]['name']}/{DEST}" if roots else None
        said = {"ways": ways, "roots": roots, "zip_max": ZIP_MAX, "dest": dest}
        return {**said, **self._gives.greeting()}

    def close(self) -> None:
        """Push nothing any more; downloads go on."""
        self.downloads.close()

    @property
    def _is_page(self) -> bool:
        return self._gives is not None

    def _dest(self, message: Message) -> Path:
        return dest_of(message, self._allow_dest, DEST)

    def _basket(self, message: Message) -> Message:
        stays = self._is_page and message.get("dest") is None
        wish = wish_of(message, None if stays else self._dest(message))
        of = (self._selection.version, self._data.catalog.version, self.downloads.states)
        key, (known, found) = (*wish, *of), self._planned
        if key != known or message.get("again"):
            found = basket(self._data, self._selection.hashes, wish)
            self._planned = key, found
        return found

    def _download(self, message: Message) -> Message:
        dest = self._dest(message)
        wish = wish_of(message, dest)
        whole = results(self._data, self._selection.hashes)
        kept, _ = wanted(whole, wish)
        with self._starting():
            return {"job": self.downloads.start(self._data, kept, dest, wish)}

    def _starting(self) -> AbstractContextManager[None]:
        return nullcontext() if self._gives is None else self._gives.starting()

    def _zip(self, message: Message) -> Message:
        wish, gives = wish_of(message, None), refuse_nobody(self._gives)
        return zipped(self._data, self._selection.hashes, wish, gives)

    def _job(self, message: Message) -> Message:
        action = choice_of(message, "action", ACTIONS, "")
        with self._starting() if action == "retry" else nullcontext():
            self.downloads.act(text_of(message, "job"), action)
        return {}

    def _jobs(self, _: Message) -> Message:
        self.downloads.watch()
        return {"jobs": self.downloads.described()}


def _any_place(dest: Path) -> Path:
    return dest


def _nowhere(dest: Path) -> NoReturn:
    told = f"{shortened(str(dest), 80)} cannot be written to: no directory of this server is open"
    raise InvalidArgument(f"{told} for downloads; take a zip file or a command")
