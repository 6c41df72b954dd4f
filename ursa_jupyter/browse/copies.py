"""What the browser shows as text to paste: Python, a magic, a command, a link."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, NamedTuple

from ursa.errors import InvalidArgument
from ursa.filters import make_spec
from ursa.terms import word
from ursa_jupyter.browse.address import WRITTEN_MAX, written
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
_PLACE = "PATH-OF-THE-SITE"
_NAMES_MAX = _HASHES_MAX = 1_000


class Opening(NamedTuple):
    """How the site is opened: the options of a command, and the call in Python."""

    options: str
    call: str


def opening(data: DataInterface, *, is_page: bool) -> Opening:
    """Return how a site is opened; where a page shows it, without directories of its server.

    Examples
    --------
    >>> import tempfile
    >>> from ursa import DataInterface
    >>> opening(DataInterface("local", path=tempfile.mkdtemp()), is_page=True).options
    ' --site PATH-OF-THE-SITE'
    """
    if data.path is None:
        options = "" if data.profile == "r2" else f" --profile {data.profile}"
        return Opening(options, f"DataInterface({data.profile!r})" if is_page else repr(data))
    if is_page:
        return Opening(f" --site {_PLACE}", f"DataInterface({data.profile!r}, path={_PLACE!r})")
    return Opening(f" --site {shlex.quote(str(data.path))}", repr(data))


def copied(
    data: DataInterface, selection: Selection, message: Message, dest: str, *, is_page: bool
) -> Message:
    """Answer ``copy``: the query or the selection in one of the forms."""
    form = choice_of(message, "what", FORMS, "python")
    of = choice_of(message, "of", ("query", "selection"), "query")
    target, place = text_of(message, "dest", dest), opening(data, is_page=is_page)
    if of == "query":
        order = text_of(message, "order_by", "start_time")
        spec = spec_of(message.get("filter", {}), order_by=order)
        text = _link(spec, is_page=is_page) if form == "link" else _query(spec, form, place)
        return {"text": text}
    if len(selection) > _HASHES_MAX:
        other = "save the manifest" if is_page else "copy the query"
        rule = f"more than {_HASHES_MAX} are too many to name; {other} instead"
        raise InvalidArgument(f"{len(selection)} recordings are selected, and {rule}")
    named = message.get("modalities")
    names = None if named is None else texts_of(message, "modalities", _NAMES_MAX)
    spec = make_spec(None, {**dict(by_hash(selection.hashes)), "modalities": names})
    if form == "link":
        return {"text": _link(spec, is_page=is_page)}
    return {"text": _download(_with_data(data, spec), target, form, place)}


def _link(spec: QuerySpec, *, is_page: bool) -> str:
    if not is_page:
        return f"?{spec.as_url()}"
    query = written(spec)
    if query is None:
        told = f"a link of more than {WRITTEN_MAX} characters does not open everywhere"
        raise InvalidArgument(f"{told}; save the selection as a file instead")
    return f"?{query}"


def _query(spec: QuerySpec, form: str, place: Opening) -> str:
    if form == "python":
        return _python([spec], "", place)
    if form == "magic":
        return f"%ursa_query {spec.as_magic()}".rstrip()
    return f"{spec.as_cli()}{place.options}"


def _download(specs: Sequence[QuerySpec], dest: str, form: str, place: Opening) -> str:
    if form == "python":
        return _python(specs, f"paths = data.download(results, {json.dumps(dest)})", place)
    if form == "magic":
        return "\n".join(f"%ursa_download {word(dest)} {spec.as_magic()}" for spec in specs)
    where = shlex.quote(f"./{dest}" if dest.startswith("-") else dest)
    return "\n".join(
        f"ursa download {where}{spec.as_cli().removeprefix('ursa query')}{place.options}"
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


def _python(specs: Sequence[QuerySpec], last: str, place: Opening) -> str:
    calls = [spec.as_python() for spec in specs]
    names = [name for name in _SELECTORS if any(f"{name}(" in call for call in calls)]
    found = calls[0] if len(calls) == 1 else f"[{', '.join(f'*{call}' for call in calls)}]"
    lines = [f"from ursa import {', '.join(['DataInterface', *names])}", ""]
    made = [*lines, f"data = {place.call}", f"results = {found}"]
    return "\n".join([*made, *filter(None, [last])])
