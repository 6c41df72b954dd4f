"""Value types of catalog columns and the rules their values keep."""

from __future__ import annotations

import functools
import json
import math
import re
from array import array
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from ursa.files import safe_rel_path
from ursa.frozen import FrozenDict, FrozenList
from ursa.text import shortened
from ursa.time import INT64_MAX, epoch_ns, timedelta_to_ns

KEY_END = ":\t"
URI_PATTERN = re.compile(r"^(r2|s3|gcs|file)://[^\s]")
_ID = re.compile(r"[A-Za-z0-9_-]+")
_NUMPY_KINDS = "biuf"  # booleans, integers and floats; a time would become a number without a unit
# An enum's own `__str__` would give its name.
_PLAIN: Mapping[type, Callable[[Any], Any]] = {
    str: str.__str__,
    float: float.__float__,
    int: int.__int__,
    bool: bool,
    type(None): lambda _: None,
}


def canonical_json(value: object) -> str:
    """Return the one JSON text of `value`: sorted keys, no spaces, whole floats as integers.

    Examples
    --------
    >>> canonical_json({"b": 1.0, "a": [True, None]})
    '{"a":[true,null],"b":1}'
    """
    return json.dumps(
        _canonical(value),
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    )


def _canonical(value: object) -> object:
    if isinstance(value, dict):
        return {key: _canonical(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_canonical(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def json_text(value: object) -> str:
    r"""Return the JSON text that the catalog stores.

    SQL finds values in it, so that nothing may look alike: quotes and backslashes inside strings
    are written as ``\u0022`` and ``\u005c``, so that a backslash always begins an escape and a
    quote always bounds a string; and a tab, which no string holds as it is, ends each key.

    Examples
    --------
    >>> print(json_text({"b": 1, "a": 'say "ah"'}).replace("\t", "<tab>"))
    {"a":<tab>"say \u0022ah\u0022", "b":<tab>1}
    """
    text = json.dumps(
        value, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(", ", KEY_END)
    )
    return text.replace(r"\\", r"\u005c").replace(r"\"", r"\u0022") if "\\" in text else text


def check_metadata(value: dict[str, Any]) -> FrozenDict:
    """Return metadata frozen, after checking its keys and values; tuples become lists."""
    return FrozenDict({_checked_key(key): _checked_value(key, each) for key, each in value.items()})


def _checked_key(key: object) -> str:
    if not isinstance(key, str) or not key or "=" in key:
        msg = f"metadata key {shortened(key, 80)} must be a non-empty string without '='"
        raise ValueError(msg)
    return str.__str__(_check_text(key))


def _checked_value(key: str, value: object) -> object:
    if isinstance(value, (list, tuple)):
        return FrozenList([_checked_scalar(key, each) for each in value])
    return _checked_scalar(key, value)


def _checked_scalar(key: str, value: object) -> object:
    plain = plain_scalar(value)
    if isinstance(plain, str):
        return _check_text(plain)
    if isinstance(plain, float):
        if not math.isfinite(plain):
            msg = f"metadata {shortened(key, 80)} is {plain}: JSON has no such number; use null"
            raise ValueError(msg)
    elif not (plain is None or isinstance(plain, int)):
        kind = type(value).__name__
        msg = (
            f"metadata {shortened(key, 80)} is a {kind}: values are text, numbers, booleans, null "
            f"or flat lists of these{_way_out(key, value)}"
        )
        raise ValueError(msg)
    return plain


def _way_out(key: str, value: object) -> str:
    if isinstance(value, (Mapping, list, tuple)):
        return f"; flatten it, for example to {shortened(f'{key}.name', 80)}"
    return "; give its .tolist()" if hasattr(value, "tolist") else ""


def plain_scalar(value: Any) -> Any:
    """Return the plain value that a scalar of NumPy or an enum's text or number stands for.

    Examples
    --------
    >>> import numpy as np
    >>> plain_scalar(np.int64(3)), plain_scalar(np.bool_(True)), plain_scalar([1])
    (3, True, [1])
    """
    kind = type(value)
    if kind in _PLAIN:
        return value
    for plain, convert in _PLAIN.items():
        if isinstance(value, plain):
            return convert(value)
    # Told by its names, since importing NumPy takes longer than most commands do.
    scalar = kind.__module__ == "numpy" and kind.__name__ != "ndarray"
    return value.item() if scalar and value.dtype.kind in _NUMPY_KINDS else value


def _check_text(value: str) -> str:
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError as error:
        msg = f"{shortened(value, 80)} holds a lone surrogate, which is no valid Unicode text"
        raise ValueError(msg) from error
    return value


def _check_id(value: str) -> str:
    if not _ID.fullmatch(value):
        msg = (
            f"{shortened(value, 80)} is not a catalog id: use letters A-Z a-z, digits, '_' and '-'"
        )
        raise ValueError(msg)
    return value


@functools.lru_cache(maxsize=1024)  # a catalog has few names, in every one of its rows
def _check_modality(value: str) -> str:
    if "/" in value:
        rule = "it names a directory, so it holds no slash"
        raise ValueError(f"{shortened(value, 80)} is no modality or worker: {rule}")
    return safe_rel_path(value)


def _check_worker(value: str) -> str:
    return _check_modality(value) if value else value


def _check_uri(value: str) -> str:
    if not URI_PATTERN.match(value):
        rule = "it starts with r2://, s3://, gcs:// or file://"
        raise ValueError(f"{shortened(value, 80)} is not a storage address: {rule}")
    return _check_text(value)


def _check_intervals(value: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    last = -math.inf
    for start, end in value:
        if not (math.isfinite(start) and math.isfinite(end) and start < end and start >= last):
            msg = (
                f"interval ({start}, {end}) must have start < end and begin after the one before it"
            )
            raise ValueError(msg)
        last = end
    return value


def _check_duration(value: timedelta) -> timedelta:
    if not 0 <= timedelta_to_ns(value) <= INT64_MAX:
        msg = f"duration {value} must lie between 0 and 292 years"
        raise ValueError(msg)
    return value


def _as_float32(value: tuple[float, ...]) -> tuple[float, ...]:
    rounded = tuple(array("f", value))
    if not all(math.isfinite(number) for number in rounded):
        msg = "a number of the vector is too large for float32"
        raise ValueError(msg)
    return rounded


class Json:
    """Marks a field that is stored as JSON text."""


class Vector:
    """Marks a field that is stored as float32 of one fixed length per table."""


CatalogID = Annotated[str, AfterValidator(_check_id)]
ModalityName = Annotated[str, AfterValidator(_check_modality)]
WorkerID = Annotated[str, AfterValidator(_check_worker)]
Text = Annotated[str, AfterValidator(_check_text)]
StorageURI = Annotated[str, AfterValidator(_check_uri)]
EpochNs = Annotated[int, BeforeValidator(epoch_ns)]
Duration = Annotated[timedelta, AfterValidator(_check_duration)]
Seconds = Annotated[float, Field(allow_inf_nan=False)]
MetadataDict = Annotated[dict[str, Any], AfterValidator(check_metadata), Json()]
Interval = tuple[float, float]
Vector32 = Annotated[
    tuple[Seconds, ...], Field(min_length=1), AfterValidator(_as_float32), Vector()
]
Intervals = Annotated[tuple[Interval, ...], AfterValidator(_check_intervals)]
