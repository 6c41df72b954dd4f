"""What each magic takes: its options and their choices, for reading, completion and help."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

# Written out, since loading what defines them would make the first TAB slow.
CHOICES: Mapping[str, tuple[str, ...]] = {
    "status": ("ingested", "raw", "ingesting", "failed", "all"),
    "order_by": (
        *("start_time", "-start_time", "duration", "-duration"),
        *("recording_hash", "-recording_hash"),
    ),
    "derived": ("true", "false"),
    "profile": ("r2", "r2-test", "local"),
    "output": ("results", "arrow", "pandas", "polars"),
    "layout": ("by_recording", "by_modality", "flat"),
    "source": ("auto", "raw", "processed"),
    "existing": ("error", "skip", "verify", "overwrite", "refresh"),
    "on_error": ("raise", "collect"),
    "progress": ("auto", "bar", "log", "json", "none"),
}


class Option(NamedTuple):
    """An option of a magic.

    Attributes
    ----------
    name : str
        Without dashes.
    value : str
        What stands for its value in help; empty where it takes none.
    help : str
    choices : tuple of str
        The only values it takes, if there are any.
    """

    name: str
    value: str
    help: str
    choices: tuple[str, ...] = ()


class Form(NamedTuple):
    """What a magic takes.

    Attributes
    ----------
    name : str
        Without percent sign.
    usage : str
        What may follow the name, beside options.
    help : str
        One line.
    options : mapping of str to Option
    examples : tuple of str
    takes : str
        What the words may be: ``terms``, ``target`` (a directory, then terms or results),
        ``place`` or ``nothing``.
    """

    name: str
    usage: str
    help: str
    options: Mapping[str, Option]
    examples: tuple[str, ...]
    takes: str


def _options(*options: Option) -> dict[str, Option]:
    return {each.name: each for each in (*options, _HELP)}


def _chosen(name: str, about: str) -> Option:
    return Option(name, name.replace("-", "_").upper(), about, CHOICES[name.replace("-", "_")])


_HELP = Option("help", "", "show this; -h for short")
_OUT = Option("out", "NAME", "put the result into this variable, and show nothing")
_LAYOUT = _chosen("layout", "how the files are arranged")
_SOURCE = _chosen("source", "which form of the data")

FORMS: Mapping[str, Form] = {
    form.name: form
    for form in (
        Form(
            "ursa_profile",
            "[NAME | DIRECTORY | :data]",
            "show or choose the site: a profile, a directory, or a DataInterface",
            _options(Option("config", "FILE", "settings file of a bucket profile")),
            ("%ursa_profile my-site", "%ursa_profile r2", "%ursa_profile :data"),
            "place",
        ),
        Form(
            "ursa_query",
            "[FILTER ...]",
            "find recordings; as a cell magic, one filter per line",
            _options(_OUT, Option("as", "FORM", "what the result is", CHOICES["output"])),
            (
                "%ursa_query modalities=eeg metadata.task=rest duration>=5m limit=20",
                "eeg = %ursa_query participants=:people status=all",
                "%ursa_query status=raw --as pandas --out table",
            ),
            "terms",
        ),
        Form(
            "ursa_browse",
            "[FILTER ...]",
            "look through recordings in a table with filters and previews",
            _options(_OUT),
            ("%ursa_browse", "w = %ursa_browse modalities=eeg"),
            "terms",
        ),
        Form(
            "ursa_plan",
            "DIRECTORY [FILTER ... | :results]",
            "say what a download would copy: files, bytes, what is there already",
            _options(_OUT, _LAYOUT, _SOURCE),
            ("%ursa_plan mine", "%ursa_plan mine status=raw modalities=eeg"),
            "target",
        ),
        Form(
            "ursa_download",
            "DIRECTORY [FILTER ... | :results]",
            "copy data, verified, in the background; without filters that of the last query",
            _options(
                Option("wait", "", "go on with the next cell only when it is done"),
                _OUT,
                _LAYOUT,
                _SOURCE,
                _chosen("existing", "what becomes of files that are there already"),
                Option("overwrite", "", "the same as --existing overwrite"),
                _chosen("on-error", "after a failed file: stop, or deliver the others"),
                _chosen("progress", "how progress is shown"),
            ),
            (
                "%ursa_download mine",
                "job = %ursa_download mine :results --existing refresh",
                "%ursa_download mine status=raw --wait",
            ),
            "target",
        ),
        Form("ursa_jobs", "", "list the downloads of this notebook", _options(), (), "nothing"),
        Form("ursa", "", "list the magics", _options(), (), "nothing"),
    )
}
