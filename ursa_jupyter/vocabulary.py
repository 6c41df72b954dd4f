"""What a catalog's names and values are, for completion: read aside, and kept in memory."""

from __future__ import annotations

import json
import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from ursa.terms import Term, word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import pyarrow as pa

    from ursa.catalog import Catalog

_ROWS = 20_000  # of the newest recordings; so many are read in well under a second
_VALUES = 500  # of one field
_KEYS = 500

logger = logging.getLogger("ursa.jupyter")


class Vocabulary:
    """Fields and metadata keys with their values, as they are written in a term.

    Reading happens on a thread of its own; until it is done there are no values.
    """

    def __init__(self) -> None:
        self._values: Mapping[str, tuple[str, ...]] = {}
        self._version: int | None = None
        self._reading: threading.Thread | None = None
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> tuple[str, ...]:
        """Return the values of a field, which is written like ``participants`` or ``metadata.a``.

        Of ``metadata``, ``modality_metadata`` and ``channel_spec`` it returns the keys.
        """
        return self._values.get(name, ())

    @property
    def is_read(self) -> bool:
        """Whether a catalog was read."""
        return self._version is not None

    def learn(
        self, catalog: Callable[[], Catalog], patience: float = 0, *, delay: float = 0
    ) -> None:
        """Begin to read a catalog, if it has changed since.

        Parameters
        ----------
        catalog : callable
            Returns the catalog; called on the other thread.
        patience : float
            Seconds to wait for the end.
        delay : float
            Seconds until it begins.
        """
        with self._lock:
            if self._reading is None or not self._reading.is_alive():
                self._reading = threading.Thread(
                    target=self._learn,
                    args=(catalog, delay),
                    name="ursa_jupyter-vocabulary",
                    daemon=True,
                )
                self._reading.start()
            reading = self._reading
        if patience:
            reading.join(patience)

    def _learn(self, catalog: Callable[[], Catalog], delay: float) -> None:
        time.sleep(delay)
        try:
            opened = catalog()
            version = opened.version
            if version != self._version:
                self._values = values_of(opened)
                self._version = version
        except Exception as error:  # noqa: BLE001 - completion does without; a query tells of it
            logger.debug("the catalog could not be read for completion: %r", error)


def values_of(catalog: Catalog) -> dict[str, tuple[str, ...]]:
    """Return the values of each field among the newest rows, the most frequent first.

    Examples
    --------
    >>> import tempfile
    >>> from ursa import DataInterface
    >>> data = DataInterface("local", path=tempfile.mkdtemp())
    >>> data.enable_writes()
    >>> row = data.register_recording(
    ...     recording_hash="r1", participant_ids=[], start_time=0, duration=60,
    ...     metadata={"task": "rest", "run": "1"}
    ... )
    >>> values_of(data.catalog)["metadata.run"]
    ('"1"',)
    """
    return dict(_values(catalog))


def _values(catalog: Catalog) -> Iterator[tuple[str, tuple[str, ...]]]:
    from ursa.catalog.schemas import EventRow, ModalityRow, RecordingEntry, VirgoAssetRow

    columns = ["participant_ids", "modality_names", "metadata_kv", "start_time"]
    recordings = _columns(catalog, RecordingEntry, columns, "start_time")
    yield "participants", _written(recordings[0])
    yield "participants_all", _written(recordings[0])
    yield "modalities", _written(recordings[1])
    yield from _labels("metadata", recordings[2])
    modalities = _columns(catalog, ModalityRow, ["metadata_kv", "channel_spec_kv"])
    yield from _labels("modality_metadata", modalities[0])
    yield from _labels("channel_spec", modalities[1])
    yield "event_type", _written(_columns(catalog, EventRow, ["event_type"])[0])
    assets = _columns(catalog, VirgoAssetRow, ["pipeline_version"])
    yield "pipeline_version", _written(assets[0])


def _columns(
    catalog: Catalog, row_type: Any, columns: list[str], order: str | None = None
) -> list[list[str]]:
    """Return the different values of some columns, the most frequent first."""
    found = catalog.snapshot(row_type).scan(
        columns=columns, limit=_ROWS, order_by=[f"-{order}"] if order else ()
    )
    return [_by_frequency(found[name]) for name in columns if name != order]


def _by_frequency(column: pa.ChunkedArray) -> list[str]:
    import pyarrow as pa
    from pyarrow import compute as pc

    flat = pc.list_flatten(column) if pa.types.is_list(column.type) else column
    counts = flat.drop_null().value_counts().to_pylist()
    return [each["values"] for each in sorted(counts, key=_rank)]


def _rank(each: Mapping[str, Any]) -> tuple[int, str]:
    return -each["counts"], each["values"]


def _written(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(word(value) for value in values)[:_VALUES]


def _labels(field: str, labels: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the keys of labels like ``task="rest"`` and ``age=#number``, and each key's values."""
    from ursa.operands import terms

    found: dict[str, list[str]] = {}
    for label in labels:
        key, _, value = label.partition("=")
        values = found.setdefault(key, [])
        if not value.startswith(("#", "sha256:")) and len(values) < _VALUES:
            (term,) = terms({field: {key: json.loads(value)}})
            values.append(term.value)
    keys = sorted(found)[:_KEYS]
    yield field, tuple(keys)
    yield from ((Term(field, key, "", "").name, tuple(found[key])) for key in keys)
