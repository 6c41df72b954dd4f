"""What a modality's row says about its processing, in its metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ursa.catalog.schemas import ModalityRow

# Who processes it or did, until when that counts, which try it was of all, and which since it was
# last given up or done.
OWNER, UNTIL = "process.owner", "process.until_ns"
ATTEMPT, TRIES = "process.attempt", "process.tries"
ERROR = "error"
# What the row said before it told about processed data.
RAW_FORMAT, RAW_RATE = "process.raw_format", "process.raw_sampling_rate"
# Of a further stream in a modality's files: the modality.
DERIVED_FROM = "derived_from"
_KEPT = (OWNER, UNTIL, ATTEMPT, TRIES, ERROR)


def is_derived(row: ModalityRow) -> bool:
    """Say whether a row is a further stream out of another modality's raw files."""
    return DERIVED_FROM in row.metadata


def with_raw_files(rows: Mapping[str, ModalityRow]) -> list[str]:
    """Return the keys of the rows that together have every raw file, each file once."""
    seen, found = set[str](), set[str]()
    for name, row in sorted(rows.items(), key=lambda item: is_derived(item[1])):
        if not is_derived(row) or row.raw_storage_uri not in seen:
            found.add(name)
            seen.add(row.raw_storage_uri)
    return [name for name in rows if name in found]


def without_clock(row: ModalityRow) -> ModalityRow:
    """Return a row without the time until which its lease counts.

    A recording shows its modalities as they were when their status changed; the lease is prolonged
    in the modalities table alone.
    """
    if UNTIL not in row.metadata:
        return row
    rest = {key: value for key, value in row.metadata.items() if key != UNTIL}
    return row.model_copy(update={"metadata": type(row.metadata)(rest)})


def with_history(offered: ModalityRow, stored: ModalityRow) -> ModalityRow:
    """Return an offered raw row with what the stored one knows of earlier tries at processing."""
    known = {key: stored.metadata[key] for key in _KEPT if key in stored.metadata}
    if not known:
        return offered
    metadata = type(offered.metadata)({**offered.metadata, **known})
    return offered.model_copy(update={"metadata": metadata})
