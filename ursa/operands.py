"""What the fields of a `QuerySpec` hold, as terms and back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from typing import Any

from ursa.errors import InvalidArgument
from ursa.terms import FIELDS, LIST, QUOTED, Kind, Term, plain, quoted, unquoted, word
from ursa.text import cut, shortened
from ursa.time import duration_text, needs_unit, ns_to_datetime

_Written = Iterator[tuple[str | None, str, str]]
_Read = Iterator[tuple[tuple[str, ...], Any]]

_ITEM = re.compile(rf"\s*({QUOTED}|[^,]*)\s*(,|\Z)", re.DOTALL)
_OPERAND = re.compile(rf"\s*({QUOTED}|{LIST}|[^,]*)\s*(,|\Z)", re.DOTALL)
_AROUND = re.compile(rf"around:({QUOTED}|[^:]*):([^:]*):([^:]*)", re.DOTALL)
_PYTHON_WORDS = {"True": "true", "False": "false", "None": "null"}


# -- writing -------------------------------------------------------------------------------------


def terms(values: Mapping[str, Any]) -> list[Term]:
    """Return the terms of a filter's fields.

    Examples
    --------
    >>> [str(term) for term in terms({"participants": ("P001", "a b"), "metadata": {"run": "1"}})]
    ['participants=P001,"a b"', 'metadata.run="1"']
    """
    return [
        Term(name, *each)
        for name, value in values.items()
        for each in _WRITERS[FIELDS[name].kind](value)
    ]


def moment(ns: int) -> str | int:
    """Return a time as ISO 8601 text, or in ns where that would lose something.

    Examples
    --------
    >>> moment(1_000_000_000), moment(1)
    ('1970-01-01T00:00:01Z', 1)
    """
    return ns if ns % 1000 else ns_to_datetime(ns).isoformat().replace("+00:00", "Z")


def moment_text(ns: int) -> str:
    """Return a time as text that `ursa.time.parse_time` reads as `ns`.

    Examples
    --------
    >>> moment_text(1_000_000_000), moment_text(1)
    ('1970-01-01T00:00:01Z', '1ns')
    """
    text = str(moment(ns))
    return f"{text}ns" if needs_unit(text) else text


def _literal(value: object) -> str:
    if isinstance(value, list):
        return f"[{','.join(quoted(e) if isinstance(e, str) else json.dumps(e) for e in value)}]"
    if not isinstance(value, str):
        return json.dumps(value)
    return quoted(value) if value in _PYTHON_WORDS or _is_json(value) else word(value)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _write_names(value: Iterable[str]) -> _Written:
    yield None, "=", ",".join(map(word, value))


def _write_conditions(value: Mapping[str, Any]) -> _Written:
    from ursa.catalog.conditions import conditions

    for key, operator, operand in conditions(value):
        if operator == "in":
            yield key, "=", ",".join(map(_literal, operand))
        elif operator == "exists":
            yield key, "=" if operand else "!=", "*"
        elif operator == "contains":
            yield key, "~", word(operand)
        else:
            yield key, operator, _literal(operand)


def _write_word(value: str) -> _Written:
    yield None, "=", word(value)


def _write_json(value: object) -> _Written:
    yield None, "=", json.dumps(value)


def _write_moments(value: Iterable[int | None]) -> _Written:
    yield None, "=", "..".join("" if ns is None else moment_text(ns) for ns in value)


def _write_lengths(value: Mapping[str, Any]) -> _Written:
    for operator, length in value.items():
        yield None, operator, duration_text(length)


def _write_windows(value: Iterable[Any]) -> _Written:
    for each in value:
        if each.kind == "intervals":
            yield None, "=", ",".join("..".join(map(_seconds, pair)) for pair in each.intervals)
        else:
            event = quoted(each.event_type) if ":" in each.event_type else word(each.event_type)
            yield None, "=", f"around:{event}:{_seconds(each.before)}:{_seconds(each.after)}"


def _seconds(value: float) -> str:
    return repr(value).removesuffix(".0")


_WRITERS: Mapping[Kind, Callable[[Any], _Written]] = {
    "names": _write_names,
    "conditions": _write_conditions,
    "word": _write_word,
    "flag": _write_json,
    "count": _write_json,
    "moments": _write_moments,
    "lengths": _write_lengths,
    "windows": _write_windows,
}


# -- reading -------------------------------------------------------------------------------------


def keywords(terms: Iterable[Term], joined: Container[Kind] = ("windows",)) -> dict[str, Any]:
    """Return the keywords of a `QuerySpec` that terms say.

    Parameters
    ----------
    terms : iterable of Term
    joined : container of Kind
        Kinds of field that several terms may name, whose values are then put together.

    Raises
    ------
    InvalidArgument
        A value is not of its field's form, or two terms say the same thing.

    Examples
    --------
    >>> keywords([Term("metadata", "age", ">=", "18"), Term("limit", None, "=", "5")])
    {'metadata': {'age': {'>=': 18}}, 'limit': '5'}
    """
    found: dict[str, Any] = {}
    for term in terms:
        kind = FIELDS[term.field].kind
        try:
            for path, value in _READERS[kind](term):
                _put(found, (term.field, *path), value, join=kind in joined)
        except InvalidArgument as error:
            raise InvalidArgument(f"{shortened(str(term), 80)}: {error}") from error
    return found


def _put(found: dict[str, Any], path: tuple[str, ...], value: Any, *, join: bool) -> None:
    *outer, last = path
    for each in outer:
        found = found.setdefault(each, {})
    if last in found and not join:
        raise InvalidArgument("this is said twice; leave one out")
    found[last] = found[last] + value if last in found else value


def _split(raw: str, item: re.Pattern[str]) -> Iterator[str]:
    for match in item.finditer(raw):
        yield match[1].rstrip()
        if not match[2]:
            return


def _read_names(term: Term) -> _Read:
    yield (), [plain(item) for item in _split(term.value, _ITEM) if item]


def _read_word(term: Term) -> _Read:
    yield (), plain(term.value)


def _read_conditions(term: Term) -> _Read:
    key, operator = term.key or "", term.operator
    items = list(_split(term.value, _OPERAND))
    if operator == "~":
        yield (key, "contains"), _text(term.value)
    elif items == ["*"] and operator in ("=", "!="):
        yield (key, "exists"), operator == "="
    elif len(items) == 1:
        yield (key, operator), _operand(items[0])
    elif operator != "=":
        raise InvalidArgument(f"{operator!r} takes one value; quote a text that holds commas")
    elif "" in items:
        raise InvalidArgument('empty text between commas is written ""')
    else:
        yield (key, "in"), [_operand(item) for item in items]


def _operand(raw: str) -> Any:
    """Return the JSON value that a bare word is, or the text that it or a quoted one says."""
    if raw == "*":
        raise InvalidArgument("a bare * stands alone after = or !=; quote it to mean the text")
    if raw in _PYTHON_WORDS:
        raise InvalidArgument(f"write {_PYTHON_WORDS[raw]}, or quote {raw!r} to mean the text")
    if raw.startswith("{"):
        raise InvalidArgument("no value of metadata is an object; flatten it, or quote the text")
    if raw.startswith("[") and not _is_json(raw):
        raise InvalidArgument('write a list as JSON does, like [1,"a"], or quote the text')
    return json.loads(raw) if _is_json(raw) and not raw.startswith('"') else _text(raw)


def _text(raw: str) -> str:
    """Return the text that a bare or quoted value says; none begins like an operator."""
    if raw.startswith(("<", ">")):
        rule = f"a value that begins with {raw[0]!r} must be quoted, like {cut(quoted(raw), 80)}"
        raise InvalidArgument(f"{rule}; operators are = != < <= > >= ~")
    return plain(raw)


def _read_moments(term: Term) -> _Read:
    start, separator, end = plain(term.value).partition("..")
    if not separator:
        raise InvalidArgument("it has no '..'; write it as START..END")
    yield (), (start or None, end or None)


def _read_lengths(term: Term) -> _Read:
    shortest, separator, longest = term.value.partition("..")
    if term.operator != "=" or not separator:
        yield (term.operator,), plain(term.value)
    elif not shortest and not longest:
        raise InvalidArgument("give a length before or after '..'")
    else:
        yield from (((op,), each) for op, each in ((">=", shortest), ("<", longest)) if each)


def _read_windows(term: Term) -> _Read:
    if match := _AROUND.fullmatch(term.value):
        before, after = map(_number, match.group(2, 3))
        event = {"event_type": unquoted(match[1]), "before": before, "after": after}
        yield (), [{"kind": "around", **event}]
    else:
        pairs = [part.partition("..") for part in term.value.split(",")]
        intervals = [(_number(start), _number(end)) for start, _, end in pairs]
        yield (), [{"kind": "intervals", "intervals": intervals}]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        rule = "write windows in seconds, like 10..20,30..40, or around:EVENT:BEFORE:AFTER"
        raise InvalidArgument(rule) from error


_READERS: Mapping[Kind, Callable[[Term], _Read]] = {
    "names": _read_names,
    "conditions": _read_conditions,
    "word": _read_word,
    "flag": _read_word,
    "count": _read_word,
    "moments": _read_moments,
    "lengths": _read_lengths,
    "windows": _read_windows,
}
