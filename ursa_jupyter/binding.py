"""Filters of which ``:name`` stands for the value of a Python variable, never for its text."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ursa.errors import InvalidArgument
from ursa.hints import nearest
from ursa.operands import keywords
from ursa.terms import FIELDS, Term, term_of
from ursa.text import shortened

if TYPE_CHECKING:
    from ursa import QuerySpec


def spec_of(words: Iterable[str], names: Mapping[str, Any], **default: Any) -> QuerySpec:
    """Return the filter that terms say.

    Parameters
    ----------
    words : iterable of str
        Terms as `ursa.terms` has them; one whose value is ``:name`` takes a variable's value. Of
        metadata, a list or tuple after ``=`` means any of its values, as ``A,B`` does.
    names : mapping of str to object
        The variables.
    **default
        Keywords for fields that no term names.

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> names = {"people": ["P001", "P002"], "low": 18}
    >>> spec_of(["participants=:people", "metadata.age>=:low"], names).as_magic()
    'participants=P001,P002 metadata.age>=18'
    """
    from ursa.filters import make_spec

    terms = [term_of(each) for each in words]
    found = keywords(term for term in terms if not term.value.startswith(":"))
    for term in terms:
        if term.value.startswith(":"):
            _bind(found, term, variable(term.value, names))
    return make_spec(None, {**default, **found})


def variable(reference: str, names: Mapping[str, Any]) -> Any:
    """Return the value of the variable that ``:name`` means.

    Raises
    ------
    InvalidArgument
        There is none of this name.
    """
    name = reference.removeprefix(":")
    if not name.isidentifier():
        raise InvalidArgument(
            f"{shortened(reference, 80)} names no variable; write :name, or quote a text that "
            "begins with ':'"
        )
    if name not in names:
        known = [each for each in names if not (each.startswith("_") or hasattr(builtins, each))]
        hint = nearest(name, known) if known else ""
        raise InvalidArgument(f"{reference}: no variable is called so{_only_near(hint)}")
    return names[name]


def _only_near(hint: str) -> str:
    """Leave out the list of all names, which may be hundreds."""
    return hint if "did you mean" in hint else "; set it first, or quote the text"


def _bind(found: dict[str, Any], term: Term, value: Any) -> None:
    value, kind = _native(value), FIELDS[term.field].kind
    if kind == "conditions":
        operator = {"~": "contains"}.get(term.operator, term.operator)
        if operator == "=" and _is_several(value):
            operator, value = "in", list(value)
        _put(term, found.setdefault(term.field, {}).setdefault(term.key, {}), operator, value)
    elif kind == "lengths" and not (term.operator == "=" and _is_several(value)):
        _put(term, found.setdefault(term.field, {}), term.operator, value)
    elif kind == "windows":
        several = isinstance(value, list | tuple)  # a single one can be iterated too
        found[term.field] = [*found.get(term.field, []), *(value if several else [value])]
    else:
        _put(term, found, term.field, value)


def _put(term: Term, place: dict[str, Any], name: str, value: Any) -> None:
    if name in place:
        raise InvalidArgument(f"{term}: this is said twice; leave one out")
    place[name] = value


def _is_several(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | Mapping)


def _native(value: Any) -> Any:
    """Return what NumPy, pandas or polars hold as Python values, and results as their hashes."""
    if hasattr(value, "recording_hashes"):
        return value.recording_hashes
    if isinstance(value, str | Mapping | Sequence):
        return value
    for method in ("tolist", "to_list"):
        if hasattr(value, method):
            return getattr(value, method)()
    return value
