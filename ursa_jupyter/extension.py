"""What ``%load_ext ursa_jupyter`` puts into a shell, and takes out again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ursa
from ursa.packages import imported

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Add the magics, their completion and the HTML views; a second time changes nothing.

    No catalog is opened and no network is reached.

    Raises
    ------
    PackageMissing
    """
    imported("IPython", "ursa_jupyter", "'ursa[jupyter]'")
    from ursa_jupyter.completion import matcher_of
    from ursa_jupyter.html import register
    from ursa_jupyter.magics import UrsaMagics

    loaded = UrsaMagics.__name__ in _manager(shell).registry
    magics = _manager(shell).registry[UrsaMagics.__name__] if loaded else UrsaMagics(shell)
    if not loaded:
        shell.register_magics(magics)
        shell.Completer.custom_matchers.append(matcher_of(magics, shell))
    register(shell)
    print(f"ursa {ursa.__version__} · {magics.session.label} · %ursa for help")  # noqa: T201 - for whoever loads it


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take out what `load_ipython_extension` put in."""
    from ursa_jupyter.completion import IDENTIFIER
    from ursa_jupyter.html import unregister
    from ursa_jupyter.magics import UrsaMagics

    manager = _manager(shell)
    magics = manager.registry.pop(UrsaMagics.__name__, None)
    if magics is None:
        return
    # The shell keeps also what %config was refused, which no new magics would take.
    shell.config[UrsaMagics.__name__] = magics.config[UrsaMagics.__name__]
    for kind, names in magics.magics.items():
        for name in names:
            manager.magics[kind].pop(name, None)
    shell.configurables[:] = [each for each in shell.configurables if each is not magics]
    kept = [m for m in shell.Completer.custom_matchers if _identifier(m) != IDENTIFIER]
    shell.Completer.custom_matchers = kept
    unregister(shell)


def _manager(shell: InteractiveShell) -> Any:
    return shell.magics_manager


def _identifier(matcher: object) -> object:
    return getattr(matcher, "matcher_identifier", None)
