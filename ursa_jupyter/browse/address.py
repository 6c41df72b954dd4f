"""The query string in the address bar of a page: what it says, and what is written there.

Its terms are those of `QuerySpec.from_url`. Where it has none, the page shows everything,
whatever its status, so that an address without a query does not seem to be an empty site.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl

from ursa.errors import InvalidArgument
from ursa.filters import PAGE_FIELDS, QuerySpec
from ursa.text import cut, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

OPENS = ("recording", "tab", "t")
OWN = (*OPENS, "columns")  # the page's own parameters, which no filter has
QUERY_MAX = 60_000  # no server takes longer ones in a request
WRITTEN_MAX = 8_000  # and proxies in front of one seldom take longer ones than this
_PARTS_MAX = 100
_NAMED = 3
_TOLD_MAX = 1_000
_RULES: Mapping[str, tuple[str, str]] = {
    "recording": (r"[\w.:-]{1,128}", "the hash of a recording"),
    "tab": (r"[\w. -]{1,64}", "the name of a tab"),
    "t": (r"\d{1,12}(\.\d{1,9})?(-\d{1,12}(\.\d{1,9})?)?", "seconds, like 120 or 120-180"),
}
_ELSEWHERE = {
    "limit": "the page shows all that match",
    "offset": "the page shows all that match",
    "after": "the page shows all that match",
}


class Address(NamedTuple):
    """What a query string says.

    Attributes
    ----------
    spec : QuerySpec
    opens : dict of str to (str or None)
        The recording that is open, its tab and the time in it.
    problem : str or None
        What of it was left out, and why.
    """

    spec: QuerySpec
    opens: dict[str, str | None]
    problem: str | None


def read(query: str) -> Address:
    """Return what a query string says; what is wrong in it is left out and named.

    Examples
    --------
    >>> found = read("?participants=P001&recording=abc&limit=5")
    >>> found.spec.as_magic(), found.opens["recording"]
    ('participants=P001', 'abc')
    >>> found.problem
    "left out of the address: 'limit=5': the page shows all that match"
    """
    if len(query) > QUERY_MAX:
        said = f"it is {len(query)} characters long, and at most {QUERY_MAX} are read"
        return Address(QuerySpec(status="all"), dict.fromkeys(OPENS), f"the address: {said}")
    parts = [(part, _name(part)) for part in query.removeprefix("?").split("&") if part]
    opens, wrong = _opened(part for part, name in parts if name in OPENS)
    for part, name in parts:
        if name in _ELSEWHERE:
            wrong.append(f"{shortened(part, 80)}: {_ELSEWHERE[name]}")
    spec, refused = _filter([p for p, name in parts if name not in OWN and name not in _ELSEWHERE])
    return Address(spec, opens, _problem([*refused, *wrong]))


def written(spec: QuerySpec) -> str | None:
    """Return the query string of what is shown; None where it would be too long for an address.

    Examples
    --------
    >>> written(QuerySpec(status="all")), written(QuerySpec())
    ('', 'status=ingested')
    >>> written(QuerySpec(participants="P001", status="all", order_by="-duration"))
    'participants=P001&status=all&order_by=-duration'
    """
    kept = {name: value for name, value in dict(spec).items() if name not in PAGE_FIELDS}
    shown, bare = QuerySpec(**kept, order_by=spec.order_by), QuerySpec(order_by=spec.order_by)
    text = shown.as_url()
    if shown == bare:
        text = "&".join(filter(None, ("status=ingested", text)))
    elif shown == bare.model_copy(update={"status": "all"}):
        text = bare.as_url()
    return text if len(text) <= WRITTEN_MAX else None


def _name(part: str) -> str:
    return _pair(part)[0]


def _pair(part: str) -> tuple[str, str]:
    return next(iter(parse_qsl(part, keep_blank_values=True, errors="replace")), ("", ""))


def _opened(parts: Iterable[str]) -> tuple[dict[str, str | None], list[str]]:
    opens: dict[str, str | None] = dict.fromkeys(OPENS)
    wrong = []
    for part in parts:
        name, value = _pair(part)
        form, rule = _RULES[name]
        if not value:
            continue
        if re.fullmatch(form, value):
            opens[name] = value
        else:
            wrong.append(f"{shortened(part, 80)}: {name} is {rule}")
    return opens, wrong


def _filter(parts: Sequence[str]) -> tuple[QuerySpec, list[str]]:
    """Return the filter that all parts say, or those that can be read, and what is wrong."""
    try:
        return _shown(QuerySpec.from_url("&".join(parts))), []
    except InvalidArgument as error:
        if len(parts) == 1:
            return QuerySpec(status="all"), [str(error)]
    if len(parts) > _PARTS_MAX:
        rule = f"something in it is wrong, and of more than {_PARTS_MAX} terms none is left out"
        return QuerySpec(status="all"), [rule]
    kept, wrong = QuerySpec(status="all"), []
    good: list[str] = []
    for part in parts:
        try:
            kept = _shown(QuerySpec.from_url("&".join([*good, part])))
        except InvalidArgument as error:
            wrong.append(str(error))
        else:
            good.append(part)
    return kept, wrong


def _shown(spec: QuerySpec) -> QuerySpec:
    says_nothing = not spec.model_fields_set - PAGE_FIELDS
    return spec.model_copy(update={"status": "all"}) if says_nothing else spec


def _problem(wrong: Sequence[str]) -> str | None:
    if not wrong:
        return None
    more = [f"and {len(wrong) - _NAMED} more"] if len(wrong) > _NAMED else []
    return cut(f"left out of the address: {'; '.join([*wrong[:_NAMED], *more])}", _TOLD_MAX)
