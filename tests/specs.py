"""Filters of every kind, with whatever text a filter can hold, and every way to write them."""

from __future__ import annotations

import shlex
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn, get_args
from unittest import mock

import pytest
from hypothesis import strategies as st
from typer.main import get_command

from tests.soak.hostile import HOSTILE
from ursa.cli import app
from ursa.filters import (
    AroundEvent,
    IntervalSelector,
    OrderBy,
    QuerySpec,
    Status,
    make_spec,
)
from ursa.time import INT64_MAX, INT64_MIN

if TYPE_CHECKING:
    from collections.abc import Callable

COMMAND = get_command(app)

# What the forms give a meaning to, and what a shell, a URL or a terminal does.
PIECES = [
    *"\"'\\ \n\r\t\x00#:=-<>~*!,.[]{}&%+;?/$`|()@^a",
    "..",
    "--",
    "\u2028",
    "\u0085",
    "\xa0",
    "\u202e",
    "\U000e0001",
    "\U0001f9e0",
    "a\u0308",
    "ß",
    "true",
    "True",
    "null",
    "1",
    "1e3",
    "NaN",
    "around:",
    "[1,2]",
    "5m",
    "%20",
    "\\n",
    "\\u0041",
    " metadata.a=1",
]
TEXT = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=4).map("".join),
    st.sampled_from([text for text in HOSTILE if not any("\ud800" <= c <= "\udfff" for c in text)]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
)
SOME_TEXT = TEXT.filter(bool)
KEY = SOME_TEXT.filter(lambda key: "=" not in key) | st.sampled_from(["age", "a.b", "odd key"])
NUMBER = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
SCALAR = TEXT | NUMBER | st.booleans() | st.none()
VALUE = SCALAR | st.lists(SCALAR, max_size=3)
COMPARED = TEXT | NUMBER
OPERATORS: dict[str, st.SearchStrategy[Any]] = {
    "=": VALUE,
    "!=": VALUE,
    "in": st.lists(VALUE, min_size=2, max_size=3),
    "<": COMPARED,
    "<=": COMPARED,
    ">": COMPARED,
    ">=": COMPARED,
    "contains": SOME_TEXT,
    "exists": st.booleans(),
}
CONDITIONS = st.dictionaries(
    KEY, VALUE | st.fixed_dictionaries({}, optional=OPERATORS).filter(bool), max_size=3
)
NAMES = st.lists(TEXT, max_size=3)
SECONDS = st.floats(0, 1e9) | st.integers(0, 100).map(float)
LENGTH = st.builds(timedelta, microseconds=st.integers(0, INT64_MAX // 1000)) | st.builds(
    timedelta, minutes=st.integers(0, 600)
)
LENGTHS = st.permutations(["=", "!=", "<", "<=", ">", ">="]).flatmap(
    lambda order: st.lists(LENGTH, max_size=3).map(
        lambda some: dict(zip(order, some, strict=False))
    )
)
NS = st.integers(INT64_MIN, INT64_MAX)
MOMENT = st.none() | NS | st.integers(-(10**9), 10**10).map(lambda second: second // 5 * 10**9)
INTERVAL = st.tuples(st.floats(-1e6, 1e6), st.floats(1e-9, 1e6)).map(
    lambda pair: (pair[0], pair[0] + pair[1])
)


def ordered(start: int | None, end: int | None) -> bool:
    return start is None or end is None or start < end


WINDOW = st.one_of(
    st.lists(INTERVAL.filter(lambda each: each[0] < each[1]), min_size=1, max_size=3).map(
        IntervalSelector
    ),
    st.builds(AroundEvent, SOME_TEXT, before=SECONDS, after=SECONDS.filter(bool)),
)
KEYWORDS: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(
        [
            "participants",
            "participants_all",
            "modalities",
            "recording_hash",
            "pipeline_version",
            "event_type",
        ],
        NAMES,
    ),
    **dict.fromkeys(["metadata", "modality_metadata", "channel_spec"], CONDITIONS),
    "status": st.sampled_from(get_args(Status)),
    "derived": st.booleans(),
    "time_range": st.tuples(MOMENT, MOMENT).filter(lambda each: ordered(*each)),
    "duration": LENGTHS,
    "time_filters": st.lists(WINDOW, max_size=3),
    "text": SOME_TEXT,
    "order_by": st.sampled_from(get_args(OrderBy)),
    "limit": st.integers(0, INT64_MAX),
    "offset": st.integers(0, INT64_MAX),
    "after": SOME_TEXT,
}


@st.composite
def specs(draw: st.DrawFn) -> QuerySpec:
    """Filters of up to four fields, and sometimes of nearly all."""
    most = len(KEYWORDS) if draw(st.integers(0, 9)) == 0 else 4
    names = draw(st.lists(st.sampled_from(sorted(KEYWORDS)), max_size=most, unique=True))
    if "after" in names and "offset" in names:
        names.remove("offset")
    return make_spec(None, {name: draw(KEYWORDS[name]) for name in names})


@st.composite
def nearly(draw: st.DrawFn, write: Callable[[QuerySpec], str]) -> str:
    """A filter's text with a few characters lost or put in somewhere."""
    text = write(draw(specs()))
    place = draw(st.integers(0, len(text)))
    lost = draw(st.integers(0, 2))
    put = draw(st.sampled_from(["", *PIECES]))
    return f"{text[:place]}{put}{text[place + lost :]}"


class Asked(Exception):
    """Carries the filter that a command asks its data for."""


def ask(spec: QuerySpec) -> NoReturn:
    raise Asked(spec)


def from_cli(text: str, command: str = "query") -> QuerySpec:
    """What the real options of a command make of a shell's words."""
    program, verb, *options = shlex.split(text)
    assert (program, verb) == ("ursa", "query")
    dest = ["out"] if command == "download" else []
    data = mock.Mock(query=ask)
    with (
        mock.patch("ursa.data_interface.DataInterface", return_value=data),
        pytest.raises(Asked) as asked,
    ):
        COMMAND.main([command, *dest, "--site", "x", *options], standalone_mode=False)
    (spec,) = asked.value.args
    assert isinstance(spec, QuerySpec)
    return spec


def from_python(text: str) -> QuerySpec:
    class Data:
        def query(self, **keywords: Any) -> QuerySpec:
            return make_spec(None, keywords)

    names = {"data": Data(), "IntervalSelector": IntervalSelector, "AroundEvent": AroundEvent}
    found = eval(text, names)
    assert isinstance(found, QuerySpec)
    return found


FACES: dict[str, tuple[Callable[[QuerySpec], str], Callable[[str], QuerySpec]]] = {
    "python": (QuerySpec.as_python, from_python),
    "magic": (QuerySpec.as_magic, QuerySpec.from_magic),
    "cli": (QuerySpec.as_cli, from_cli),
    "url": (QuerySpec.as_url, QuerySpec.from_url),
}
