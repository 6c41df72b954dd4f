"""The forms of a filter: a call in Python, one line of text, the command line, a URL's query.

Each is made of a filter's fields, only those that differ from their default. The text forms are
the same terms, so that what one says is what the others say; `ursa.terms` has their grammar.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote_plus

from ursa.errors import InvalidArgument
from ursa.operands import keywords, moment, terms
from ursa.terms import FIELDS, Term, chunks, has_value, term_of
from ursa.text import shortened
from ursa.time import duration_text

_SIGNS = tuple("=!<>~")


def magic(values: Mapping[str, Any]) -> str:
    """Return a filter as one line of terms.

    Examples
    --------
    >>> magic({"participants": ("P001",), "metadata": {"age": {">=": 18}}, "text": "two words"})
    'participants=P001 metadata.age>=18 text="two words"'
    """
    return " ".join(map(str, terms(values)))


def read_magic(text: str) -> dict[str, Any]:
    """Return the keywords that a text of terms says, on one line or more.

    Examples
    --------
    >>> read_magic("participants=P001,P002 status=raw")
    {'participants': ['P001', 'P002'], 'status': 'raw'}
    """
    return keywords(map(term_of, chunks(text)))


# -- URL -----------------------------------------------------------------------------------------


def url(values: Mapping[str, Any]) -> str:
    """Return a filter as the query of a URL: its terms, percent-encoded, with ``&`` between.

    Examples
    --------
    >>> url({"participants": ("P001",), "metadata": {"task": "rest", "age": {">=": 18}}})
    'participants=P001&metadata.task=rest&metadata.age%3E=18'
    """
    return "&".join(map(_pair, terms(values)))


def _pair(term: Term) -> str:
    # The = of an operator stays bare, so that a form's or a browser's own pairs say the same.
    before, equals, after = term.operator.partition("=")
    value = f"{after}{term.value}"
    return f"{_encoded(term.name + before)}{equals}{_encoded(value)}"


def _encoded(text: str) -> str:
    return quote_plus(text, safe=",:*")


def read_url(query: str, ignore: Iterable[str] = ()) -> dict[str, Any]:
    """Return the keywords that the query of a URL says.

    Parameters
    ----------
    query : str
        With or without the ``?``.
    ignore : iterable of str
        Keys that are not the filter's.

    Examples
    --------
    >>> read_url("?participants=P001&metadata.age>=18&tab=eeg", ignore=["tab"])
    {'participants': ['P001'], 'metadata': {'age': {'>=': 18}}}
    """
    ignored = frozenset(ignore)
    try:
        pairs = parse_qsl(query.removeprefix("?"), keep_blank_values=True, errors="strict")
    except ValueError as error:
        raise InvalidArgument(f"{shortened(query, 80)} is no text in UTF-8: {error}") from error
    return keywords(_pair_term(name, value) for name, value in pairs if name not in ignored)


def _pair_term(name: str, value: str) -> Term:
    # metadata.age<40 has no = to split at, or one that a browser put at its end.
    return term_of(name if not value and has_value(name) else f"{name}={value}")


# -- command line --------------------------------------------------------------------------------


def cli(values: Mapping[str, Any]) -> str:
    """Return a filter as a command for a POSIX shell.

    Examples
    --------
    >>> cli({"participants": ("P001",), "metadata": {"age": {">=": 18}}, "order_by": "-duration"})
    "ursa query --participants P001 --metadata 'age>=18' --order-by=-duration"
    """
    return " ".join(["ursa query", *(_option(term) for term in terms(values))])


def _option(term: Term) -> str:
    name, kind, value = f"--{term.field.replace('_', '-')}", FIELDS[term.field].kind, term.value
    if kind == "flag":
        return name if value == "true" else f"--no-{name.removeprefix('--')}"
    if kind == "conditions":
        value = f"{term.label}{term.operator}{value}"
    elif kind == "lengths" and term.operator != "=":
        value = f"{term.operator}{value}"
    if not value or value.startswith("-"):
        return shlex.quote(f"{name}={value}")
    return f"{name} {shlex.quote(value)}"


def read_cli(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keywords that the filter options of the command line say.

    Parameters
    ----------
    options : mapping of str to object
        Fields with what their option was given; a list for one that may be repeated.

    Examples
    --------
    >>> read_cli({"participants": ["P1,P2", "P3"], "metadata": ["age>=18"], "limit": None})
    {'participants': ['P1', 'P2', 'P3'], 'metadata': {'age': {'>=': 18}}}
    """
    given = {name: value for name, value in options.items() if value not in (None, [])}
    terms = (term for name, value in given.items() for term in _option_terms(name, value))
    return keywords(terms, joined=("names", "windows"))


def _option_terms(name: str, given: Any) -> Iterator[Term]:
    kind = FIELDS[name].kind
    for value in given if isinstance(given, list) else [given]:
        if kind == "conditions":
            yield term_of(f"{name}.{value}")
        elif kind == "lengths" and value.startswith(_SIGNS):
            yield term_of(f"{name}{value}")
        else:
            yield Term(name, None, "=", str(value).lower() if kind == "flag" else str(value))


# -- Python --------------------------------------------------------------------------------------


def python(values: Mapping[str, Any]) -> str:
    """Return a filter as a call of `DataInterface.query`.

    Examples
    --------
    >>> print(python({"participants": ("P001",), "metadata": {"age": {">=": 18}}}))
    data.query(participants="P001", metadata={"age": {">=": 18}})
    """
    return f"data.query({', '.join(f'{k}={_argument(k, v)}' for k, v in values.items())})"


def _argument(name: str, value: Any) -> str:
    kind = FIELDS[name].kind
    if kind == "names":
        return _literal(value[0] if len(value) == 1 else list(value))
    if kind == "moments":
        return f"({', '.join('None' if ns is None else _literal(moment(ns)) for ns in value)})"
    if kind == "lengths":
        return _literal({operator: duration_text(each) for operator, each in value.items()})
    if kind == "windows":
        return f"[{', '.join(map(_window, value))}]"
    return _literal(value)


def _window(each: Any) -> str:
    if each.kind == "intervals":
        return f"IntervalSelector({list(each.intervals)!r})"
    event = _literal(each.event_type)
    return f"AroundEvent({event}, before={each.before!r}, after={each.after!r})"


def _literal(value: object) -> str:
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_literal(k)}: {_literal(v)}' for k, v in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, str):
        return _text(value)
    return repr(value) if value is None or isinstance(value, bool) else json.dumps(value)


def _text(text: str) -> str:
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(char: str) -> str:
    if char == '"':
        return '\\"'
    # What cannot be seen is escaped, and so is the backslash.
    return char if char.isprintable() and char != "\\" else char.encode("unicode_escape").decode()
