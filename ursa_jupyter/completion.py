"""Tab completion in our magics: keys, operators, values, options, directories and variables."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.completer import SimpleCompletion, context_matcher

from ursa.terms import FIELDS, REPEATED, Term
from ursa_jupyter.cursor import Cursor, cursor_of, written
from ursa_jupyter.forms import CHOICES
from ursa_jupyter.line import is_term

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from IPython.core.completer import CompletionContext, SimpleMatcherResult
    from IPython.core.interactiveshell import InteractiveShell

    from ursa_jupyter.forms import Option
    from ursa_jupyter.magics import UrsaMagics
    from ursa_jupyter.session import Session
    from ursa_jupyter.vocabulary import Vocabulary

IDENTIFIER = "ursa_jupyter"
_FIRST = 1000  # before all of IPython's own
_PATIENCE, _LATER = 0.03, 0.3  # seconds
_OPERATORS = {"conditions": ("=", "!=", ">=", "<", "~"), "lengths": (">=", "<", "=")}
_SIMPLE: Mapping[str, tuple[type, ...]] = {
    "names": (str, list, tuple, set),
    "conditions": (str, int, float, list, tuple),
    "word": (str,),
    "flag": (bool,),
    "count": (int,),
    "moments": (tuple, list),
    "lengths": (str, int, float, timedelta, tuple),
    "windows": (list, tuple),
}
_OURS = {
    "windows": {"IntervalSelector", "AroundEvent"},
    "results": {"QueryResultList", "QueryResult", "Selected"},
    "data": {"DataInterface"},
}


def matcher_of(magics: UrsaMagics, shell: InteractiveShell) -> Callable[..., Any]:
    """Return what completes in a shell; it never reaches a network and never waits for long."""

    def match(context: CompletionContext) -> SimpleMatcherResult:
        found = cursor_of(context.full_text, context.cursor_line, context.cursor_position)
        if found is None:
            return {"completions": []}
        session = magics.session
        if session.is_quick and not session.vocabulary.is_read:
            _learn(session)
        fragment, offered = candidates(found, session, shell.user_ns)
        # With nothing to offer, what is there: or else IPython's own would offer Python names.
        after = context.line_with_cursor[context.cursor_position :]
        texts = [_quoted(each, fragment[:1], after) for each in dict.fromkeys(offered)]
        texts = texts or [fragment]
        completions = [SimpleCompletion(text, type="ursa") for text in texts]
        return {
            "completions": completions,
            "matched_fragment": fragment,
            "suppress": True,
            "ordered": True,
        }

    matcher: Callable[..., Any] = context_matcher(identifier=IDENTIFIER, priority=_FIRST)(match)
    return matcher


def _learn(session: Session) -> None:
    """Read a catalog on this machine, at once if that is quick."""
    if "lancedb" in sys.modules:
        session.learn(_PATIENCE)
    else:  # Loading it takes seconds, in which no other thread gets far: not before this TAB ends.
        session.learn(delay=_LATER)


def _quoted(text: str, quote: str, after: str) -> str:
    """Return a text in the quotes that were opened for it, which editors close by themselves."""
    if quote not in {"'", '"'}:
        return text
    if not text.startswith(quote):
        text = f"{quote}{text}" if text.endswith("/") else f"{quote}{text}{quote}"
    return text.removesuffix(quote) if after.startswith(quote) else text


def candidates(
    cursor: Cursor, session: Session, names: Mapping[str, Any]
) -> tuple[str, Iterable[str]]:
    """Return the text that is replaced, and what may stand for it."""
    word, option, takes = cursor.word, cursor.option, cursor.form.takes
    offered: Iterable[str] = ()
    if option is not None:
        offered = _beginning(word, option.choices or _after(option, word))
    elif word.startswith("-"):
        free = (f"--{each}" for each in cursor.form.options if each not in cursor.options)
        offered = _beginning(word, free)
    elif takes == "place" and cursor.before in {(), ("local",)}:
        offered = _places(word, names)
    elif takes == "target" and word.startswith(":") and not any(map(is_term, cursor.before)):
        offered = _beginning(word, _variables(names, "results"))
    elif takes == "target" and not cursor.before and not is_term(word):
        offered = _files(word)
    elif takes in {"terms", "target"}:
        return _in_term(cursor, session.vocabulary, names)
    return word, offered


def _after(option: Option, word: str) -> Iterable[str]:
    return _files(word, files=True) if option.value == "FILE" else ()


def _beginning(start: str, texts: Iterable[str]) -> Iterator[str]:
    folded = start.casefold()
    return (text for text in texts if text.casefold().startswith(folded))


# -- terms ---------------------------------------------------------------------------------------


def _in_term(
    cursor: Cursor, vocabulary: Vocabulary, names: Mapping[str, Any]
) -> tuple[str, Iterable[str]]:
    term = written(cursor.word)
    if term is None:
        return cursor.word, _beginning(cursor.word, _keys(cursor, vocabulary))
    field = term.name.partition(".")[0].replace("-", "_")
    if field not in FIELDS:
        return cursor.word, ()
    if term.item.startswith(":"):
        kind = FIELDS[field].kind
        return term.item, () if term.chosen else _beginning(term.item, _variables(names, kind))
    known = CHOICES.get(field) or vocabulary[term.name.replace("-", "_")]
    takes_several = FIELDS[field].kind in {"names", "conditions"}
    if term.operator in {"<", ">", "~"} or (term.chosen and not takes_several):
        return term.item, ()
    return term.item, _values(term.item, (each for each in known if each not in term.chosen))


def _values(item: str, known: Iterable[str]) -> Iterator[str]:
    """Yield the values that begin so, whether or not they need the quotes that they have."""
    start = item.lstrip("\"'").casefold()
    return (each for each in known if each.lstrip('"').casefold().startswith(start))


def _keys(cursor: Cursor, vocabulary: Vocabulary) -> Iterator[str]:
    """Yield what a term may begin with, those already used left out."""
    used = {each for word in cursor.before if (each := _field(word))}
    for name, field in FIELDS.items():
        if name in used and field.kind not in REPEATED - {"names"}:
            continue
        if field.kind == "conditions":
            yield from _conditions(cursor.word, name, vocabulary)
        else:
            yield from (f"{name}{sign}" for sign in _OPERATORS.get(field.kind, ("=",)))


def _field(word: str) -> str:
    term = written(word)
    return term.name.replace("-", "_") if term else ""


def _conditions(word: str, name: str, vocabulary: Vocabulary) -> Iterator[str]:
    """Yield the field alone until it is written, then its keys, and a key's operators."""
    if not word.startswith(f"{name}."):
        yield f"{name}."
        return
    written_keys = [Term(name, key, "", "").name for key in vocabulary[name]]
    for key in written_keys:
        yield from (f"{key}{sign}" for sign in (_OPERATORS["conditions"] if key == word else "="))


