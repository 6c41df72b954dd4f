"""The basket: what a download of the selected recordings would bring, and what it leaves out."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from ursa.errors import InvalidArgument, UrsaError
from ursa.text import shortened
from ursa.transfer.available import available
from ursa.transfer.plan import Existing, Layout, Source
from ursa.transfer.room import free_near
from ursa_jupyter.browse.messages import choice_of, text_of, texts_of
from ursa_jupyter.browse.selection import results

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ursa import DataInterface, QueryResult
    from ursa_jupyter.browse.messages import Message

PLANNED_MAX = 2_000
_NAMES_MAX = 1_000


class Wish(NamedTuple):
    """What somebody wants of the selected recordings.

    Attributes
    ----------
    modalities : frozenset of str or None
        Names of modalities; None means all.
    dest : Path or None
        None where nothing is written here.
    source, layout, existing : str
        As `DataInterface.download` takes them.
    """

    modalities: frozenset[str] | None
    dest: Path | None
    source: Source
    layout: Layout
    existing: Existing


def wish_of(message: Message, dest: Path | None) -> Wish:
    """Return what a message wishes, to be written to a directory or not at all."""
    named = message.get("modalities")
    names = None if named is None else frozenset(texts_of(message, "modalities", _NAMES_MAX))
    source: Any = choice_of(message, "source", get_args(Source), "auto")
    layout: Any = choice_of(message, "layout", get_args(Layout), "by_recording")
    existing: Any = choice_of(message, "existing", get_args(Existing), "refresh")
    return Wish(names, dest, source, layout, existing)


def dest_of(message: Message, allow_dest: Callable[[Path], Path], default: str) -> Path:
    """Return the directory that a message names; `allow_dest` returns another or refuses it."""
    text = text_of(message, "dest", default).strip()
    if not text or not text.isprintable():
        raise InvalidArgument(f"dest is {shortened(text, 80)}; name the directory to write to")
    return allow_dest(Path(text))


def basket(data: DataInterface, hashes: Sequence[str], wish: Wish) -> dict[str, Any]:
    """Return what `wish` would bring of these recordings; nothing is written."""
    answer = {
        **_EMPTY,
        "recordings": len(hashes),
        "dest": None if wish.dest is None else str(wish.dest),
    }
    if not hashes:
        return answer
    if len(hashes) > PLANNED_MAX:
        note = f"more than {PLANNED_MAX} recordings: files and bytes are counted by the download"
        unknown = dict.fromkeys(("files", "bytes", "here_files", "here_bytes", "existing"))
        free = None if wish.dest is None else free_near(wish.dest.expanduser())
        names = _unlooked(data, wish)
        return {**answer, **unknown, "modalities": names, "disk_free": free, "note": note}
    whole = results(data, hashes)
    kept, left_out = wanted(whole, wish)
    answer |= {"modalities": _modalities(whole, wish), "left_out": left_out}
    if not kept:
        return {**answer, "files": 0, "bytes": 0, "error": left_nothing(wish)}
    try:
        return {**answer, **_planned(data, kept, wish)}
    except (UrsaError, OSError) as error:
        return {**answer, "error": str(error)}


_EMPTY: dict[str, Any] = {
    **dict.fromkeys(("files", "bytes", "here_files", "here_bytes", "existing"), 0),
    **dict.fromkeys(("disk_free", "error", "note")),
    "modalities": [],
    "left_out": [],
}


def wanted(
    whole: Iterable[QueryResult], wish: Wish
) -> tuple[list[QueryResult], list[dict[str, str]]]:
    """Return the recordings with the modalities that can be had, and what is left out and why."""
    kept, left_out = available(whole, source=wish.source, modalities=wish.modalities)
    return kept, [{"text": each} for each in left_out]


def left_nothing(wish: Wish) -> str:
    """Return what is said where nothing of the selected recordings can be had."""
    of = " of the modalities chosen" if wish.modalities is not None else ""
    return f"nothing to download{of}; select other recordings or modalities"


def _planned(data: DataInterface, kept: Sequence[QueryResult], wish: Wish) -> dict[str, Any]:
    plan = data.plan(kept, wish.dest, layout=wish.layout, source=wish.source)
    here = plan.already_here
    return {
        "files": len(plan.copies),
        "bytes": plan.bytes_total,
        "here_files": len(here),
        "here_bytes": sum(copy.size for copy in here),
        "existing": len(plan.existing),
        "disk_free": plan.disk_free,
    }


def _modalities(whole: Iterable[QueryResult], wish: Wish) -> list[dict[str, Any]]:
    counts = Counter(
        name for result in whole for name in {row.modality for row in result.modalities.values()}
    )
    return _chosen(dict(sorted(counts.items())), wish)


def _unlooked(data: DataInterface, wish: Wish) -> list[dict[str, Any]]:
    """Name every modality of the catalog, without saying how many of the selected have it."""
    names = sorted(each.value for each in data.facets("modalities", status="all")["modalities"])
    return _chosen(dict.fromkeys(names), wish)


def _chosen(counts: Mapping[str, int | None], wish: Wish) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "recordings": number,
            "chosen": wish.modalities is None or name in wish.modalities,
        }
        for name, number in counts.items()
    ]
