"""The frame index of a stored video: where each frame's bytes lie, and when it is shown."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ursa.errors import IntegrityError
from ursa.formats.assets import inventory_key
from ursa.formats.lance_files import LanceFile

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from ursa.catalog.types import Interval
    from ursa.stores import Store

LAYOUT = "ursa-frames-1"
NOT_SHOWN = -1


@dataclass(frozen=True)
class Codec:
    """What a decoder needs besides packets.

    Attributes
    ----------
    name : str
    extradata : bytes
    width, height : int
    pixel_format : str
    time_base : Fraction
        Seconds of one tick of `pts` and `dts`.
    """

    name: str
    extradata: bytes
    width: int
    height: int
    pixel_format: str
    time_base: Fraction

    def decoder(self) -> Any:
        """Return a new decoder."""
        import av

        # FFmpeg's decoder named av1 works on special hardware alone.
        name = {"av1": "libdav1d"}.get(self.name, self.name)
        context: Any = av.CodecContext.create(name, "r")
        if self.extradata:
            context.extradata = self.extradata
        context.width, context.height = self.width, self.height
        context.pix_fmt = self.pixel_format
        return context


@dataclass(frozen=True)
class FrameIndex:
    """A row for each packet, in order of decoding.

    Attributes
    ----------
    frame : ndarray of int64
        Number in order of display; `NOT_SHOWN` for a packet that others need only, or whose time
        is not known.
    time : ndarray of float64
        Seconds from the recording's start; NaN where `frame` is `NOT_SHOWN`.
    pts, dts : ndarray of int64
    offset, size : ndarray of int64
        Where the packet's bytes lie in the MP4.
    keyframe : ndarray of bool
    codec : Codec
    domain : tuple of (float, float)
    rate : float or None
        Frames per second, the effective one.
    crc32c : ndarray of uint32 or None
        Checksum of each packet's bytes; None in an index that has none.
    """

    frame: NDArray[np.int64]
    time: NDArray[np.float64]
    pts: NDArray[np.int64]
    dts: NDArray[np.int64]
    offset: NDArray[np.int64]
    size: NDArray[np.int64]
    keyframe: NDArray[np.bool_]
    codec: Codec
    domain: tuple[Interval, ...] = ()
    rate: float | None = None
    crc32c: NDArray[np.uint32] | None = None

    @property
    def gop(self) -> NDArray[np.int64]:
        """Of each packet: how many key frames came before its own."""
        before: NDArray[np.int64] = np.maximum(np.cumsum(self.keyframe) - 1, 0)
        return before

    def packets(self) -> NDArray[np.int64]:
        """Return the packet of each frame, in order of display."""
        (shown,) = np.nonzero(self.frame != NOT_SHOWN)
        ordered: NDArray[np.int64] = shown[np.argsort(self.frame[shown])]
        return ordered

    def begins(self) -> NDArray[np.int64]:
        """Return for each packet from which one on decoding gives its frame exactly.

        That is its key frame. Frames shown before the key frame that they come after in the file
        need those of the group before, too.
        """
        keys = np.union1d(0, np.flatnonzero(self.keyframe))
        group = np.searchsorted(keys, np.arange(len(self.pts)), side="right") - 1
        leading = self.pts < self.pts[keys[group]]
        begins: NDArray[np.int64] = keys[np.maximum(group - leading, 0)]
        return begins

    def table(self) -> pa.Table:
        """Return the index as it is stored."""
        import pyarrow as pa

        hidden = self.frame == NOT_SHOWN
        columns = {
            "frame": pa.array(self.frame, mask=hidden),
            "pts": self.pts,
            "time_s": pa.array(self.time, mask=hidden),
            "dts": self.dts,
            "byte_offset": self.offset,
            "byte_size": self.size,
            "keyframe": self.keyframe,
            "gop": self.gop,
            **({} if self.crc32c is None else {"crc32c": self.crc32c}),
        }
        return pa.table(columns).replace_schema_metadata(self._metadata())

    def _metadata(self) -> dict[str, str]:
        codec = self.codec
        return {
            "ursa.layout": LAYOUT,
            "codec": codec.name,
            "extradata": base64.b64encode(codec.extradata).decode(),
            "width": str(codec.width),
            "height": str(codec.height),
            "pixel_format": codec.pixel_format,
            "time_base": str(codec.time_base),
            "domain": json.dumps(self.domain),
            "rate": json.dumps(self.rate),
        }

    @classmethod
    def load(cls, store: Store, key: str) -> Self:
        """Read the whole index of the dataset `key`, some 20 bytes a frame."""
        file = LanceFile(store, key, inventory_key(key.removesuffix(".lance")))
        try:
            return cls.of(file.table())
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            if isinstance(error, IntegrityError):
                raise
            msg = f"{key} is no index of frames ({error!r}); process the recording again"
            raise IntegrityError(msg) from error
        finally:
            file.close()

    @classmethod
    def of(cls, table: pa.Table) -> Self:
        """Return the index that `table` made."""
        said = {key.decode(): text.decode() for key, text in table.schema.metadata.items()}
        codec = Codec(
            said["codec"],
            base64.b64decode(said["extradata"]),
            int(said["width"]),
            int(said["height"]),
            said["pixel_format"],
            Fraction(said["time_base"]),
        )

        def column(name: str, missing: float | None = None) -> NDArray[Any]:
            found = table.column(name)
            found = found if missing is None else found.fill_null(missing)
            values: NDArray[Any] = found.to_numpy()
            return values

        return cls(
            column("frame", NOT_SHOWN),
            column("time_s", float("nan")),
            column("pts"),
            column("dts"),
            column("byte_offset"),
            column("byte_size"),
            column("keyframe"),
            codec=codec,
            domain=tuple((start, stop) for start, stop in json.loads(said["domain"])),
            rate=json.loads(said["rate"]),
            crc32c=column("crc32c") if "crc32c" in table.column_names else None,
        )
