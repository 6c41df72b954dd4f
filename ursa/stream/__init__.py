"""Windows of processed recordings, in order or shuffled, for training and scanning."""

from __future__ import annotations

import math
import operator
import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ursa.errors import InvalidArgument
from ursa.query import QueryResultList, results_of
from ursa.reading import checked_time, names_of, picked
from ursa.selection import AroundEvent
from ursa.stream.events import event_times
from ursa.stream.grid import Grid, Rule, hashes_of
from ursa.stream.stream import WindowStream
from ursa.stream.window import Batch, Window
from ursa.text import shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ursa.catalog import Catalog
    from ursa.reading import Readers, Time
    from ursa.result import QueryResult

    Around = str | AroundEvent | Iterable[str | AroundEvent]

__all__ = ["Batch", "Window", "WindowStream", "stream"]


def stream(
    target: QueryResult | Iterable[QueryResult],
    readers: Readers,
    catalog: Catalog,
    *,
    window: float | None = None,
    step: float | None = None,
    batch: int | None = None,
    modalities: str | Iterable[str] | None = None,
    time: Time | None = None,
    around: Around | None = None,
    before: float | None = None,
    after: float | None = None,
    prefetch: int = 2,
    shuffle: bool = False,
    seed: int | None = None,
    drop_last: bool = True,
) -> WindowStream:
    """Return the windows of recordings; `ursa.DataInterface.stream` says which.

    Parameters
    ----------
    catalog : Catalog
        Where `around` finds its events.
    """
    results = target if isinstance(target, QueryResultList) else results_of(target)
    if not results:
        raise InvalidArgument("there is no recording to stream: the target is empty")
    marks = _marks(around, before, after)
    length = _length(window, step, marks)
    names = names_of(modalities)
    picked(results[0], names)  # a mistake is told now, not by a worker later
    events = event_times(catalog, hashes_of(results), marks) if marks else None
    rule = Rule(
        length, length if step is None else float(step), names, checked_time(time), marks, events
    )
    return WindowStream(
        Grid(results, rule),
        readers,
        batch=None if batch is None else _whole("batch", batch, 1),
        prefetch=_whole("prefetch", prefetch, 0),
        seed=_seed(seed) if shuffle else None,
        drop_last=drop_last,
    )


def _marks(
    around: Around | None, before: float | None, after: float | None
) -> tuple[AroundEvent, ...]:
    if around is None:
        if before is not None or after is not None:
            raise InvalidArgument("before= and after= belong to around=, which names an event type")
        return ()
    given = around if isinstance(around, Iterable) and not isinstance(around, str) else [around]
    marks = tuple(_mark(each, before or 0.0, after or 0.0) for each in given)
    lengths = {each.before + each.after for each in marks}
    if len(lengths) != 1:
        msg = f"around= has windows of {sorted(lengths)} s; give one event or several of one length"
        raise InvalidArgument(msg)
    return marks


def _mark(given: Any, before: float, after: float) -> AroundEvent:
    if isinstance(given, AroundEvent):
        return given
    try:
        return AroundEvent(given, before, after)
    except ValidationError as error:
        msg = (
            f"around={shortened(given, 60)}, before={before!r}, after={after!r} is no window; name "
            "an event type, with seconds from 0 on before and after it, one of them more than 0"
        )
        raise InvalidArgument(msg) from error


def _length(window: float | None, step: float | None, marks: Sequence[AroundEvent]) -> float:
    if marks and (window is not None or step is not None):
        msg = "around= takes no window= or step=: a window reaches from before= to after= its event"
        raise InvalidArgument(msg)
    length = marks[0].before + marks[0].after if marks else window
    if step is not None:
        _seconds("step", step)
    return _seconds("window", length)


def _seconds(name: str, value: Any) -> float:
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = math.nan
    if not 0 < found < math.inf:
        raise InvalidArgument(f"{name}={value!r} is no length; give seconds, more than 0")
    return found


def _seed(seed: int | None) -> int:
    return secrets.randbits(63) if seed is None else _whole("seed", seed, 0)


def _whole(name: str, value: Any, least: int) -> int:
    try:
        found = operator.index(value)
    except TypeError:
        found = least - 1
    if found < least:
        raise InvalidArgument(f"{name}={value!r} must be a whole number from {least} on")
    return found
