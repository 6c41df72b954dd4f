"""The magics: each reads its line, calls one verb and returns what that returned."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.magic import (
    Magics,
    line_cell_magic,
    line_magic,
    magics_class,
    needs_local_scope,
    no_var_expand,
)
from traitlets import Enum, Unicode, observe

import ursa
from ursa.errors import DownloadCancelled, InvalidArgument
from ursa.hints import nearest
from ursa_jupyter.binding import spec_of, variable
from ursa_jupyter.forms import CHOICES, FORMS
from ursa_jupyter.line import Line, is_term, path_of, read
from ursa_jupyter.refusals import in_one_line
from ursa_jupyter.session import Session, default_path
from ursa_jupyter.usage import help_text, overview

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from IPython.core.interactiveshell import InteractiveShell

_Names = dict[str, Any]
_PATIENCE = 0.5  # seconds for the names that a mistaken one may have meant


@magics_class
class UrsaMagics(Magics):
    """The magics of Ursa, and what ``%config UrsaMagics`` sets."""

    profile = Enum(CHOICES["profile"], "r2", help="Profile of the site.").tag(config=True)
    path = Unicode(help="Directory of the site; empty for another profile.").tag(config=True)
    config_path = Unicode(help="Settings file of a bucket profile.").tag(config=True)
    output = Enum(CHOICES["output"], "results", help="What %ursa_query returns without --as.").tag(
        config=True
    )
    progress = Enum(CHOICES["progress"], "auto", help="How downloads show progress.").tag(
        config=True
    )
    dest = Unicode(help="Where downloads go if no directory is named.").tag(config=True)

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._variables: _Names = shell.user_ns
        history = shell.history_manager
        self._inputs: Sequence[str] = history.input_hist_parsed if history else [""]
        if not (self.path or self.config_path) and self.profile == "r2":
            self.path = default_path()
        self._renew()

    @observe("profile", "path", "config_path")
    def _renew(self, change: Any = None) -> None:
        if change is not None and change.name == "profile" and change.new != "local":
            self.path = ""
        if change is not None and change.name == "path" and change.new:
            self.profile = "local"
        self.session = Session(self.profile, path=self.path, config=self.config_path)

    # -- the site --------------------------------------------------------------------------------

    @no_var_expand
    @needs_local_scope
    @line_magic
    @in_one_line
    def ursa_profile(self, line: str = "", local_ns: _Names | None = None) -> None:
        """Show or choose the site: a profile, a directory or ``:data``."""
        given = read(FORMS["ursa_profile"], line)
        if _helped(given, "ursa_profile"):
            return
        words = [path_of(each) for each in given.words]
        if words[:1] == ["local"] and len(words) > 1:
            words = words[1:]
        if len(words) > 1:
            raise InvalidArgument(f"{words[1]!r}: one site at a time; quote a path with spaces")
        if words or given.options:
            self._choose(words[0] if words else "r2", given, self._names(local_ns))
        print(self.session.label)  # noqa: T201 - the answer

    def _choose(self, name: str, given: Line, names: _Names) -> None:
        config = given.options.get("config", "")
        if name.startswith(":"):
            self.session = Session(data=_interface(name, names))
        elif name in CHOICES["profile"] and name != "local":
            self._set(profile=name, config=config)
        elif config:
            raise InvalidArgument(f"--config is for bucket profiles, and {name!r} is none")
        else:
            self._set(profile="local", path=_directory(name))

    def _set(self, profile: str, path: str = "", config: str = "") -> None:
        """Set all at once, and begin anew also where nothing differs."""
        with self.hold_trait_notifications():
            self.profile, self.path, self.config_path = profile, path, config
        self._renew()

    # -- finding ---------------------------------------------------------------------------------

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    @in_one_line
    def ursa_query(self, line: str = "", cell: str = "", local_ns: _Names | None = None) -> object:
        """Return the recordings that match; as a cell magic, one filter per line.

        ``%ursa_query --help`` lists filters and options.
        """
        given = read(FORMS["ursa_query"], line, cell)
        if _helped(given, "ursa_query"):
            return None
        results = self._found(given.words, self._names(local_ns))
        return self._given_back(line, given, _as(given.options.get("as", self.output), results))

    def _found(self, words: Sequence[str], names: _Names) -> ursa.QueryResultList:
        session = self.session
        results = session.data.query(spec_of(words, names))
        session.results = results
        session.learn()
        if not results.matched and (why := self._why_nothing(results.spec)):
            print(why)  # noqa: T201 - stays beside the result
        return results

    def _why_nothing(self, spec: ursa.QuerySpec) -> str:
        from ursa_jupyter.advice import nothing_matches

        self.session.learn(_PATIENCE)
        return nothing_matches(self.session.data.catalog, spec, self.session.vocabulary)

    @no_var_expand
    @needs_local_scope
    @line_magic
    @in_one_line
    def ursa_browse(self, line: str = "", local_ns: _Names | None = None) -> object:
        """Return a browser of the recordings that match, of any status if none is named."""
        given = read(FORMS["ursa_browse"], line)
        if _helped(given, "ursa_browse"):
            return None
        spec = spec_of(given.words, self._names(local_ns), status="all")
        from ursa_jupyter.browser import Browser

        return self._given_back(line, given, Browser(self.session.data, spec))

    # -- delivering ------------------------------------------------------------------------------

    @no_var_expand
    @needs_local_scope
    @line_magic
    @in_one_line
    def ursa_plan(self, line: str = "", local_ns: _Names | None = None) -> object:
        """Return what a download would copy; nothing is written."""
        given = read(FORMS["ursa_plan"], line)
        if _helped(given, "ursa_plan"):
            return None
        dest, target = self._target(given.words, self._names(local_ns))
        options = _keywords(given, "layout", "source")
        return self._given_back(line, given, self.session.data.plan(target, dest, **options))

    @no_var_expand
    @needs_local_scope
    @line_magic
    @in_one_line
    def ursa_download(self, line: str = "", local_ns: _Names | None = None) -> object:
        """Begin to copy data and return the job, or with ``--wait`` the paths."""
        given = read(FORMS["ursa_download"], line)
        if _helped(given, "ursa_download"):
            return None
        dest, target = self._target(given.words, self._names(local_ns))
        if dest is None:
            raise InvalidArgument("no directory is named; write %ursa_download DIRECTORY")
        options = {
            "progress": self.progress,
            **_keywords(given, "layout", "source", "existing", "on-error", "progress"),
        }
        if "overwrite" in given.options:
            options["overwrite"] = True
        verb = self._waited_for if "wait" in given.options else self._begun
        return self._given_back(line, given, verb(target, dest, options))

    def _begun(self, target: Any, dest: Path, options: Mapping[str, Any]) -> object:
        return self.session.data.download(target, dest, background=True, **options)

    def _waited_for(self, target: Any, dest: Path, options: Mapping[str, Any]) -> object:
        try:
            paths = self.session.data.download(target, dest, **options)
        except KeyboardInterrupt:
            interrupted = DownloadCancelled(
                "interrupted; what is finished stays, and the same line with --existing overwrite "
                "brings the rest"
            )
        else:
            from ursa_jupyter.jobs import Paths

            return Paths(paths)
        raise interrupted

    def _target(self, words: Sequence[str], names: _Names) -> tuple[Path | None, Any]:
        """Return where to, and what: results named, those of a filter, or the last ones."""
        named = bool(words) and not is_term(words[0]) and not _is_results(words[0], names)
        dest = _place(words[0], names) if named else self.dest
        rest = words[named:]
        where = Path(dest).expanduser() if dest else None
        if len(rest) == 1 and rest[0].startswith(":"):
            return where, variable(rest[0], names)
        if rest:
            return where, self._found(rest, names)
        if self.session.results is None:
            raise InvalidArgument(
                "nothing was found yet: run %ursa_query first, or add filters or :results"
            )
        return where, self.session.results

    @line_magic
    @in_one_line
    def ursa_jobs(self, line: str = "") -> object:
        """Return the downloads of this process."""
        if _helped(read(FORMS["ursa_jobs"], line), "ursa_jobs"):
            return None
        from ursa_jupyter.jobs import Jobs

        return Jobs(ursa.jobs())

    @line_magic
    @in_one_line
    def ursa(self, line: str = "") -> None:
        """List the magics."""
        read(FORMS["ursa"], line)
        print(overview())  # noqa: T201 - the answer

    # -- what they share -------------------------------------------------------------------------

    def _names(self, local: _Names | None) -> _Names:
        return {**self._variables, **(local or {})}

    def _given_back(self, line: str, given: Line, value: object) -> object:
        """Return a value to be shown, unless it has a name or is to be silent."""
        if name := given.options.get("out"):
            self._variables[name] = value
            return None
        return None if given.silent and not self._is_assigned(line) else value

    def _is_assigned(self, line: str) -> bool:
        """Whether the cell gives the value of this line a name, as in ``x = %ursa_query ;``."""
        call = rf"=\s*get_ipython\(\)\.run_line_magic\('ursa_\w+', {re.escape(repr(line))}\)"
        return bool(re.search(call, self._inputs[-1]))


def _helped(given: Line, name: str) -> bool:
    if "help" in given.options:
        print(help_text(FORMS[name]))  # noqa: T201 - the answer
    return "help" in given.options


def _as(form: str, results: ursa.QueryResultList) -> object:
    return results if form == "results" else getattr(results, f"to_{form}")()


def _keywords(given: Line, *names: str) -> dict[str, Any]:
    chosen = ((name.replace("-", "_"), given.options.get(name)) for name in names)
    return {name: value for name, value in chosen if value is not None}


def _interface(reference: str, names: _Names) -> ursa.DataInterface:
    value = variable(reference, names)
    if not isinstance(value, ursa.DataInterface):
        raise InvalidArgument(f"{reference} is no DataInterface but a {type(value).__name__}")
    return value


def _directory(name: str) -> str:
    directory = Path(name).expanduser()
    if directory.is_dir():
        return str(directory)
    if name == "local":
        raise InvalidArgument("'local' needs the site's directory: %ursa_profile DIRECTORY")
    known = nearest(name, CHOICES["profile"])
    raise InvalidArgument(f"{name!r} is no profile, and no directory is there{known}")


def _is_results(word: str, names: _Names) -> bool:
    return word.startswith(":") and not isinstance(variable(word, names), str | Path)


def _place(word: str, names: _Names) -> str:
    return str(variable(word, names)) if word.startswith(":") else path_of(word)
