"""One recording."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ursa.text import counted
from ursa_jupyter.html import parts
from ursa_jupyter.html.markup import Html, tag, text
from ursa_jupyter.html.style import view

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from ursa import QueryResult
    from ursa.catalog import ModalityRow

    Windows = Sequence[tuple[float, float]]

MODALITIES, ENTRIES, DEVICE = 10, 16, 8
_WIDE = 1000  # of a timeline, in its own units
_GAP, _LEAST = 16, 2  # shorter gaps are not drawn, nor shorter bars
_VALUE = 90  # characters of a metadata value
_COLUMNS = {"modality": "", "status": "w", "rate": "n", "recorded": "l", "details": "l"}
_DETAILS, _DETAIL = 2, 32  # entries of a modality's own metadata, and characters of a value


def recording_html(result: QueryResult) -> str:
    """Return a recording as HTML: who, when, its modalities on one time axis, and its metadata.

    Parameters
    ----------
    result : QueryResult

    Examples
    --------
    >>> from datetime import timedelta
    >>> from ursa import QueryResult
    >>> none = dict.fromkeys(["device_info", "metadata", "modalities"], {})
    >>> one = QueryResult(recording_hash="abc", participant_ids=("P001",), start_time=0,
    ...                   duration=timedelta(seconds=90), **none)
    >>> "<strong>P001</strong>" in recording_html(one)
    True
    """
    start = Html(f"{parts.when(result.start_time)} {text(parts.zones([result.start_time]))}")
    title = parts.names_text(result.participant_ids, 5)
    head = parts.header(title, start, parts.length_text(result.duration), result.status or "")
    return view(
        head,
        parts.paragraph("recording ", tag("code", result.recording_hash)),
        *_selection(result),
        *_modalities(result),
        *entries("Device", result.device_info, DEVICE),
        *entries("Metadata", result.metadata, ENTRIES),
        parts.delivery(),
    )


def _selection(result: QueryResult) -> list[Html]:
    if result.time_selection is None:
        return []
    windows, length = result.time_selection, result.duration.total_seconds()
    label = f"{counted(len(windows), 'window')} selected, {_share(windows, length)}"
    return [parts.paragraph(label), timeline(windows, length, label)]


def _modalities(result: QueryResult) -> list[Html]:
    if not result.modalities:
        return [parts.paragraph("no modality")]
    length = result.duration.total_seconds()
    rows = [_cells(*item, length) for item in list(result.modalities.items())[:MODALITIES]]
    return [parts.table("Modalities", _COLUMNS, rows), *_more(len(result.modalities) - len(rows))]


def _cells(name: str, row: ModalityRow, length: float) -> list[Html]:
    status = row.ingestion_status.value
    windows = row.domain_intervals
    if windows is None:
        label, drawn, kind = "no intervals given", [(0.0, length)], "ursa-line ursa-whole"
    else:
        drawn, kind = list(windows), "ursa-line"
        label = f"{counted(len(windows), 'interval')}, {_share(windows, length)}"
    line = timeline(drawn, length, label, kind)
    return [
        text(name, parts.NAME),
        Html(f"{parts.mark(status)}{status}"),
        text(f"{row.sampling_rate:g} Hz" if row.sampling_rate else "-"),
        Html(f"{tag('span', label, class_='ursa-key')}{line}"),
        _details(row),
    ]


def _details(row: ModalityRow) -> Html:
    said = [*row.channel_spec.items(), *row.metadata.items()]
    shown = [parts.pair(*each, _DETAIL) for each in said[:_DETAILS]]
    shown += [text(f"{len(said) - _DETAILS} more")] if len(said) > _DETAILS else []
    return Html(" · ".join([text(row.format.value) if row.format else text("-"), *shown]))


def _share(windows: Windows, length: float) -> str:
    covered = sum(end - start for start, end in windows)
    return f"{covered:.4g} s of {length:.4g} s" if length else f"{covered:.4g} s"


def timeline(windows: Windows, length: float, label: str, kind: str = "ursa-line") -> Html:
    """Return windows of a recording as bars on a line that is as long as it.

    Examples
    --------
    >>> "M0 0h500v10h-500z" in timeline([(0, 5)], 10, "half of it")
    True
    """
    bars = "".join(f"M{left} 0h{wide}v10h-{wide}z" for left, wide in _bars(windows, length))
    path = tag("path", d=Html(bars)) if bars else Html()
    box = {"viewBox": f"0 0 {_WIDE} 10", "preserveAspectRatio": "none"}
    return tag("svg", path, class_=kind, role="img", aria_label=label, **box)


def _bars(windows: Windows, length: float) -> list[tuple[int, int]]:
    """Return left edges and widths; windows nearer than can be drawn are joined."""
    bars: list[tuple[int, int]] = []
    for start, end in sorted(windows):
        left, right = (_place(each, length) for each in (start, end))
        if end <= 0 or start >= length:
            continue
        if bars and left - sum(bars[-1]) < _GAP:
            bars[-1] = (bars[-1][0], max(right, sum(bars[-1])) - bars[-1][0])
        else:
            bars.append((left, max(_LEAST, right - left)))
    return bars


def _place(seconds: float, length: float) -> int:
    return round(min(1.0, max(0.0, seconds / length)) * _WIDE) if length else 0


def entries(caption: str, values: Mapping[str, Any], most: int) -> list[Html]:
    """Return a mapping as a table of two columns, and how many entries are left out."""
    if not values:
        return []
    shown = list(values.items())[:most]
    rows = [[text(key, parts.NAME), text(parts.value_text(value), _VALUE)] for key, value in shown]
    table = parts.table(caption, {"key": "", "value": "l"}, rows, headed=False)
    return [table, *_more(len(values) - most)]


def _more(number: int) -> list[Html]:
    return [parts.paragraph(f"… {parts.grouped(number)} more")] if number > 0 else []
