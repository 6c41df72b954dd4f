"""The site that a notebook works with."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ursa.errors import InvalidArgument
from ursa_jupyter.vocabulary import Vocabulary

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ursa import DataInterface, QueryResultList
    from ursa.catalog import Catalog

HERE = "URSA_SITE"


class Session:
    """A site, opened on first use, and what was last found there.

    Parameters
    ----------
    profile : str
    path : str
        Directory of a local site; empty for other profiles.
    config : str
        Settings file of a bucket profile, or empty.
    data : DataInterface, optional
        An interface to use instead.

    Attributes
    ----------
    results : QueryResultList or None
        What the last query gave.
    vocabulary : Vocabulary
        Names and values of the catalog, as far as they are known by now.

    Examples
    --------
    >>> Session(path="lab/site").label
    'profile local, lab/site'
    """

    def __init__(
        self,
        profile: str = "r2",
        *,
        path: str = "",
        config: str = "",
        data: DataInterface | None = None,
    ) -> None:
        self.profile, self.path, self.config = "local" if path else profile, path, config
        self._given = data
        self.results: QueryResultList | None = None
        self.vocabulary = Vocabulary()

    @property
    def label(self) -> str:
        """The site in a few words."""
        if self._given is not None:
            return repr(self._given)
        return ", ".join(
            filter(None, (f"profile {self.profile}", _short(self.path or self.config)))
        )

    @property
    def is_quick(self) -> bool:
        """Whether the catalog is a directory, which can be read without asking anybody."""
        return bool(self.path)

    def learn(self, patience: float = 0, *, delay: float = 0) -> None:
        """Begin to read the vocabulary, if the catalog has changed since.

        Parameters
        ----------
        patience : float
            Seconds to wait for the end.
        delay : float
            Seconds until it begins.
        """
        catalog = self._beside if self.is_quick else lambda: self.data.catalog
        self.vocabulary.learn(catalog, patience, delay=delay)

    def _beside(self) -> Catalog:
        # Two threads must not open one catalog for the first time at once.
        from ursa import DataInterface

        return DataInterface("local", path=self.path).catalog

    @functools.cached_property
    def data(self) -> DataInterface:
        """The interface to the site; its catalog is opened on first use."""
        if self._given is not None:
            return self._given
        from ursa import DataInterface

        return DataInterface(
            cast("Any", self.profile), path=self.path or None, config_path=self.config or None
        )


def default_path() -> str:
    """Return the directory that the environment names, as for the command line, or nothing."""
    return os.environ.get(HERE, "")


def current(shell: InteractiveShell | None = None) -> Session:
    """Return the session of a shell, by default of the running one.

    Raises
    ------
    InvalidArgument
        The extension is not loaded there.
    """
    if shell is None:
        from IPython.core.getipython import get_ipython

        shell = get_ipython()
    registry: Any = shell.magics_manager.registry if shell is not None else {}
    if "UrsaMagics" not in registry:
        raise InvalidArgument("no site was chosen here: run %load_ext ursa_jupyter, or give data=")
    session: Session = registry["UrsaMagics"].session
    return session


def _short(path: str) -> str:
    home = str(Path.home())
    return f"~{path.removeprefix(home)}" if path.startswith(f"{home}{os.sep}") else path
