"""Reading settings files: TOML, or YAML as the platform's older configuration has it.

Every text in them is hidden until its key is known to be no secret, for the frames of a traceback
can be shown with what they hold.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ursa.errors import PackageMissing, SettingsError
from ursa.hidden import hidden
from ursa.writing import replacing

if TYPE_CHECKING:
    from collections.abc import Mapping

PROJECT_FILE, USER_FILE, TRUSTED = "ursa.toml", "profiles.toml", "trusted-projects.json"
_YAML = (".yaml", ".yml")
_PLACE = re.compile(r"\(at [^()]*\)")


def user_directory() -> Path:
    """Return where the user's own settings lie."""
    import platformdirs

    return Path(platformdirs.user_config_dir("ursa"))


def project_file() -> Path | None:
    """Return the `ursa.toml` of the working directory or the nearest directory above it."""
    here = Path.cwd()
    found = (each / PROJECT_FILE for each in (here, *here.parents))
    return next((path for path in found if path.is_file()), None)


def read(path: Path) -> tuple[dict[str, Any], str]:
    """Return the content of a settings file, its texts hidden, and its SHA-256."""
    tree, digest, problem = _read(path)
    if problem:
        raise SettingsError(f"{path} {problem}")
    return tree, digest


def _read(path: Path) -> tuple[dict[str, Any], str, str]:
    """Return content, SHA-256 and what is wrong, after the parser's frames are gone."""
    parse = _yaml if path.suffix.lower() in _YAML else _toml
    try:
        data = path.read_bytes()
        tree, problem = parse(data.decode("utf-8-sig"))
    except OSError as error:
        return {}, "", f"cannot be read: {error.strerror}; check the path and its permissions"
    except (ValueError, RecursionError):
        return {}, "", "is no settings file in UTF-8; see the README's section on buckets"
    return tree, hashlib.sha256(data).hexdigest(), problem


def _toml(text: str) -> tuple[dict[str, Any], str]:
    try:
        return hidden(tomllib.loads(text)), ""
    except tomllib.TOMLDecodeError as error:
        place = found[0] if (found := _PLACE.search(str(error))) else ""
    return {}, f"is not TOML {place}; mend it: texts stand in quotes"


def _yaml(text: str) -> tuple[dict[str, Any], str]:
    try:
        import yaml
    except ImportError as error:
        raise PackageMissing("a YAML settings file needs: pip install 'ursa[yaml]'") from error
    try:
        found = hidden(yaml.safe_load(text))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" (line {mark.line + 1})" if mark else ""
        return {}, f"is not YAML{line}; mend it"
    return (found, "") if isinstance(found, dict) else ({}, "holds no mapping; write profiles: …")


def is_trusted(path: Path, digest: str) -> bool:
    """Return whether the user has agreed to this content of a project file."""
    return _trusted().get(str(path.resolve())) == digest


def trust(path: Path) -> None:
    """Remember that the user agrees to what a project file now says."""
    _, digest = read(path)
    known = {**_trusted(), str(path.resolve()): digest}
    user_directory().mkdir(parents=True, exist_ok=True)
    with replacing(user_directory() / TRUSTED, wait=True) as file:
        file.write(json.dumps(known, indent=2).encode())


def _trusted() -> Mapping[str, Any]:
    found: Any = {}
    with contextlib.suppress(OSError, ValueError):
        found = json.loads((user_directory() / TRUSTED).read_text("utf-8"))
    return found if isinstance(found, dict) else {}
