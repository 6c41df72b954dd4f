"""Numbers, sizes and values as short text for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def shortened(value: object, width: int = 200) -> str:
    """Return `repr(value)`, cut to `width` characters, for messages.

    Examples
    --------
    >>> shortened("modality", 6), shortened(10**5000)
    ("'moda…", '<int>')
    """
    try:
        return cut(repr(value), width)
    except Exception:  # noqa: BLE001 - integers of thousands of digits, and what an object's own may raise
        return f"<{type(value).__name__}>"


class Beginning:
    """A sequence whose repr is short: a vector, or the intervals of a day, would fill pages.

    Examples
    --------
    >>> Beginning((1, 2, 3, 4))
    (1, 2, 3, … 4 in all)
    """

    def __init__(self, values: Sequence[object], shown: int = 3) -> None:
        self._values, self._shown = values, shown

    def __repr__(self) -> str:
        if len(self._values) <= self._shown:
            return repr(self._values)
        shown = ", ".join(map(repr, self._values[: self._shown]))
        return f"({shown}, … {len(self._values)} in all)"


def cut(text: str, width: int) -> str:
    """Return text of at most `width` characters.

    Examples
    --------
    >>> cut("modality", 5)
    'moda…'
    """
    return text if len(text) <= width else f"{text[: width - 1]}…"


def in_columns(texts: Sequence[str], widths: Sequence[int]) -> str:
    """Return a line of texts in columns, each cut to its width.

    Examples
    --------
    >>> in_columns(["eeg", "modality", "end"], [4, 5, 9])
    'eeg  moda… end'
    """
    cells = (f"{cut(text, width):<{width}}" for text, width in zip(texts, widths, strict=True))
    return " ".join(cells).rstrip()


def counted(number: int, noun: str) -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> counted(1, "file"), counted(2, "file")
    ('1 file', '2 files')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def size_text(size: float) -> str:
    """Return a number of bytes for people, in powers of 1000.

    Examples
    --------
    >>> size_text(1_500_000)
    '1.5 MB'
    """
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:  # noqa: PLR2004 - the step between units
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
