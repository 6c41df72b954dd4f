"""Previews of rows at times of their own: traces of gaze and other samples, events and notes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ursa_jupyter.browse.messages import number_of
from ursa_jupyter.browse.preview_asked import Span, channels_of, points_of, span_of
from ursa_jupyter.browse.preview_kinds import axes_of, columns_of, eyes_of, kind_of
from ursa_jupyter.browse.preview_open import answer_of
from ursa_jupyter.browse.preview_signal import describe, envelope
from ursa_jupyter.browse.preview_signal import window as window_dense
from ursa_jupyter.browse.wire import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ursa.catalog import ModalityRow
    from ursa_jupyter.browse.messages import Message
    from ursa_jupyter.browse.preview_open import Opened

    Answer = tuple[Message, list[bytes]]

__all__ = ["about", "about_dense", "about_rows", "rows", "window", "window_dense"]

TIMESTAMP = "timestamp"  # the column of every stored sparse stream that says when a row was
_NUMBERS = ("int", "uint", "float", "halffloat", "double", "bool")  # as Arrow's types begin
_ROWS_MAX = 500
_TEXT_MAX = 2_000


def about(opened: Opened, _: Message) -> Answer:
    """Answer ``about``: columns and extent of a trace."""
    reader, columns = opened.reader, _numbers(opened.reader.schema)
    units = _units(opened.row)
    channels = [{"name": name, "unit": units.get(name), "kind": None} for name in columns]
    said: dict[str, Any] = {
        "rows": reader.rows,
        "columns": columns,
        "rate": opened.row.sampling_rate,
        "channels": channels,
    }
    if kind_of(opened.row) == "gaze":
        said |= _looked(opened.row, axes_of(columns))
    else:
        said |= {"kind": "signal", "dtype": "float64"}
    return answer_of(opened, **said), []


def about_dense(opened: Opened, _: Message) -> Answer:
    """Answer ``about`` of gaze that was sampled at a rate: as of a signal, and the two axes."""
    names, row = list(opened.reader.channels), opened.row
    said = describe(opened, "gaze")
    return {**said, "columns": names, "rows": None, **_looked(row, eyes_of(row))}, []


def _looked(row: ModalityRow, axes: tuple[str, str] | None) -> dict[str, Any]:
    """Return what is known of where somebody looked."""
    x, y = axes or (None, None)
    return {"kind": "gaze", "x": x, "y": y, "screen": _screen(row.metadata)}


def _units(row: ModalityRow) -> dict[str, str]:
    """Return the units that a row tells of its columns after the first, which is of times."""
    names, units = columns_of(row)[1:], row.metadata.get("units") or row.channel_spec.get("units")
    if not isinstance(units, list | tuple) or len(units) != len(names):
        return {}
    return {name: unit for name, unit in zip(names, units, strict=True) if isinstance(unit, str)}


def _numbers(schema: Any) -> list[str]:
    """Return the columns of numbers that can be drawn over time."""
    drawn = (each.name for each in schema if str(each.type).startswith(_NUMBERS))
    return [name for name in drawn if name != TIMESTAMP]


def _screen(metadata: Mapping[str, Any]) -> list[float] | None:
    """Return width and height of what was looked at, where the file told them."""
    given = metadata.get("screen") or [metadata.get("screen_width"), metadata.get("screen_height")]
    if not isinstance(given, list | tuple) or len(given) != 2:  # noqa: PLR2004 - width and height
        return None
    sides = [each for each in given if isinstance(each, int | float) and 0 < each < math.inf]
    return [float(each) for each in sides] if len(sides) == len(given) else None


def window(opened: Opened, message: Message) -> Answer:
    """Answer ``window``: least and greatest value of some columns at so many points of a span."""
    reader, span = opened.reader, span_of(message)
    names = _numbers(reader.schema)
    chosen = channels_of(message, len(names))
    names = names[chosen.start : chosen.stop]
    points = points_of(message, len(chosen))
    table = reader.read(*span).select([TIMESTAMP, *names])
    step = (span.stop - span.start) / points
    ends = _binned(table, names, span, points)
    return envelope(names, span.start, step, ends, table.nbytes)


def _binned(
    table: Any, names: list[str], span: Span, points: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    times = table[TIMESTAMP].to_numpy()
    scale = points / (span.stop - span.start)
    at = np.clip(((times - span.start) * scale).astype(np.int64), 0, points - 1)
    low = np.full((points, len(names)), np.inf)
    high = np.full((points, len(names)), -np.inf)
    for column, name in enumerate(names):
        values = table[name].cast("float64", safe=False).to_numpy()
        known = ~np.isnan(values)
        np.minimum.at(low[:, column], at[known], values[known])
        np.maximum.at(high[:, column], at[known], values[known])
    empty = low > high
    low[empty] = high[empty] = np.nan
    return low.astype(np.float32), high.astype(np.float32)


def about_rows(opened: Opened, _: Message) -> Answer:
    """Answer ``about`` of events and notes."""
    names = [each for each in opened.reader.schema.names if each != TIMESTAMP]
    said = {"kind": kind_of(opened.row), "rows": opened.reader.rows, "columns": names}
    return answer_of(opened, **said), []


def rows(opened: Opened, message: Message) -> Answer:
    """Answer ``rows``: the first events or notes of a span, in order of time."""
    span = span_of(message)
    limit = number_of(message, "limit", 1, _ROWS_MAX, 100)
    table = opened.reader.read(*span)
    found = [_row(each) for each in table.slice(0, limit).to_pylist()]
    return {"rows": found, "total": table.num_rows, "read_bytes": table.nbytes}, []


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    start, duration = row[TIMESTAMP], row.get("duration")
    kind = row.get("event_type")
    texts = (row.get(name) for name in ("prompt", "response", "text", "channel", "author"))
    return {
        "start_s": start,
        "end_s": start + (duration if duration and math.isfinite(duration) else 0.0),
        "type": None if kind is None else shown(kind)[:_TEXT_MAX],
        "text": " → ".join(shown(each)[:_TEXT_MAX] for each in texts if each not in (None, "")),
    }
