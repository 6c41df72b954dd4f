"""Who was recorded: from an id, a display name or a session's participant.txt to a row."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import TYPE_CHECKING

from ursa.catalog.schemas import ParticipantRow
from ursa.errors import InvalidArgument, SourceUnreadable
from ursa.formats.manifest import PARTICIPANT

if TYPE_CHECKING:
    from pathlib import Path

    from ursa.catalog import Catalog

_ID = re.compile(r"[A-Za-z0-9_-]+")


def slug(name: str) -> str:
    """Return the participant id that stands for a display name.

    Examples
    --------
    >>> slug("Aria Lin"), slug("Zoë  O'Neil")
    ('aria-lin', 'zoe-o-neil')
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9_]+", plain.replace("'", " ").lower())
    # A name in another script leaves nothing to read, so its hash stands for it.
    return "-".join(words) or f"p-{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def named(
    participant: str | None, participant_id: str | None, source_dir: Path | None
) -> str | None:
    """Return the id or display name of a session's participant, or None.

    What the caller says comes first, then ``participant.txt``.
    """
    if participant is not None and participant_id is not None and participant != participant_id:
        msg = f"give participant={participant!r} or participant_id={participant_id!r}, not both"
        raise InvalidArgument(msg)
    given = participant if participant is not None else participant_id
    if given is None and source_dir is not None:
        given = _from_file(source_dir / PARTICIPANT)
    given = given.strip() if given is not None else None
    if given == "" or (given is not None and not given.isprintable()):
        msg = f"participant {given!r} is not one line of text; give an id, a name, or None"
        raise InvalidArgument(msg)
    return given


def _from_file(path: Path) -> str | None:
    try:
        return path.read_text("utf-8-sig").strip() or None
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        msg = f"cannot read {path}: {error}; it should hold one line of UTF-8 text"
        raise SourceUnreadable(msg) from error


def resolved(catalog: Catalog, given: str, enrolled_at: int) -> ParticipantRow:
    """Return the row of a participant: the stored one, or a new one that is not stored yet.

    Raises
    ------
    InvalidArgument
        Another name already has this name's id.
    """
    is_id = _ID.fullmatch(given) is not None
    offered = ParticipantRow(
        participant_id=given if is_id else slug(given),
        enrolled_at=enrolled_at,
        metadata={} if is_id else {"name": given},
    )
    stored = catalog.table(ParticipantRow).get(offered.participant_id)
    return offered if stored is None else keep_stored(stored, offered)


def keep_stored(stored: ParticipantRow, offered: ParticipantRow) -> ParticipantRow:
    """Return the stored row of a participant who is offered by id or by the same name.

    Raises
    ------
    InvalidArgument
        The row is offered under another name.
    """
    participant_id = stored.participant_id
    given = offered.metadata.get("name")
    other = stored.metadata.get("name", participant_id)
    if given is not None and other != given:
        msg = (
            f"participant {given!r} would get the id {participant_id!r} of {other!r}; "
            "give an id of your own for one of them"
        )
        raise InvalidArgument(msg)
    return stored
