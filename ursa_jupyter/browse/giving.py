"""What the host of a page can give to the person in front of it, and what is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from ursa.errors import InvalidArgument
from ursa.text import shortened
from ursa_jupyter.browse.basket import PLANNED_MAX, left_nothing, wanted
from ursa_jupyter.browse.detail import TIERS, file_name, parts, recording
from ursa_jupyter.browse.messages import choice_of, text_of
from ursa_jupyter.browse.selection import results

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from ursa import DataInterface
    from ursa.transfer.plan import Copy, DownloadPlan
    from ursa_jupyter.browse.basket import Wish
    from ursa_jupyter.browse.messages import Message

ZIP_MAX = 20_000_000_000  # bytes above which a command that goes on after a break is advised


class Gives(Protocol):
    """Gives files to one person through the host of a page."""

    @property
    def roots(self) -> Sequence[Mapping[str, Any]]:
        """Directories that may be downloaded to: ``name``, ``path`` and bytes ``free`` of each."""

    def greeting(self) -> Mapping[str, Any]:
        """Return what the host adds to the answer to ``hello``."""

    def zip(self, plan: DownloadPlan, starts: Mapping[str, int]) -> Mapping[str, Any]:
        """Return where the files of a plan can be had as one zip file."""

    def file(self, copy: Copy) -> Mapping[str, Any]:
        """Return where one object can be had."""

    def starting(self) -> AbstractContextManager[None]:
        """Return the block in which a download starts; it raises where no more may."""


def refuse_nobody(gives: Gives | None) -> Gives:
    """Return what gives files, or raise where nothing does."""
    if gives is None:
        raise InvalidArgument("there is no page here that gives files; download to a directory")
    return gives


def zipped(data: DataInterface, hashes: Sequence[str], wish: Wish, gives: Gives) -> Message:
    """Answer ``zip``: where the selected recordings can be had as a zip file."""
    if not hashes:
        raise InvalidArgument("nothing is selected; tick the recordings to take home")
    if len(hashes) > PLANNED_MAX:
        rule = f"a zip file takes at most {PLANNED_MAX}; save the selection and use the command"
        raise InvalidArgument(f"{len(hashes)} recordings are selected, and {rule}")
    kept, left_out = wanted(results(data, hashes), wish)
    if not kept:
        raise InvalidArgument(left_nothing(wish))
    plan = data.plan(kept, layout=wish.layout, source=wish.source)
    starts = {each.recording_hash: each.start_time for each in kept}
    return {**gives.zip(plan, starts), "left_out": left_out}


def filed(data: DataInterface, message: Message, gives: Gives) -> Message:
    """Answer ``file``: where one file of a recording can be had, if there is such a file."""
    modality, worker, key = (text_of(message, name) for name in ("modality", "worker_id", "key"))
    stored = choice_of(message, "stored", TIERS, "")
    for _, tier, part in parts(recording(data, message)):
        (row,) = part.modalities.values()
        if (row.modality, row.worker_id) != (modality, worker) or stored not in ("", tier):
            continue
        for copy in data.plan(part, source=tier).copies:
            if key in (file_name(copy), copy.key):
                return dict(gives.file(copy))
    told = f"{shortened(modality, 80)} of this recording has no file {shortened(key, 200)}"
    raise InvalidArgument(f"{told}; open the list of files again")
