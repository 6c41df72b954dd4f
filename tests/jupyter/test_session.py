from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.jupyter.shells import new_shell
from ursa.errors import InvalidArgument
from ursa_jupyter.session import Session, current

if TYPE_CHECKING:
    from pathlib import Path

    from ursa import DataInterface


def test_a_site_is_opened_on_first_use_and_once(tmp_path: Path) -> None:
    session = Session(path=str(tmp_path))
    assert "data" not in vars(session)
    assert repr(session.data) == f"DataInterface('local', path={str(tmp_path)!r})"
    assert session.data is session.data


def test_an_interface_is_used_as_it_is(site: DataInterface) -> None:
    session = Session(data=site)
    assert session.data is site
    assert session.label == repr(site)


def test_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert Session().label == "profile r2"
    assert Session(path="/home/me/lab").label == "profile local, ~/lab"
    assert Session(path="/home/mel/lab").label == "profile local, /home/mel/lab"
    assert Session("r2-test", config="lab.toml").label == "profile r2-test, lab.toml"


def test_without_the_extension_there_is_no_session() -> None:
    with pytest.raises(InvalidArgument, match="%load_ext ursa_jupyter"):
        current(new_shell())
    with pytest.raises(InvalidArgument, match="%load_ext ursa_jupyter"):
        current()
