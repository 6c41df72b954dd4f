"""What the readers of EEG files share: channels, units, names of streams, companion files."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from ursa.errors import FileUnreadable
from ursa.formats.streams import Channel
from ursa.readers import naming
from ursa.register.participants import slug
from ursa.text import shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ursa.readers.source import Source

BLOCK_BYTES = 8 << 20
STIM = "stim"
# The standard's signal types (edfplus.info, "Standard EDF+ texts"), and names in wide use.
_TYPES = ("eeg", "ecg", "eog", "erg", "emg", "meg", "mcg", "ep", "resp", "temp", "sao2")
_KINDS = {
    **{each.upper(): each for each in _TYPES},
    **dict.fromkeys(("VEOG", "HEOG", "EOGV", "EOGH", "LOC", "ROC"), "eog"),
    "EKG": "ecg",
}
_TRIGGERS = re.compile(r"(STI ?\d*|STATUS|TRIGGER|MARKER)", re.IGNORECASE)
# Places of the 10-20 system and its 10-10 and 10-5 refinements.
_PLACE = re.compile(
    r"(N|Fp|AFp|AF|AFF|F|FFC|FFT|FC|FT|FCC|FTT|C|T|TT|CCP|TTP|CP|TP|CPP|TPP|P|PPO|PO|POO|O|OI|I)"
    r"(z|\d{1,2}h?)|[AM][12]",
    re.IGNORECASE,
)
_MICROVOLTS: dict[str | None, float] = {"V": 1e6, "mV": 1e3, "uV": 1.0, "nV": 1e-3}


def kind_of(label: str) -> str | None:
    """Return what a channel records by its label, or None where that does not say it.

    Examples
    --------
    >>> kind_of("EEG Fpz-Cz"), kind_of("Cz"), kind_of("Status"), kind_of("DC01")
    ('eeg', 'eeg', 'stim', None)
    """
    if _TRIGGERS.fullmatch(label):
        return STIM
    first = label.upper().split(" ", 1)[0]
    first = re.split(r"[-\d]", first, maxsplit=1)[0]
    found = _KINDS.get(first)
    if found is None and _PLACE.fullmatch(label.split("-", 1)[0].strip(". ")):
        return "eeg"
    return found


def channel_of(label: str, unit: str | None, modality: str) -> tuple[Channel, float]:
    """Return a channel as its file describes it, and by what its values are to be multiplied.

    Montages have labels of their own; so in an EEG file what is measured in volts, and is not
    labelled as something else, is EEG. Its values are brought to uV; others stay as they are, and
    the two letters for micro become u.

    Examples
    --------
    >>> channel_of("Cz", "mV", "eeg")
    (Channel(name='Cz', unit='uV', kind='eeg', scale=1.0, offset=0.0), 1000.0)
    >>> channel_of("ECG", "mV", "eeg")[1]
    1.0
    """
    unit = (unit or "").strip().replace("\N{MICRO SIGN}", "u")
    unit = unit.replace("\N{GREEK SMALL LETTER MU}", "u") or None
    kind = kind_of(label)
    if kind is None and modality.startswith("eeg") and unit in _MICROVOLTS:
        kind = "eeg"
    if kind == "eeg" and unit in _MICROVOLTS:
        return Channel(label, "uV", kind), _MICROVOLTS[unit]
    return Channel(label, unit, kind), 1.0


def stream_name(name: str, *, alone: bool, of: str = "") -> str:
    """Return the name of a file's stream: ``""`` for the main one of a single file.

    Examples
    --------
    >>> stream_name("a/Run 2.edf", alone=False, of="events"), stream_name("r.edf", alone=True)
    ('a-run-2-events', '')
    """
    file = "" if alone else slug(PurePosixPath(name).with_suffix("").as_posix())
    return "-".join(part for part in (file, of) if part)


def beside(source: Source, name: str, given: str, suffixes: Sequence[str]) -> str:
    """Return which file of `source` the file `name` means by its companion `given`.

    A file is found by its name in any case; after a renaming, by the header's own stem.

    Raises
    ------
    FileUnreadable
        `given` leads out of the header's folder, or there is no such file.
    """
    if re.search(r"[/\\\0:]", given) or given in {"", ".", ".."}:
        raise FileUnreadable(
            f"{name} names the data file {shortened(given, 80)}; it must lie beside it and be "
            "named without a folder; correct the name in the header"
        )
    folder, stem = PurePosixPath(name).parent, PurePosixPath(name).stem
    present = {each.lower(): each for each in sorted(source.files, reverse=True)}
    wanted = [given, *(stem + suffix for suffix in suffixes)]
    for each in wanted:
        path = (folder / each).as_posix()
        found = path if path in source.files else present.get(path.lower())
        if found is not None:
            return found
    raise FileUnreadable(
        f"{name} needs {shortened(given, 80)}, which is not beside it, nor is "
        f"{shortened(wanted[-1], 80)}; record both files into one folder"
    )


def described(source: Source, count: int) -> tuple[Channel, ...]:
    """Return the channels of a file that names none, as the rig's manifest names them."""
    spec = source.row.channel_spec
    names = list(spec.get("channels", ()))
    if len(names) != count:
        names = [f"channel {index + 1}" for index in range(count)]
    unit = spec.get("unit")
    known = None if unit is None else naming.label(str(unit))
    return tuple(
        Channel(name, known, kind_of(name))
        for name in (
            naming.label(str(each)) or f"channel {n}" for n, each in enumerate(names, start=1)
        )
    )


def rate_of(source: Source, name: str) -> float:
    """Return the rate of a file that tells none, as the rig's manifest says it.

    Raises
    ------
    FileUnreadable
        It does not say it.
    """
    if source.row.sampling_rate is None:
        raise FileUnreadable(
            f"{name} does not tell its rate; put sampling_rate into the manifest's modality"
        )
    return source.row.sampling_rate


def finite(text: str, what: str, least: float = -1e24, most: float = 1e24) -> float:
    """Return the number a header's text means.

    Raises
    ------
    FileUnreadable
        It is none, or outside the limits. `what` begins the message: file and field.
    """
    try:
        number = float(text.strip().replace(",", "."))
    except ValueError:
        number = float("nan")
    if not least <= number <= most or "_" in text:
        raise FileUnreadable(
            f"{what} is {shortened(text, 40)}; it must be a number from {least:g} to {most:g}; "
            "the header is damaged: copy the file from the recorder again"
        )
    return number


def whole(text: str, what: str, least: float, most: float) -> int:
    """Return the whole number a header's text means; otherwise as `finite`."""
    number = finite(text, what, least, most)
    if number != int(number):
        raise FileUnreadable(f"{what} is {shortened(text, 40)}; it must be a whole number")
    return int(number)


def kept(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return what is known of a file, without what is not."""
    return {name: value for name, value in metadata.items() if value not in (None, "", [])}