# -- everything else -----------------------------------------------------------------------------


def _variables(names: Mapping[str, Any], kind: str) -> Iterator[str]:
    """Yield the variables whose values are of a kind, as they are written."""
    types, ours = _SIMPLE.get(kind, ()), _OURS.get(kind, set())
    for name in sorted(names):
        value = names[name]
        if name.startswith("_") or name in {"In", "Out"}:
            continue
        if isinstance(value, types) or type(value).__name__ in ours or _is_column(value, kind):
            yield f":{name}"


def _is_column(value: object, kind: str) -> bool:
    return kind in {"names", "conditions"} and type(value).__name__ in {"Series", "ndarray"}


def _places(word: str, names: Mapping[str, Any]) -> Iterator[str]:
    if word.startswith(":"):
        yield from _beginning(word, _variables(names, "data"))
    else:
        yield from _beginning(word, (each for each in CHOICES["profile"] if each != "local"))
        yield from _files(word)


def _files(word: str, *, files: bool = False) -> Iterator[str]:
    """Yield the directories, and perhaps the files, that a path may go on with."""
    quote = word[:1] if word[:1] in {'"', "'"} else ""
    head, name = os.path.split(word.removeprefix(quote))
    try:
        found = sorted(os.scandir(Path(head or ".").expanduser()), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in found:
        if not entry.name.startswith(name) or entry.name.startswith(".") > name.startswith("."):
            continue
        path = f"{head.rstrip('/')}/{entry.name}" if head else entry.name
        sign = quote or ('"' if " " in path else "")
        if entry.is_dir():
            yield f"{sign}{path}/"
        elif files:
            yield f"{sign}{path}{sign}"
