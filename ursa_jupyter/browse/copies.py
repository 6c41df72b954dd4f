"""What the browser shows as text to paste: Python, a magic, a command, a link."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

from ursa.errors import InvalidArgument
from ursa.filters import make_spec
from ursa.terms import word
from ursa_jupyter.browse.messages import choice_of, text_of, texts_of
from ursa_jupyter.browse.selection import by_hash
from ursa_jupyter.browse.wire import spec_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ursa import DataInterface, QuerySpec
    from ursa_jupyter.browse.messages import Message
    from ursa_jupyter.browse.selection import Selection

FORMS = ("python", "magic", "cli", "link")
_DOWNLOADED = ("ingested", "raw")
_SELECTORS = ("AroundEvent", "IntervalSelector")
_NAMES_MAX = _HASHES_MAX = 1_000


def copied(data: DataInterface, selection: Selection, message: Message, dest: str) -> Message:
    """Answer ``copy``: the query or the selection in one of the forms."""
    form = choice_of(message, "what", FORMS, "python")
    of = choice_of(message, "of", ("query", "selection"), "query")
    target = text_of(message, "dest", dest)
    if of == "query":
        order = text_of(message, "order_by", "start_time")
        return {"text": _query(data, spec_of(message.get("filter", {}), order_by=order), form)}
    if len(selection) > _HASHES_MAX:
        rule = f"more than {_HASHES_MAX} are too many to name; copy the query instead"
        raise InvalidArgument(f"{len(selection)} recordings are selected, and {rule}")
    named = message.get("modalities")
    names = None if named is None else texts_of(message, "modalities", _NAMES_MAX)
    spec = make_spec(None, {**dict(by_hash(selection.hashes)), "modalities": names})
    if form == "link":
        return {"text": f"?{spec.as_url()}"}
    return {"text": _download(data, _with_data(data, spec), target, form)}


def _query(data: DataInterface, spec: QuerySpec, form: str) -> str:
    if form == "python":
        return _python(data, [spec], "")
    if form == "magic":
        return f"%ursa_query {spec.as_magic()}".rstrip()
    return f"{spec.as_cli()}{_opening(data)}" if form == "cli" else f"?{spec.as_url()}"


def _download(data: DataInterface, specs: Sequence[QuerySpec], dest: str, form: str) -> str:
    if form == "python":
        return _python(data, specs, f"paths = data.download(results, {json.dumps(dest)})")
    if form == "magic":
        return "\n".join(f"%ursa_download {word(dest)} {spec.as_magic()}" for spec in specs)
    where = shlex.quote(f"./{dest}" if dest.startswith("-") else dest)
    return "\n".join(
        f"ursa download {where}{spec.as_cli().removeprefix('ursa query')}{_opening(data)}"
        for spec in specs
    )


def _with_data(data: DataInterface, spec: QuerySpec) -> list[QuerySpec]:
    """Return specs for what of the recordings can be downloaded.

    A download refuses what is being ingested or has failed, so where there is such a modality,
    raw and processed ones are asked for by themselves.
    """
    found = {each.value for each in data.facets("status", spec=spec)["status"]}
    if not found & {"ingesting", "failed"}:
        return [spec]
    kept = [status for status in _DOWNLOADED if status in found] or _DOWNLOADED[:1]
    return [spec.model_copy(update={"status": status}) for status in kept]


def _opening(data: DataInterface) -> str:
    if data.path is not None:
        return f" --site {shlex.quote(str(data.path))}"
    return "" if data.profile == "r2" else f" --profile {data.profile}"


def _python(data: DataInterface, specs: Sequence[QuerySpec], last: str) -> str:
    calls = [spec.as_python() for spec in specs]
    names = [name for name in _SELECTORS if any(f"{name}(" in call for call in calls)]
    found = calls[0] if len(calls) == 1 else f"[{', '.join(f'*{call}' for call in calls)}]"
    lines = [f"from ursa import {', '.join(['DataInterface', *names])}", ""]
    return "\n".join([*lines, f"data = {data!r}", f"results = {found}", *filter(None, [last])])
