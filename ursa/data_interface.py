"""`DataInterface`: a site and all that can be done with it; its verbs stand in `ursa.interface`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ursa.catalog.history import as_of as named_state
from ursa.interface.delivering import Delivering
from ursa.interface.embeddings import Embeddings
from ursa.interface.finding import Finding
from ursa.interface.ingesting import Ingesting
from ursa.interface.looking_up import LookingUp
from ursa.interface.processing import Processing
from ursa.interface.reading import Reading
from ursa.interface.registering_parts import RegisteringParts
from ursa.interface.registering_recordings import RegisteringRecordings
from ursa.interface.upkeep import Upkeep
from ursa.site import Site

if TYPE_CHECKING:
    import os
    from datetime import datetime

    from ursa.catalog.history import AsOf
    from ursa.site import Profile


class DataInterface(
    Finding,
    Delivering,
    Reading,
    Ingesting,
    Processing,
    RegisteringRecordings,
    RegisteringParts,
    Embeddings,
    LookingUp,
    Upkeep,
):
    """A site's recordings: find, download, ingest and register.

    Parameters
    ----------
    profile : {"r2", "r2-test", "local"}
    path : path, optional
        Directory of the site; for ``"local"``, and only there.
    config_path : path, optional
        Settings file of a bucket profile, TOML or YAML; it counts more than all other places.
    as_of : int, aware datetime or str, optional
        Read the catalog as it was: at a version of the recordings, as `QueryResultList` and
        `versions` name it, or at a time (ISO 8601 with a zone). Nothing can be written then.

    Raises
    ------
    InvalidArgument
        Unknown profile, or `path` with the wrong one. Nothing else is looked at before first use.

    Notes
    -----
    A fresh interface is read-only; call `enable_writes` before registering or ingesting. A
    pickled one is opened anew where it is unpickled, read-only, with the settings found there.

    Reading uses the credentials of the roles ``raw_ro`` and ``assets_ro`` alone, also after
    `enable_writes`; `ursa.settings` says where endpoint, buckets and credentials are looked for.

    Examples
    --------
    >>> import tempfile
    >>> from ursa import DataInterface
    >>> data = DataInterface("local", path=tempfile.mkdtemp())
    >>> data.enable_writes()
    >>> data.register_participant(participant_id="P001", enrolled_at=0).participant_id
    'P001'
    >>> data.query(status="all")
    0 recordings
    """

    def __init__(
        self,
        profile: Profile = "r2",
        *,
        path: str | os.PathLike[str] | None = None,
        config_path: str | os.PathLike[str] | None = None,
        as_of: int | str | datetime | None = None,
    ) -> None:
        super().__init__(
            Site.open(profile, path=path, config_path=config_path),
            None if as_of is None else named_state(as_of),
        )

    def __reduce__(self) -> tuple[Any, ...]:
        # Names alone: whoever unpickles it reads with credentials of its own.
        return _reopened, (self._site, self._as_of)

    def __repr__(self) -> str:
        place = f", path={str(self._site.root)!r}" if self._site.root else ""
        place += f", config_path={str(self._site.config)!r}" if self._site.config else ""
        state = f", as_of={self._as_of}" if self._as_of else ""
        return f"DataInterface({self._site.profile!r}{place}{state})"


def _reopened(site: Site, as_of: AsOf | None) -> DataInterface:
    data = DataInterface(site.profile, path=site.root, config_path=site.config)
    data._as_of = as_of  # noqa: SLF001 - it was given to the constructor of the pickled one
    return data
