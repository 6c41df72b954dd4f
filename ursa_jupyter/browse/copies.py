"""What the browser shows as text to paste: Python, a magic, a command, a link."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

from ursa.terms import word
from ursa_jupyter.browse.messages import choice_of, text_of, texts_of
from ursa_jupyter.browse.selection import by_hash
from ursa_jupyter.browse.wire import spec_of

if TYPE_CHECKING:
    from ursa import DataInterface, QuerySpec
    from ursa_jupyter.browse.messages import Message
    from ursa_jupyter.browse.selection import Selection

FORMS = ("python", "magic", "cli", "link")
_NAMES_MAX = 1_000


def copied(data: DataInterface, selection: Selection, message: Message, dest: str) -> Message:
    """Answer ``copy``: the query or the selection in one of the forms."""
    form = choice_of(message, "what", FORMS, "python")
    of = choice_of(message, "of", ("query", "selection"), "query")
    target = text_of(message, "dest", dest)
    spec = _of_selection(selection, message) if of == "selection" else _of_query(message)
    if form == "link":
        return {"text": f"?{spec.as_url()}"}
    if form == "magic":
        return {"text": _magic(spec, target, of)}
    if form == "cli":
        return {"text": _command(spec, target, of)}
    return {"text": _python(data, spec, target, of)}


def _of_query(message: Message) -> QuerySpec:
    return spec_of(message.get("filter", {}), order_by=text_of(message, "order_by", "start_time"))


def _of_selection(selection: Selection, message: Message) -> QuerySpec:
    named = message.get("modalities")
    spec = by_hash(selection.hashes)
    if named is None:
        return spec
    names = tuple(texts_of(message, "modalities", _NAMES_MAX))
    return spec.model_copy(update={"modalities": names})


def _python(data: DataInterface, spec: QuerySpec, dest: str, of: str) -> str:
    names = [name for name in ("AroundEvent", "IntervalSelector") if f"{name}(" in spec.as_python()]
    lines = [f"from ursa import {', '.join(sorted(['DataInterface', *names]))}", ""]
    lines += [f"data = {data!r}", f"results = {spec.as_python()}"]
    if of == "selection":
        lines.append(f"paths = data.download(results, {json.dumps(dest, ensure_ascii=False)})")
    return "\n".join(lines)


def _magic(spec: QuerySpec, dest: str, of: str) -> str:
    if of == "query":
        return f"%ursa_query {spec.as_magic()}".rstrip()
    return f"%ursa_download {spec.as_magic()} --dest {word(dest)}"


def _command(spec: QuerySpec, dest: str, of: str) -> str:
    if of == "query":
        return spec.as_cli()
    options = spec.as_cli().removeprefix("ursa query")
    return f"ursa download{options} --dest {shlex.quote(dest)}"
