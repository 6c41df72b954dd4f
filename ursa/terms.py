"""Filters as terms: what every written form of a filter shares.

A term is a field of `QuerySpec`, for metadata also a key, an operator, and a value as text, like
``participants=P001,P002`` or ``metadata.age>=40``.

==============================  ===================================================================
term                            means
==============================  ===================================================================
``FIELD=VALUE``                 names take several with commas; ``FIELD=`` is none at all
``metadata.KEY=VALUE``          also ``!= < <= > >=``; ``~`` is `contains`; ``=A,B`` is `in`;
                                ``=*`` is there, ``!=*`` is missing; ``=[1,2]`` equals that list
``duration>=5m``                also the half-open ``duration=5m..1h``, ``duration=..1h``
``time_range=START..END``       ISO 8601 with a zone or ns; one end may be empty
``time_filters=10..20,30..40``  windows in seconds; ``time_filters=around:EVENT:BEFORE:AFTER``
==============================  ===================================================================

A key or value is a bare word or quoted, as JSON text or in single quotes. A bare value of a
condition that reads as a JSON number, ``true``, ``false`` or ``null`` is that; a quoted one is
text. A bare value never begins with ``:``, which is kept for the names of variables, and that of
a condition never with ``<`` or ``>``, which would be one more operator.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Literal, NamedTuple

from ursa.errors import InvalidArgument
from ursa.hints import nearest
from ursa.text import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Kind = Literal["names", "conditions", "word", "flag", "count", "moments", "lengths", "windows"]


class Field(NamedTuple):
    """What the values of a field are, and a few words on them for people."""

    kind: Kind
    help: str


FIELDS: Mapping[str, Field] = {
    "participants": Field("names", "Ids, comma-separated; any of them."),
    "participants_all": Field("names", "Ids, comma-separated; all of them."),
    "modalities": Field("names", "Names, comma-separated; any of them."),
    "recording_hash": Field("names", "Hashes, or how they begin."),
    "metadata": Field("conditions", "Or != < <= > >= ~ (contains); =A,B: any; =*: there."),
    "modality_metadata": Field("conditions", "The same of one modality's metadata."),
    "channel_spec": Field("conditions", "The same of one modality's channels."),
    "status": Field("word", "Processed (ingested, the default), another, or all."),
    "pipeline_version": Field("names", "Versions that made an asset; any of them."),
    "derived": Field("flag", "With a processed asset, or without."),
    "time_range": Field("moments", "ISO 8601 with a zone; one end may be empty."),
    "duration": Field("lengths", "Also '<1h', 5m..1h; units d h m s ms us."),
    "time_filters": Field("windows", "In seconds; also around:EVENT:BEFORE:AFTER."),
    "event_type": Field("names", "Types, comma-separated; an event of any of them."),
    "text": Field("word", "Words that all occur in metadata or in one event."),
    "order_by": Field("word", "start_time, duration or recording_hash, or with -."),
    "limit": Field("count", "At most so many recordings."),
    "offset": Field("count", "Leave out the first so many."),
    "after": Field("word", "The cursor of a page: only what comes after it."),
}
REPEATED = frozenset({"names", "conditions", "lengths", "windows"})

QUOTED = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
# A list is flat, and what stops at the next [ is quick however many there are.
LIST = r'(?:\[(?:"(?:[^"\\]|\\.)*"|[^\[\]"])*\])'
_TERM = re.compile(
    rf"(?P<field>[A-Za-z_-]+)(?:\.(?P<key>{QUOTED}|[^=<>!~\"'][^=<>!~]*))?"
    r"(?P<operator>[!<>]?=|[<>~])(?P<value>.*)",
    re.DOTALL,
)
# A quote opens a text only where a key or a value begins, so that a bare it's is one word.
_CHUNK = re.compile(rf"(?:(?<=[.=<>~,:]){QUOTED}|(?<=[=,]){LIST}|\S)+", re.DOTALL)
_SPACE = re.compile(r"\s*")
_COMMENT = re.compile(r"#[^\r\n]*")
_QUOTED_ALONE = re.compile(QUOTED, re.DOTALL)
_IN_SINGLE = re.compile(r'\\.|"', re.DOTALL)
_BARE = re.compile(r"[\w.@%+/-][\w.@%+/:-]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_.:-]+")
_FORM = "write FIELD=VALUE or metadata.KEY=VALUE without spaces, and quote what holds some"


class Term(NamedTuple):
    """One condition: a field, its key or None, an operator, and the value as text.

    Examples
    --------
    >>> str(Term("metadata", "my key", ">=", "40"))
    'metadata."my key">=40'
    """

    field: str
    key: str | None
    operator: str
    value: str

    @property
    def label(self) -> str:
        """The key as it is written; of other terms the field."""
        if self.key is None:
            return self.field
        return self.key if _BARE_KEY.fullmatch(self.key) else quoted(self.key)

    @property
    def name(self) -> str:
        """The field with its key, as it is written."""
        return self.field if self.key is None else f"{self.field}.{self.label}"

    def __str__(self) -> str:
        return f"{self.name}{self.operator}{self.value}"


def term_of(text: str) -> Term:
    """Read one term, which is the whole of a text.

    Raises
    ------
    InvalidArgument
        It is no term, or no field is called so.

    Examples
    --------
    >>> term_of("time-range=2026-01-01T00:00:00Z..").name
    'time_range'
    """
    shown, match = shortened(text, 80), _TERM.fullmatch(text)
    if match is None:
        rule = "is no filter" if re.search("[=<>~]", text) else "has no '=' or other operator"
        raise InvalidArgument(f"{shown} {rule}: {_FORM}")
    field, key, operator = match["field"].replace("-", "_"), match["key"], match["operator"]
    if field not in FIELDS:
        hint = f"(for metadata, metadata.{field[:40]}){nearest(field, FIELDS)}"
        raise InvalidArgument(f"{shown}: no filter is called {shortened(field, 40)} {hint}")
    kind = FIELDS[field].kind
    if (kind == "conditions") is (key is None):
        rule = f"a key, like {field}.KEY=VALUE" if key is None else "no key"
        raise InvalidArgument(f"{shown}: {field} takes {rule}")
    if operator != "=" and kind not in ("conditions", "lengths"):
        raise InvalidArgument(f"{shown}: {field} takes only '=', not {operator!r}")
    return Term(field, key and unquoted(key), operator, match["value"])


def has_value(text: str) -> bool:
    """Return whether a text has the form of a term whose value is not empty.

    Examples
    --------
    >>> has_value("metadata.age<40"), has_value("metadata.age<")
    (True, False)
    """
    match = _TERM.fullmatch(text)
    return bool(match and match["value"])


def chunks(text: str) -> Iterator[str]:
    r"""Yield what white space separates outside quotes and lists, without lines of comment.

    Examples
    --------
    >>> list(chunks("# a comment\ntext='two words' limit=5"))
    ["text='two words'", 'limit=5']
    """
    place = 0
    while gap := _SPACE.match(text, place):
        begins_line = not place or "\n" in gap[0] or "\r" in gap[0]
        place = gap.end()
        found = (_COMMENT.match(text, place) if begins_line else None) or _CHUNK.match(text, place)
        if found is None:
            return
        if not found[0].startswith("#"):
            yield found[0]
        elif not begins_line:
            raise InvalidArgument(f"{shortened(found[0], 80)}: a comment has a line of its own")
        place = found.end()


def quoted(text: str) -> str:
    r"""Return text as a JSON string on one line; what can be read stays as it is.

    Examples
    --------
    >>> print(quoted('two\nlines, "größer"'))
    "two\nlines, \"größer\""
    """
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(char: str) -> str:
    return char if char.isprintable() and char not in '"\\' else json.dumps(char)[1:-1]


def word(text: str) -> str:
    """Return text as it is where it is a simple word, else quoted.

    Examples
    --------
    >>> word("P001"), word("a,b")
    ('P001', '"a,b"')
    """
    return text if _BARE.fullmatch(text) else quoted(text)


def unquoted(raw: str) -> str:
    r"""Return what a quoted text says; one that does not begin with a quote is taken as it is.

    Raises
    ------
    InvalidArgument
        The quote does not end where the text does, or an escape is none of JSON's.

    Examples
    --------
    >>> unquoted("'it\\'s'"), unquoted("it's")
    ("it's", "it's")
    """
    if not raw.startswith(('"', "'")):
        return raw
    shown = shortened(raw, 80)
    if not _QUOTED_ALONE.fullmatch(raw):
        raise InvalidArgument(f"{shown} begins with a quote, so one like it must end it")
    if raw.startswith("'"):
        raw = f'"{_IN_SINGLE.sub(_for_json, raw[1:-1])}"'
    try:
        return str(json.loads(raw, strict=False))
    except ValueError as error:
        rule = "escapes as JSON does: a backslash is \\\\, a line break \\n"
        raise InvalidArgument(f"{shown}: quoted text {rule}") from error


def _for_json(match: re.Match[str]) -> str:
    return {"\\'": "'", '"': '\\"'}.get(match[0], match[0])


def plain(raw: str) -> str:
    """Return the text that a bare or quoted value says.

    Raises
    ------
    InvalidArgument
        A bare value begins as only a quoted one may, or quotes are wrong.

    Examples
    --------
    >>> plain("a b"), plain('":x"')
    ('a b', ':x')
    """
    if raw.startswith((":", "=")):
        rule = f"a value that begins with {raw[0]!r} must be quoted"
        raise InvalidArgument(f"{rule}, like {shortened(quoted(raw), 80)}")
    return unquoted(raw)
