from __future__ import annotations

import re
from importlib.resources import files

import pytest

from ursa_jupyter import frontend

FILES = sorted(each.name for each in files("ursa_jupyter.frontend").iterdir())
MODULES = [name.removesuffix(".js") for name in FILES if name.endswith(".js")]
SHEETS = [name.removesuffix(".css") for name in FILES if name.endswith(".css")]
NAMED = re.compile(r"^(?:async )?(?:function\*?|const|let|class) (\w+)", re.MULTILINE)


@pytest.mark.parametrize("name", MODULES)
def test_joined_modules_import_nothing_and_name_nothing_twice(name: str) -> None:
    text = frontend.module(name)
    assert not re.search(r"^\s*import\b|^export (?!default)", text, re.MULTILINE)
    names = NAMED.findall(text)
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", MODULES)
def test_no_text_is_ever_taken_for_markup(name: str) -> None:
    text = files("ursa_jupyter.frontend").joinpath(f"{name}.js").read_text("utf-8")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", text)


@pytest.mark.parametrize("name", MODULES + SHEETS)
def test_nothing_comes_from_another_host(name: str) -> None:
    ending = "js" if name in MODULES else "css"
    text = files("ursa_jupyter.frontend").joinpath(f"{name}.{ending}").read_text("utf-8")
    assert set(re.findall(r"https?://[\w./]+", text)) <= {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize("name", SHEETS)
def test_styles_touch_only_our_own_elements(name: str) -> None:
    text = re.sub(r"/\*.*?\*/", "", frontend.styles(name), flags=re.DOTALL)
    rules = re.findall(r"(?:^|[{}])\s*([^{}@;]+)\{", text)
    for selector in ",".join(rules).split(","):
        plain = selector.strip()
        assert plain.startswith(".ursa-b") or plain in {"from", "to"} or plain.endswith("%"), plain
