"""What Pydantic found wrong, in the words of this library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ursa.filter_types import STATUS_LABEL
from ursa.text import cut, shortened

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

_TOLD = 8  # mistakes of one call


def explained(error: ValidationError) -> str:
    """Return what Pydantic found, at most a few fields, without links to its documentation."""
    told = list(map(_explained, error.errors(include_url=False)))
    more = len(told) - _TOLD
    return "; ".join([*told[:_TOLD], *([f"and {more} more"] if more > 0 else [])])


def _explained(found: ErrorDetails) -> str:
    said = found["msg"].removeprefix("Value error, ")
    if found["type"] != "value_error":
        said = f"{said} (got {shortened(found['input'], 80)})"
    if found["loc"] == ("status",) and found["input"] == STATUS_LABEL["ingested"]:
        said = f"{said}; what is shown as processed is asked for as 'ingested'"
    return ": ".join(filter(None, (_place(found["loc"]), said)))


def _place(loc: tuple[int | str, ...]) -> str:
    """Return the field and which of its values, as a person would write or count it."""
    field, *inner = loc or ("",)
    if field == "duration":
        return f"duration{''.join(map(str, inner))}"
    if field == "time_range" and inner:
        return f"{'end' if inner[0] else 'start'} of time_range"
    counted = [f"value {part + 1}" if isinstance(part, int) else _short(part) for part in inner]
    return ", ".join([_short(str(field)), *counted])


def _short(name: str) -> str:
    return cut(name, 80) if name.isprintable() else shortened(name, 80)
