"""Upkeep of one table: few files, complete indexes, and no more old versions than wanted.

Compaction and indexing make new versions and leave the old ones, so that a reader goes on and an
old state can be read; only `cleanup` removes any.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ursa.catalog.history import newest_at, versions
from ursa.catalog.lance import patiently, waited
from ursa.catalog.promotion import correct
from ursa.catalog.schemas import EmbeddingRow
from ursa.catalog.vectors import index_embeddings
from ursa.text import counted

if TYPE_CHECKING:
    import pyarrow as pa
    from lancedb.table import Table as LanceTable

_logger = logging.getLogger("ursa.catalog")
_COMMITS = 20
_ROWS_PER_COMMIT = 20_000
_UNINDEXED = 100_000
_FOREVER = timedelta(days=36_500)
_SLACK = timedelta(seconds=10)
_SOON = timedelta(milliseconds=1)  # LanceDB warns of none at all


@dataclass(frozen=True)
class Optimized:
    """What `optimize` did to a table.

    Attributes
    ----------
    table : str
    fragments_before, fragments_after : int
        Groups of files that the rows are in.
    rows_indexed : int
        Rows that some index did not have before.
    rows_corrected : int
        Values of typed metadata columns that had to be set.
    """

    table: str
    fragments_before: int
    fragments_after: int
    rows_indexed: int
    rows_corrected: int = 0

    def __str__(self) -> str:
        fragments = f"{self.fragments_before} → {counted(self.fragments_after, 'fragment')}"
        return f"{self.table}: {fragments}, {counted(self.rows_indexed, 'row')} newly indexed"


@dataclass(frozen=True)
class CleanedUp:
    """What `cleanup` did to a table.

    Attributes
    ----------
    table : str
    versions_removed : int
    versions_kept : int
    bytes_removed : int
    tags : tuple of str
        Tags of old versions, which are kept with all that are newer.
    """

    table: str
    versions_removed: int
    versions_kept: int
    bytes_removed: int
    tags: tuple[str, ...] = ()

    def __str__(self) -> str:
        kept = f", {', '.join(self.tags)} and newer kept for the tag" if self.tags else ""
        done = f"{counted(self.versions_removed, 'version')} removed"
        return f"{self.table}: {done}, {self.versions_kept} kept, {self.bytes_removed} bytes{kept}"


def optimize(table: LanceTable) -> Optimized:
    """Join small files, bring every index up to date and check the typed metadata columns."""
    before, unindexed = _fragments(table), _unindexed(table)
    corrected = correct(table)
    patiently(lambda: table.optimize(cleanup_older_than=_FOREVER))
    if table.name == EmbeddingRow.__table__:
        index_embeddings(table)
    indexed = max(0, unindexed - _unindexed(table))
    return Optimized(table.name, before, _fragments(table), indexed, corrected)


def cleanup(table: LanceTable, older_than: timedelta, *, exclusive: bool = False) -> CleanedUp:
    """Remove versions that had a newer one already `older_than` ago.

    So every state since then can be read. The newest version stays, and so does what a tag names.

    Parameters
    ----------
    exclusive : bool
        Also remove files that no version has, whatever their age. Only where no other process
        uses the catalog: it may be writing them.
    """
    patiently(lambda: table.optimize(cleanup_older_than=_FOREVER))
    before = versions(table)
    tagged = {name: tag["version"] for name, tag in table.tags.list().items()}
    now = datetime.now(UTC)
    kept = newest_at(before, now - older_than) or before[0]
    old = tuple(sorted(name for name, number in tagged.items() if number < kept.number))
    first = min([kept.number, *(tagged[name] for name in old)])
    since = next(each.time for each in before if each.number == first)
    # The newest version is never removed; an older one needs room for the clock to go on.
    age = older_than if first == before[-1].number else now - since + _SLACK
    removed = patiently(lambda: _prune(table, max(age, _SOON), exclusive=exclusive))
    after = versions(table)
    gone = {each.number for each in before} - {each.number for each in after}
    return CleanedUp(table.name, len(gone), len(after), removed, old)


def _prune(table: LanceTable, age: timedelta, *, exclusive: bool) -> int:
    done = waited(
        table,
        lambda each: each.optimize(cleanup_older_than=age, delete_unverified=exclusive),
    )
    return int(done.prune.bytes_removed)


def settle(table: LanceTable, written: pa.Schema, key: str) -> None:
    """Do what is due after a commit; never an error, since the rows are stored already.

    Parameters
    ----------
    written : pyarrow.Schema
        What the rows were written with.
    key : str
        An indexed column.
    """
    try:
        if table.schema.names != written.names:
            correct(table)
        if is_due(table, key):
            table.optimize(cleanup_older_than=_FOREVER)
    except (RuntimeError, OSError, ValueError) as error:
        # Mostly another writer that came before; a later commit tries again.
        _logger.info("%s is not optimised now: %s", table.name, error)


def is_due(table: LanceTable, key: str) -> bool:
    """Return whether a table should be optimised after a commit, from its own state alone.

    That is after every 20 commits, and a few more where the table is so large that rewriting it
    takes long; where an attempt failed, after as many again. Or where many rows have no index.
    """
    stats = _stats(table)
    small = stats["fragment_stats"]["num_small_fragments"]
    commits = _COMMITS + stats["num_rows"] // _ROWS_PER_COMMIT
    if small and small % commits == 0:
        return True
    found = table.index_stats(f"{key}_idx")
    return found is not None and found.num_unindexed_rows >= _UNINDEXED


def _stats(table: LanceTable) -> dict[str, Any]:
    found: Any = table.stats()
    return dict(found)


def _fragments(table: LanceTable) -> int:
    return int(_stats(table)["fragment_stats"]["num_fragments"])


def _unindexed(table: LanceTable) -> int:
    found = [table.index_stats(index.name) for index in table.list_indices()]
    return max((each.num_unindexed_rows for each in found if each is not None), default=0)
