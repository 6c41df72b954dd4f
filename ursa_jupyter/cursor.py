"""What stands before the cursor, as far as it is one of our magics."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ursa.errors import InvalidArgument
from ursa.terms import LIST, QUOTED
from ursa_jupyter.forms import FORMS
from ursa_jupyter.line import is_option, split

if TYPE_CHECKING:
    from ursa_jupyter.forms import Form, Option

_LINE = re.compile(r"(?:^|=)\s*%(?P<name>ursa\w*)\s+(?P<rest>.*)$", re.DOTALL)
_CELL = re.compile(r"\s*%%(?P<name>ursa\w*)(?P<rest>\s.*)$", re.DOTALL)
_OPEN = re.compile(rf"""(?:^|\s)(?P<word>(?:[^\s"']|{QUOTED})*[.=<>~,:]["'](?:[^"'\\]|\\.)*)$""")
_TERM = re.compile(
    rf"(?P<name>(?:{QUOTED}|[^=<>!~\"'])+)(?P<operator>[!<>]?=|[<>~])(?P<value>.*)", re.DOTALL
)
# A quoted part can be read sign by sign too: without `*+`, 2 to the power of their number ways.
_ITEM = re.compile(rf"((?:{QUOTED}|{LIST}|[^,])*+),", re.DOTALL)


class Cursor(NamedTuple):
    """The words before the cursor, and the one that it is in.

    Attributes
    ----------
    form : Form
        Of the magic.
    before : tuple of str
        Whole words, options with their values left out.
    options : tuple of str
        Names of the options before it.
    word : str
        What there is of the word at the cursor; may be empty.
    option : Option or None
        The one of which `word` is the value.
    """

    form: Form
    before: tuple[str, ...]
    options: tuple[str, ...]
    word: str
    option: Option | None


class Written(NamedTuple):
    """A term that is being written.

    Attributes
    ----------
    name, operator : str
    chosen : tuple of str
        Items of the value that are whole.
    item : str
        The one that is being written.
    """

    name: str
    operator: str
    chosen: tuple[str, ...]
    item: str


def cursor_of(cell: str, line: int, column: int) -> Cursor | None:
    """Return where the cursor is; None outside of our magics.

    Examples
    --------
    >>> found = cursor_of("x = %ursa_query limit=3 mo", 0, 26)
    >>> found.form.name, found.before, found.word
    ('ursa_query', ('limit=3',), 'mo')
    """
    lines = cell.split("\n")
    before = "\n".join([*lines[:line], lines[line][:column]])
    match = _CELL.match(before) or _LINE.search(before.rpartition("\n")[2])
    if match is None or match["name"] not in FORMS:
        return None
    form, text = FORMS[match["name"]], match["rest"]
    if _is_comment(text):
        return None
    words, word = _split(text)
    whole, options, pending = _sorted(form, words)
    if word.startswith("--") and "=" in word:
        name, _, word = word[2:].partition("=")
        options, pending = [*options, name], form.options.get(name)
    return Cursor(form, tuple(whole), tuple(options), word, pending)


def _is_comment(text: str) -> bool:
    _, newline, last = text.rpartition("\n")
    return bool(newline) and last.lstrip().startswith("#")


def _split(text: str) -> tuple[list[str], str]:
    """Return the whole words and what there is of the last."""
    if match := _OPEN.search(text):
        return _words(text[: match.start("word")]), match["word"]
    words = _words(text)
    if words and text and not text[-1].isspace():
        return words[:-1], words[-1]
    return words, ""


def _words(text: str) -> list[str]:
    try:
        return list(split(text))
    except InvalidArgument:
        return text.split()


def _sorted(form: Form, words: list[str]) -> tuple[list[str], list[str], Option | None]:
    """Return words and names of options, and the option whose value comes next."""
    whole: list[str] = []
    options: list[str] = []
    pending: Option | None = None
    for each in words:
        if pending is not None and not is_option(each):
            pending = None
        elif is_option(each):
            name, equals, _ = each.lstrip("-").partition("=")
            options.append(name)
            option = form.options.get(name)
            pending = option if option is not None and option.value and not equals else None
        else:
            whole.append(each)
    return whole, options, pending


def written(word: str) -> Written | None:
    """Return the parts of a term that has an operator; None of another word.

    Examples
    --------
    >>> written('participants=P001,"a, b",P')
    Written(name='participants', operator='=', chosen=('P001', '"a, b"'), item='P')
    """
    match = _TERM.fullmatch(word)
    if match is None:
        return None
    chosen, place = [], 0
    while item := _ITEM.match(match["value"], place):
        chosen.append(item[1])
        place = item.end()
    return Written(match["name"], match["operator"], tuple(chosen), match["value"][place:])


def items_of(term: Written) -> tuple[str, ...]:
    """Return all items of a term's value."""
    return (*term.chosen, term.item) if term.item else term.chosen
