"""`Visit`: what one page of a visitor can give, and who the visitor is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from ursa.transfer.plan import Copy, DownloadPlan
    from ursa_jupyter.app.hub import Hub
    from ursa_jupyter.app.visitors import Visitor

_SESSION = "ursa/session"
_LOGOUT = "logout"


@dataclass(frozen=True)
class Visit:
    """Somebody's page, as the view-model sees it; its addresses are relative to the page.

    Parameters
    ----------
    hub : Hub
    visitor : Visitor
    guest : bool
        Whether nobody has logged in.
    """

    hub: Hub
    visitor: Visitor
    guest: bool

    @property
    def roots(self) -> Sequence[Mapping[str, Any]]:
        """Directories that may be downloaded to."""
        return self.visitor.roots

    def greeting(self) -> Mapping[str, Any]:
        """Return who the visitor is, and how the page gets its cookie."""
        return {
            "visitor": {"name": self.visitor.name, "guest": self.guest},
            "logout": None if self.guest else _LOGOUT,
            "token": self.hub.welcome(self.visitor.name),
            "session_url": _SESSION,
        }

    def zip(self, plan: DownloadPlan, starts: Mapping[str, int]) -> Mapping[str, Any]:
        """Return where the files of a plan can be had as one zip file."""
        return self.visitor.zip(plan, starts)

    def file(self, copy: Copy) -> Mapping[str, Any]:
        """Return where one object can be had."""
        return self.visitor.file(copy)

    def starting(self) -> AbstractContextManager[None]:
        """Return the block in which a download to a folder starts, if one more may."""
        return self.visitor.starting()
