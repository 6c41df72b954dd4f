"""Help for the magics, as plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ursa.terms import FIELDS
from ursa_jupyter.forms import FORMS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ursa_jupyter.forms import Form, Option

_WIDTH = 26
_METADATA = {"metadata", "modality_metadata", "channel_spec"}


def overview() -> str:
    """Return a line for each magic, and examples.

    Examples
    --------
    >>> overview().splitlines()[0]
    'Magics of Ursa; each has --help'
    """
    lines = [f"  %{form.name:<{_WIDTH - 3}}{form.help}" for form in FORMS.values()]
    examples = [f"  {text}" for form in FORMS.values() for text in form.examples[:1]]
    return "\n".join(["Magics of Ursa; each has --help", *lines, "", "Examples", *examples])


def help_text(form: Form) -> str:
    """Return all that a magic takes.

    Examples
    --------
    >>> print(help_text(FORMS["ursa_jobs"]))
    %ursa_jobs
    List the downloads of this notebook.
    <BLANKLINE>
    Options
      --help                  show this; -h for short
    """
    return "\n".join(_lines(form))


def _lines(form: Form) -> Iterator[str]:
    yield f"%{form.name} {form.usage}".rstrip()
    yield f"{form.help[0].upper()}{form.help[1:]}."
    yield from ("", "Options")
    yield from map(_option, form.options.values())
    if form.takes in {"terms", "target"}:
        yield from ("", "Filters; :name as a value stands for that variable's value")
        yield from (_row(_field(name), field.help) for name, field in FIELDS.items())
    if form.examples:
        yield from ("", "Examples")
        yield from (f"  {text}" for text in form.examples)


def _option(option: Option) -> str:
    about = f"{option.help}: {', '.join(option.choices)}" if option.choices else option.help
    return _row(f"--{option.name} {option.value}".rstrip(), about)


def _field(name: str) -> str:
    return f"{name}.KEY=" if name in _METADATA else f"{name}="


def _row(name: str, about: str) -> str:
    return f"  {name:<{_WIDTH - 2}}{about}"
