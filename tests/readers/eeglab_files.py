"""EEGLAB data sets written by scipy (MATLAB 5) and h5py (MATLAB 7.3)."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

import h5py  # type: ignore[import-untyped]
import numpy as np
import scipy.io  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Records = list[dict[str, Any]]

CHANNELS: Records = [
    {"labels": "Fz", "type": ""},
    {"labels": "Größe\u202e", "type": "EMG"},
    {"labels": "EOG1", "type": ""},
]


def fields(
    values: NDArray[Any], data: Any = None, events: Records | None = None, **more: Any
) -> dict[str, Any]:
    """The fields of a data set of `values` (channel, time[, trial])."""
    return {
        "nbchan": float(values.shape[0]),
        "pnts": float(values.shape[1]),
        "trials": float(values.shape[2]) if values.ndim == 3 else 1.0,
        "srate": 100.0,
        "xmin": -0.5,
        "icaweights": np.zeros((3, 3)),
        "history": "pop_loadset",
        "data": values if data is None else data,
        "chanlocs": CHANNELS[: values.shape[0]],
        "event": events or [],
        **more,
    }


def _records(found: Records) -> NDArray[Any]:
    names = list(found[0]) if found else []
    table = np.empty((1, len(found)), [(name, object) for name in names])
    for index, each in enumerate(found):
        for name in names:
            table[0, index][name] = each[name]
    return table


def mat5(path: Path, content: dict[str, Any], *, packed: bool, flat: bool = False) -> Path:
    """Write a MATLAB 5 file; `flat` puts the fields at its top, as newer EEGLABs do."""
    made = {
        name: (_records(value) if value else np.zeros((0, 0))) if isinstance(value, list) else value
        for name, value in content.items()
    }
    whole = made if flat else {"ALLEEG": 1.0, "EEG": made}
    with path.open("wb") as file:
        scipy.io.savemat(file, whole, do_compression=packed)
    return path


def quickly_packed(path: Path) -> Path:
    """Pack the variables of a MATLAB 5 file as MATLAB does, at zlib's quickest level."""
    content, at = path.read_bytes(), 128
    with path.open("wb") as file:
        file.write(content[:at])
        while at < len(content):
            size = 8 + int.from_bytes(content[at + 4 : at + 8], "little")
            packed = zlib.compress(content[at : at + size], 1)
            file.write(struct.pack("<II", 15, len(packed)) + packed)
            at += size
    return path


def mat73(path: Path, content: dict[str, Any], *, flat: bool = False, **options: Any) -> Path:
    """Write a MATLAB 7.3 file."""
    with h5py.File(path, "w", userblock_size=512) as file:
        group = file if flat else file.create_group("EEG")
        for name, value in content.items():
            if isinstance(value, list):
                _structures(file, group, name, value)
            else:
                _value(group, name, value, **options)
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file, made by a test".ljust(512))
    return path


def _value(group: Any, name: str, value: Any, **options: Any) -> Any:
    if isinstance(value, str):
        units = np.frombuffer(value.encode("utf-16-le"), "<u2").reshape(-1, 1)
        made = group.create_dataset(name, data=units if value else np.zeros(2, "u8"))
        made.attrs["MATLAB_class"] = np.bytes_("char")
        if not value:
            made.attrs["MATLAB_empty"] = 1
        return made
    array = np.atleast_2d(np.asarray(value)).T
    made = group.create_dataset(name, data=array, **(options if array.size > 100 else {}))
    made.attrs["MATLAB_class"] = np.bytes_("double")
    return made


def _structures(file: Any, group: Any, name: str, found: Records) -> None:
    part = group.create_group(name)
    pool = file.require_group("#refs#")
    for field in found[0] if found else []:
        if len(found) == 1:
            _value(part, field, found[0][field])
            continue
        made = [_value(pool, f"r{len(pool)}", each[field]) for each in found]
        references = np.array([[each.ref] for each in made], h5py.ref_dtype)
        part.create_dataset(field, data=references)
