"""EDF and BDF files made byte by byte, with whatever their headers are to say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Sig:
    """A signal to write: label, samples of shape (record, sample), and header fields."""

    label: str | bytes
    values: NDArray[np.int64]
    unit: str | bytes = "uV"
    physical: tuple[str, str] = ("-3276.8", "3276.7")
    digital: tuple[str, str] = ("-32768", "32767")


def notes(records: Sequence[bytes], width: int = 2, samples: int = 40) -> Sig:
    """An annotation signal with the given text in each record."""
    text = b"".join(each.ljust(samples * width, b"\0") for each in records)
    parts = np.frombuffer(text, np.uint8).reshape(len(records), samples, width).astype(np.int64)
    values = sum(parts[..., place] << (8 * place) for place in range(width))
    label = "EDF Annotations" if width == 2 else "BDF Annotations"
    return Sig(label, np.asarray(values), "", ("-1", "1"))


def _field(value: object, size: int) -> bytes:
    text = value if isinstance(value, bytes) else str(value).encode()
    return text.ljust(size)[:size]


def edf(
    signals: Sequence[Sig],
    *,
    record_s: object = 1,
    reserved: str = "",
    records: object = None,
    width: int = 2,
) -> bytes:
    """The bytes of a file; `width` 3 makes it BDF."""
    count = len(signals)
    magic = b"0       " if width == 2 else b"\xffBIOSEMI"
    promised = len(signals[0].values) if records is None else records
    head: list[tuple[object, int]] = [(magic, 8), ("X X X X", 80), ("Startdate X X X X", 80)]
    head += [("29.04.14", 8), ("22.19.44", 8), (256 * (count + 1), 8), (reserved, 44)]
    head += [(promised, 8), (record_s, 8), (count, 4)]
    columns: list[tuple[Sequence[object], int]] = [
        ([each.label for each in signals], 16),
        ([""] * count, 80),
        ([each.unit for each in signals], 8),
        ([each.physical[0] for each in signals], 8),
        ([each.physical[1] for each in signals], 8),
        ([each.digital[0] for each in signals], 8),
        ([each.digital[1] for each in signals], 8),
        ([""] * count, 80),
        ([each.values.shape[1] for each in signals], 8),
        ([""] * count, 32),
    ]
    header = b"".join(_field(value, size) for value, size in head)
    header += b"".join(_field(value, size) for values, size in columns for value in values)
    return header + _data(signals, width)


def _data(signals: Sequence[Sig], width: int) -> bytes:
    parts = []
    for record in range(len(signals[0].values)):
        for each in signals:
            wide = each.values[record].astype("<i4")
            parts.append(wide.view(np.uint8).reshape(-1, 4)[:, :width].tobytes())
    return b"".join(parts)


def noise(records: int, samples: int, seed: int = 0, bits: int = 16) -> NDArray[np.int64]:
    """Integers over the whole range of a sample."""
    half = 1 << (bits - 1)
    return np.random.default_rng(seed).integers(-half, half, (records, samples))


def labelled(signal: Sig, label: str | bytes, unit: str | bytes = "uV") -> Sig:
    """The same signal under another name."""
    return replace(signal, label=label, unit=unit)
