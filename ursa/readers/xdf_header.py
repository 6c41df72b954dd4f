"""What the XML headers of an XDF file say of a stream and its channels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple
from xml.etree.ElementTree import ParseError, fromstring

from ursa.formats.streams import Channel
from ursa.readers.naming import label
from ursa.readers.xdf_samples import FORMATS, DamagedError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_MOST_CHANNELS = 1 << 16
_LEAST_RATE, _MOST_RATE = 1e-6, 1e8
_MICROVOLT = {"microvolts", "microvolt", "uv", "µv", "\u03bcv"}
_VOLT = {"v", "volt", "volts"}


class Header(NamedTuple):
    """One stream as its header describes it.

    Attributes
    ----------
    name, kind, source, host : str
        Name, content type such as ``"EEG"``, id of the device and name of the computer.
    rate : float
        Nominal samples per second; 0 where they come irregularly.
    format : str
        Of the samples, such as ``"float32"``.
    channels : tuple of Channel
    factors : tuple of float
        What a sample is multiplied with for the channel's unit.
    can_drop : bool
        The device leaves out samples, so that times do not follow from their number.
    """

    name: str
    kind: str
    source: str
    host: str
    rate: float
    format: str
    channels: tuple[Channel, ...]
    factors: tuple[float, ...]
    can_drop: bool


def parsed_header(xml: bytes) -> Header:
    """Return what a stream header says.

    Raises
    ------
    DamagedError
        It is no XML, or states an impossible number or format.
    """
    info = _parsed(xml)
    try:
        count, rate = int(_text(info, "channel_count")), float(_text(info, "nominal_srate"))
    except ValueError as error:
        raise DamagedError from error
    form = _text(info, "channel_format")
    is_rate = rate == 0 or _LEAST_RATE <= rate <= _MOST_RATE
    if not (0 < count <= _MOST_CHANNELS and is_rate and form in FORMATS):
        raise DamagedError
    kind = _text(info, "type")
    described = [_channel(each, kind) for each in info.iterfind("desc/channels/channel")]
    if len(described) != count:
        described = [(Channel(f"channel {number + 1}"), 1.0) for number in range(count)]
    return Header(
        name=_text(info, "name"),
        kind=kind,
        source=_text(info, "source_id"),
        host=_text(info, "hostname"),
        rate=rate,
        format=form,
        channels=tuple(
            channel if channel.name else Channel(f"channel {number}", channel.unit, channel.kind)
            for number, (channel, _) in enumerate(described, 1)
        ),
        factors=tuple(factor for _, factor in described),
        can_drop=_text(info, "desc/synchronization/can_drop_samples").lower() == "true",
    )


def footer_count(xml: bytes) -> int | None:
    """Return how many samples a stream's footer counts, None where it does not say."""
    try:
        count = float(_text(_parsed(xml), "sample_count"))
    except ValueError:
        return None
    return int(count) if math.isfinite(count) and count >= 0 else None


def file_start(xml: bytes) -> str | None:
    """Return the date in a file's header as it stands there."""
    return _text(_parsed(xml), "datetime") or None


def _channel(element: Element, kind: str) -> tuple[Channel, float]:
    unit, own = _text(element, "unit"), _text(element, "type") or kind
    factor = 1.0
    if unit.lower() in _VOLT and own.lower() == "eeg":
        unit, factor = "uV", 1e6
    elif unit.lower() in _MICROVOLT:
        unit = "uV"
    return Channel(_text(element, "label"), unit or None, own.lower() or None), factor


def _parsed(xml: bytes) -> Element:
    text = xml.decode("utf-8", "replace").rstrip("\0")
    if "<!DOCTYPE" in text:  # it may define entities that fill a memory
        raise DamagedError
    try:
        return fromstring(text)  # noqa: S314 - entities are refused
    except (ParseError, ValueError) as error:
        raise DamagedError from error


def _text(element: Element, path: str) -> str:
    return label(element.findtext(path) or "")
