from __future__ import annotations

import builtins
import inspect
import pickle
import re

import pytest

from ursa import errors
from ursa.errors import CatalogKeyCollision, CatalogPKConflict, CatalogRowExists, UrsaError

CLASSES = [
    value
    for value in vars(errors).values()
    if inspect.isclass(value) and issubclass(value, UrsaError)
]
LINE = re.compile(r"^ {4}(?P<bars>[│├└─ ]*)(?P<name>\w+)(?: \((?P<builtin>\w+)\))?", re.MULTILINE)


def drawn() -> dict[str, tuple[str | None, str | None]]:
    """Name -> (parent, built-in) of every class in the tree of the docstring."""
    _, tree = (errors.__doc__ or "").split("::\n\n")
    found: dict[str, tuple[str | None, str | None]] = {}
    above: dict[int, str] = {}
    for line in LINE.finditer(tree):
        depth = len(line["bars"]) // 4
        above[depth] = line["name"]
        found[line["name"]] = (above.get(depth - 1), line["builtin"])
    return found


def test_the_docstring_draws_exactly_the_classes_there_are() -> None:
    assert drawn().keys() == {cls.__name__ for cls in CLASSES}


@pytest.mark.parametrize("cls", [cls for cls in CLASSES if cls is not UrsaError])
def test_parent_and_built_in_are_as_drawn(cls: type[UrsaError]) -> None:
    parent, builtin = drawn()[cls.__name__]
    bases = [base.__name__ for base in cls.__bases__]
    assert bases == [name for name in (parent, builtin) if name is not None]


@pytest.mark.parametrize("cls", [cls for cls in CLASSES if cls is not UrsaError])
def test_every_error_is_also_a_specific_built_in(cls: type[UrsaError]) -> None:
    fitting = [
        base
        for base in cls.__mro__
        if base.__module__ == builtins.__name__ and base not in {object, BaseException, Exception}
    ]
    assert fitting


@pytest.mark.parametrize("cls", [CatalogRowExists, CatalogPKConflict])
def test_a_pickled_conflict_keeps_its_fields(cls: type[CatalogRowExists]) -> None:
    error = cls("events", (("event_id", "e1"),), {"event_time": (1.0, 2.0)}, "Take another id.")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is cls
    assert vars(copy) == vars(error)
    assert str(copy) == str(error)


def test_a_pickled_collision_keeps_both_keys() -> None:
    error = CatalogKeyCollision("events", (("event_id", "e1"),), (("event_id", "e2"),))
    copy = pickle.loads(pickle.dumps(error))
    assert vars(copy) == vars(error)
    assert str(copy) == str(error)


def test_a_conflict_names_key_fields_and_what_to_do() -> None:
    diff = {"event_time": (1.0, 2.0), "prompt": (None, "go")}
    error = CatalogRowExists("events", (("event_id", "e1"),), diff, "Take another id.")
    assert str(error) == (
        "events already has a different row for event_id='e1' "
        "(event_time: stored 1.0, offered 2.0; prompt: stored None, offered 'go'). "
        "Take another id."
    )
