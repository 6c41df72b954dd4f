"""What kind of preview a modality has, from its catalog row alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from ursa.catalog import IngestionStatus, StorageFormat

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ursa.catalog import ModalityRow

Kind = Literal["signal", "audio", "video", "gaze", "events", "notes"]

_SPEECH = frozenset({"audio", "mic", "microphone", "sound", "speech", "voice"})
_GAZE = frozenset({"gaze", "eye", "eyes", "eyetracking", "pupil"})
_AXES = (
    *(("x", "y"), ("gaze_x", "gaze_y"), ("x_px", "y_px"), ("gaze x [px]", "gaze y [px]")),
    *(("norm_pos_x", "norm_pos_y"), ("x_left", "y_left"), ("left_x", "left_y")),
    *(("xpos_left", "ypos_left"), ("x_right", "y_right"), ("right_x", "right_y")),
    *(("xpos_right", "ypos_right"), ("x_avg", "y_avg"), ("point_x", "point_y")),
)


def kind_of(row: ModalityRow) -> Kind | None:
    """Return the kind of preview of a modality; None where there is nothing to look at.

    A dense stream is audio where its row says so, by ``kind`` in its metadata or by the kinds of
    its channels, or where it is named like it, and gaze where two of its channels say where
    somebody looked. A sparse one is what ``kind`` says it is.

    Examples
    --------
    >>> from ursa.catalog import ModalityRow
    >>> row = ModalityRow(
    ...     recording_hash="h",
    ...     modality="camera",
    ...     raw_storage_uri="r2://constellation-data/recordings/r/camera/",
    ...     storage_uri="r2://constellation-assets/virgo/h/camera.mp4",
    ...     format="mp4_index",
    ...     ingestion_status="processed",
    ... )
    >>> kind_of(row), kind_of(row.model_copy(update={"format": None}))
    ('video', None)
    """
    if row.ingestion_status is not IngestionStatus.PROCESSED:
        return None
    if row.format is StorageFormat.MP4_INDEX:
        return "video"
    if row.format is StorageFormat.ZARR:
        return "audio" if _is_audio(row) else "gaze" if eyes_of(row) else "signal"
    return _sparse(row) if row.format is StorageFormat.LANCE else None


def why_none(row: ModalityRow) -> str:
    """Return why a modality has no preview, and what to do."""
    if row.ingestion_status is IngestionStatus.FAILED:
        said = "could not be processed: its error is among its metadata; see ursa process --help"
    elif row.ingestion_status is not IngestionStatus.PROCESSED:
        said = f"is {row.ingestion_status.value}, not processed; run ursa process first"
    else:
        form = row.format.value if row.format else "an unknown format"
        said = f"is stored as {form}, which has no times to be drawn on; look at its files"
    return said


def _is_audio(row: ModalityRow) -> bool:
    said = _said_kind(row)
    return said == "audio" if said else _base(row) in _SPEECH


def _sparse(row: ModalityRow) -> Kind:
    said = _said_kind(row)
    if said in ("events", "notes", "gaze"):
        return said  # type: ignore[return-value] # one of these
    if said is None and _base(row) in ("events", "notes"):
        return "events" if _base(row) == "events" else "notes"
    columns = columns_of(row)
    return "gaze" if axes_of(columns) or (not columns and _base(row) in _GAZE) else "signal"


def _said_kind(row: ModalityRow) -> str | None:
    for told in (row.metadata.get("kind"), row.channel_spec.get("kind")):
        if isinstance(told, str):
            return told
    kinds = _texts(row.channel_spec, "kinds")
    return kinds[0] if kinds and len(set(kinds)) == 1 else None


def _base(row: ModalityRow) -> str:
    """Return the part of a modality's name that says what it is: of ``camera-audio``, the end."""
    return row.modality.lower().rpartition("-")[2].partition("_")[0]


def columns_of(row: ModalityRow) -> list[str]:
    """Return the names of channels or columns that a row tells."""
    return _texts(row.channel_spec, "columns") or _texts(row.channel_spec, "channels")


def eyes_of(row: ModalityRow) -> tuple[str, str] | None:
    """Return which channels of a dense stream say where somebody looked, by their kinds."""
    names, kinds = columns_of(row), row.channel_spec.get("kinds")
    if not isinstance(kinds, list | tuple) or len(kinds) != len(names):
        return None
    return axes_of(name for name, of in zip(names, kinds, strict=True) if of == "eyegaze")


def _texts(values: Mapping[str, Any], name: str) -> list[str]:
    found = values.get(name)
    if not isinstance(found, list | tuple):
        return []
    return [each for each in found if isinstance(each, str)]


def axes_of(columns: Iterable[str]) -> tuple[str, str] | None:
    """Return which two of some columns say where somebody looked.

    Examples
    --------
    >>> axes_of(["timestamp", "Gaze_X", "Gaze_Y", "worn"]), axes_of(["pupil"])
    (('Gaze_X', 'Gaze_Y'), None)
    """
    known = {each.lower(): each for each in columns}
    return next(((known[x], known[y]) for x, y in _AXES if x in known and y in known), None)
