"""Keeping a catalog right and quick."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from ursa.interface.opened import OpenedSite

if TYPE_CHECKING:
    from ursa.audit import AuditReport
    from ursa.catalog.history import Version
    from ursa.catalog.promotion import Kind, Promotion
    from ursa.catalog.upkeep import CleanedUp, Optimized


class Upkeep(OpenedSite):
    """What keeps a catalog right and quick."""

    def audit(self, *, repair: bool = False, data: bool = True) -> AuditReport:
        """Compare everything in the catalog with everything that it must agree with.

        Reports keys that are stored twice, rows that cannot be read, columns that do not follow
        from their row, recordings that show other modalities than are registered, rows that name
        a recording or a participant that is not there, and modalities whose data is gone.

        Parameters
        ----------
        repair : bool
            Mend what can be mended without guessing; nothing is deleted but equal copies of a row.
        data : bool
            Also list the stores, to look for the data of every modality.

        Returns
        -------
        AuditReport
            Its `ok` says whether nothing is wrong any more.

        Raises
        ------
        WritesNotEnabled
            `repair` needs ``enable_writes()``.

        Examples
        --------
        >>> import tempfile
        >>> from ursa import DataInterface
        >>> data = DataInterface("local", path=tempfile.mkdtemp())
        >>> data.enable_writes()
        >>> person = data.register_participant(participant_id="P001", enrolled_at=0)
        >>> data.audit()
        looked at 1 participants
        nothing is wrong
        """
        from ursa.audit import audit

        if repair:
            self._writing("audit", "assets_rw")
        catalog = self._changing if repair else self.catalog
        return audit(catalog, self._reading if data else None, repair=repair)

    def optimize(self) -> list[Optimized]:
        """Join the catalog's small files and bring its indexes up to date; one report per table.

        Writers do that by themselves every 20 commits, so this is for after large imports.

        Examples
        --------
        >>> import tempfile
        >>> from ursa import DataInterface
        >>> data = DataInterface("local", path=tempfile.mkdtemp())
        >>> data.enable_writes()
        >>> for number in range(3):
        ...     row = data.register_participant(participant_id=f"P{number}", enrolled_at=0)
        >>> print(data.optimize()[0])
        participants: 3 → 1 fragment, 3 rows newly indexed
        """
        self._writing("optimize", "assets_rw")
        return self._changing.optimize()

    def versions(self) -> list[Version]:
        """Return the states of the recordings that `as_of` can still name, oldest first.

        Examples
        --------
        >>> import tempfile
        >>> from ursa import DataInterface
        >>> data = DataInterface("local", path=tempfile.mkdtemp())
        >>> data.enable_writes()
        >>> data.versions()[-1].rows
        0
        """
        return self.catalog.versions()

    def cleanup(
        self, older_than: timedelta = timedelta(days=7), *, exclusive: bool = False
    ) -> list[CleanedUp]:
        """Remove old versions of the catalog's tables; every state since then can still be read.

        The newest version is never removed, nor is one that has a tag.

        Parameters
        ----------
        older_than : timedelta
        exclusive : bool
            Also remove the files that killed writers left. Only where no other process uses the
            catalog: what it is writing just now would be removed too.

        Raises
        ------
        WritesNotEnabled, InvalidArgument

        Examples
        --------
        >>> import tempfile
        >>> from ursa import DataInterface
        >>> data = DataInterface("local", path=tempfile.mkdtemp())
        >>> data.enable_writes()
        >>> sum(report.versions_removed for report in data.cleanup())
        0
        """
        self._writing("cleanup", "assets_rw")
        return self._changing.cleanup(older_than, exclusive=exclusive)

    def promote_metadata_key(self, key: str, type: Kind | None = None) -> Promotion:  # noqa: A002 - what it is
        """Let an index answer ``<``, ``<=``, ``>`` and ``>=`` on a key of recordings' metadata.

        Nothing changes but the speed. Calling it again checks and completes the index.

        Parameters
        ----------
        key : str
        type : {"number", "text"}, optional
            Needed only where the key has both.

        Raises
        ------
        WritesNotEnabled, InvalidArgument

        Examples
        --------
        >>> import tempfile
        >>> from datetime import timedelta
        >>> from ursa import DataInterface
        >>> data = DataInterface("local", path=tempfile.mkdtemp())
        >>> data.enable_writes()
        >>> row = data.register_recording(
        ...     recording_hash="a" * 64,
        ...     participant_ids="P001",
        ...     start_time=0,
        ...     duration=timedelta(minutes=5),
        ...     metadata={"age": 40},
        ... )
        >>> print(data.promote_metadata_key("age"))
        age: number in 1 recording, filtered by an index
        """
        self._writing("promote_metadata_key", "assets_rw")
        return self._changing.promote_metadata_key(key, type)
