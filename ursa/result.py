"""`QueryResult`: one recording that matched, and how it is read from its row of the catalog."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict

from ursa.catalog.arrow import nested_modalities
from ursa.catalog.conditions import all_hold
from ursa.catalog.result_keys import modality_keys
from ursa.catalog.schemas import ModalityRow
from ursa.catalog.types import CatalogID, Duration, EpochNs, Intervals, MetadataDict
from ursa.filter_types import STATUS_LABEL
from ursa.frozen import FrozenDict
from ursa.selection import selected
from ursa.time import ns_to_timedelta

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ursa.filters import QuerySpec
    from ursa.predicates import Selection


class QueryResult(BaseModel):
    """One recording that matched, with the modalities that matched in it.

    A plain value: it holds no connection, and can be pickled and sent elsewhere.

    Attributes
    ----------
    recording_hash : str
    participant_ids : tuple of str
    start_time : int
        ns since the Unix epoch.
    duration : timedelta
    device_info, metadata : dict
    modalities : dict of str to ModalityRow
        Keys are ``"eeg"`` for a single worker, ``"eeg_a"``, ``"eeg_b"`` for several.
    time_selection : tuple of (float, float) or None
        What `time_range` and `time_filters` leave of the recording: half-open windows in seconds
        from its start, in order; None where neither was given.
    """

    model_config = ConfigDict(frozen=True)

    recording_hash: CatalogID
    participant_ids: tuple[CatalogID, ...]
    start_time: EpochNs
    duration: Duration
    device_info: MetadataDict
    metadata: MetadataDict
    modalities: Annotated[dict[str, ModalityRow], AfterValidator(FrozenDict)]
    time_selection: Intervals | None = None

    def __hash__(self) -> int:
        return hash(self.recording_hash)

    @property
    def status(self) -> str | None:
        """Statuses of its modalities, like ``"processed"`` or ``"processed/raw"``; None without.

        Examples
        --------
        >>> from datetime import timedelta
        >>> fields = dict.fromkeys(["device_info", "metadata", "modalities"], {})
        >>> length = timedelta(seconds=1)
        >>> QueryResult(
        ...     recording_hash="h", participant_ids=(), start_time=0, duration=length, **fields
        ... ).status is None
        True
        """
        found = {row.ingestion_status.value for row in self.modalities.values()}
        return "/".join(sorted(found)) or None


def hydrated(record: Mapping[str, Any], spec: QuerySpec, selection: Selection) -> QueryResult:
    """Return the result for one record of the recordings table, narrowed as `spec` says."""
    key, start, length = record["recording_hash"], record["start_time"], record["duration"]
    keyed = modality_keys(nested_modalities(key, record["modalities"]))
    return QueryResult(
        recording_hash=key,
        participant_ids=record["participant_ids"],
        start_time=start,
        duration=ns_to_timedelta(length),
        device_info=json.loads(record["device_info"]),
        metadata=json.loads(record["metadata"]),
        modalities={
            name: row for name, row in keyed.items() if _wanted(name, row, spec, selection)
        },
        time_selection=selected(
            start, length, spec.time_range, spec.time_filters, selection.events.get(key, {})
        )
        if spec.time_range or spec.time_filters
        else None,
    )


def _wanted(key: str, row: ModalityRow, spec: QuerySpec, selection: Selection) -> bool:
    named = spec.modalities is None or key in spec.modalities or row.modality in spec.modalities
    assets = selection.assets
    return (
        named
        and row.ingestion_status == STATUS_LABEL.get(spec.status, row.ingestion_status)
        and all_hold(spec.modality_metadata, row.metadata)
        and all_hold(spec.channel_spec, row.channel_spec)
        and (assets is None or (row.primary_key in assets) is (spec.derived is not False))
    )
