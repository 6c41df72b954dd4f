"""Whether a catalog is right: keys, derived columns, links between tables, and stored data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ursa.audit.data import check_data
from ursa.audit.keys import check_keys
from ursa.audit.links import check_orphans, check_recordings
from ursa.audit.report import AuditReport, Finding, Kind, Tally
from ursa.audit.rows import check_rows
from ursa.catalog import ROW_CLASSES, RecordingRow, Row

if TYPE_CHECKING:
    from ursa.catalog import Catalog
    from ursa.catalog.table import Table
    from ursa.stores import Stores

__all__ = ["AuditReport", "Finding", "Kind", "audit"]


def audit(catalog: Catalog, stores: Stores | None = None, *, repair: bool = False) -> AuditReport:
    """Compare everything in a catalog with everything that it must agree with.

    Reads tables in batches. A repair goes through the guarded writes, so it may run beside other
    writers, and only adds what follows from stored rows or removes copies of them.

    Parameters
    ----------
    catalog : Catalog
    stores : Stores, optional
        Also look there for the data of every modality.
    repair : bool
        Mend what can be mended without guessing.

    Examples
    --------
    >>> import tempfile
    >>> from ursa.catalog import Catalog, EventRow
    >>> catalog = Catalog(tempfile.mkdtemp())
    >>> event = EventRow(event_id="e1", recording_hash="r1", event_time=0, event_type="note")
    >>> catalog.table(EventRow).insert([event])
    1
    >>> audit(catalog)
    looked at 1 events
    events: 1 x no_recording: a row belongs to no recording
      e1: recording r1
      what is left: register_recording() it; while a session is being registered, this is no damage
    1 found, 1 left
    """
    tally, unsafe = Tally(), dict[type[Row], set[int]]()
    for row_type in ROW_CLASSES:
        table: Table[Any] = (
            catalog.recordings if row_type is RecordingRow else catalog.table(row_type)
        )
        # Copies of a row go first: no row can be rewritten while its key is stored twice.
        unsafe[row_type] = check_keys(table, tally, repair=repair)
        check_rows(table, tally, unsafe[row_type], repair=repair)
    check_recordings(catalog, tally, unsafe[RecordingRow], repair=repair)
    check_orphans(catalog, tally)
    if stores is not None:
        check_data(catalog, stores, tally)
    return tally.report()
