"""How ``progress="auto"`` draws in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ursa_jupyter.progress_widget import Progress

__all__ = ["Progress", "display"]


def display() -> Progress | None:
    """Return a new progress widget, shown in the current cell; None where nobody would see it.

    That is outside a kernel, and where a notebook is carried out with nobody in front of it: a
    front end says with each cell whether it can ask its user for input, and nbclient, nbconvert
    and papermill say no. There a widget would be kept as it was when the cell began, while lines
    of text tell what became of the download.

    Examples
    --------
    >>> display() is None
    True
    """
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    if not hasattr(shell, "kernel") or not _is_watched(shell):
        return None
    try:
        from IPython.display import display as show

        from ursa_jupyter.progress_widget import Progress
    except ImportError:  # a kernel without the packages for widgets
        return None
    widget = Progress(others=False)
    show(widget)  # type: ignore[no-untyped-call]
    return widget


def _is_watched(shell: Any) -> bool:
    request = shell.get_parent() or {}
    return bool(request.get("content", {}).get("allow_stdin", True))


def __getattr__(name: str) -> Any:
    """Return `Progress`, whose packages are imported only now."""
    if name != "Progress":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ursa_jupyter.progress_widget import Progress

    return Progress
