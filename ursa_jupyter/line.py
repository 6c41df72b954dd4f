"""The line of a magic: options, and words in their order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from keyword import iskeyword
from typing import TYPE_CHECKING

from ursa.errors import InvalidArgument
from ursa.hints import nearest
from ursa.terms import chunks
from ursa.text import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ursa_jupyter.forms import Form, Option

_PATH = re.compile(r""""[^"]*"(?=\s|$)|'[^']*'(?=\s|$)""")
_SIGN = re.compile("[=<>]")


@dataclass(frozen=True)
class Line:
    """What a magic was given.

    Attributes
    ----------
    options : mapping of str to str
        Their values; of an option without one, empty text.
    words : tuple of str
        All other words, in order.
    silent : bool
        A semicolon at the end says that nothing is to be shown.
    """

    options: Mapping[str, str]
    words: tuple[str, ...]
    silent: bool


def read(form: Form, text: str, cell: str = "") -> Line:
    """Read the line of a magic, and for a cell magic its body.

    Raises
    ------
    InvalidArgument
        An option that the magic does not have, or a value it does not take.

    Examples
    --------
    >>> from ursa_jupyter.forms import FORMS
    >>> read(FORMS["ursa_query"], "participants=P1 --as arrow limit=3;")
    Line(options={'as': 'arrow'}, words=('participants=P1', 'limit=3'), silent=True)
    """
    whole, silent = _unsilenced(f"{text}\n{cell}".rstrip())
    options: dict[str, str] = {}
    words = []
    rest = iter(split(whole))
    for each in rest:
        if not is_option(each):
            words.append(each)
            continue
        name, equals, value = ("help", "", "") if each == "-h" else each[2:].partition("=")
        option = _option(form, each, name)
        if option.name in options:
            raise InvalidArgument(f"--{name} is given twice; leave one out")
        options[option.name] = _value(option, value if equals else None, rest)
    return Line(options, tuple(words), silent)


def _unsilenced(text: str) -> tuple[str, bool]:
    """Return the text without a semicolon at its end, and whether there was one."""
    # IPython's own way to find it reads the line as Python, which a filter need not be.
    is_comment = text.rpartition("\n")[2].lstrip().startswith("#")
    silent = text.endswith(";") and not is_comment
    return text[:-1] if silent else text, silent


def split(text: str) -> Iterator[str]:
    """Yield words: terms as `ursa.terms.chunks` does, and what is in quotes as a whole.

    Examples
    --------
    >>> list(split('"my data" text="two words" --wait'))
    ['"my data"', 'text="two words"', '--wait']
    """
    rest, begins_line = text.lstrip(), True
    while rest:
        is_comment = rest.startswith("#")
        if is_comment and not begins_line:
            raise InvalidArgument(f"{shortened(rest, 80)}: a comment has a line of its own")
        found = rest.partition("\n")[0] if is_comment else _first(rest)
        if not is_comment:
            yield found
        after = rest[len(found) :]
        rest = after.lstrip()
        begins_line = "\n" in after[: len(after) - len(rest)]


def _first(text: str) -> str:
    match = _PATH.match(text)
    return match[0] if match else next(chunks(text))


def is_option(word: str) -> bool:
    """Return whether a word is an option, which no term can be."""
    return word.startswith("--") or word == "-h"


def is_term(word: str) -> bool:
    """Return whether a word is meant as a filter, and so no path.

    Examples
    --------
    >>> is_term("stauts=raw"), is_term("~/data"), is_term("./a=b")
    (True, False, False)
    """
    return not word.startswith(("'", '"', ".", "/", "~")) and bool(_SIGN.search(word))


def path_of(word: str) -> str:
    """Return the path that a word says, with or without quotes."""
    return word[1:-1] if _PATH.fullmatch(word) else word


def _option(form: Form, given: str, name: str) -> Option:
    if name not in form.options:
        known = [f"--{each}" for each in form.options]
        raise InvalidArgument(
            f"{shortened(given, 80)}: %{form.name} has no such option"
            f"{nearest(f'--{name[:40]}', known)}"
        )
    return form.options[name]


def _value(option: Option, value: str | None, rest: Iterator[str]) -> str:
    if not option.value:
        if value is not None:
            raise InvalidArgument(f"--{option.name} takes no value; leave out '={value[:40]}'")
        return ""
    value = value if value is not None else next(rest, "")
    if not value or is_option(value):
        raise InvalidArgument(
            f"--{option.name} needs a value, like --{option.name} {_like(option)}"
        )
    if option.choices and value not in option.choices:
        raise InvalidArgument(
            f"--{option.name} {shortened(value, 40)}: no such choice"
            f"{nearest(value, option.choices)}"
        )
    if option.value == "NAME" and (not value.isidentifier() or iskeyword(value)):
        raise InvalidArgument(
            f"--{option.name} {shortened(value, 40)}: no variable can be called so"
        )
    return path_of(value)


def _like(option: Option) -> str:
    return option.choices[-1] if option.choices else option.value
