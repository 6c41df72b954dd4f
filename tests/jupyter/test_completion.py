from __future__ import annotations

import os
import sys
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any, get_args

import pytest
from jupyter_client.manager import start_new_kernel

from tests.jupyter.shells import completions, fill, new_shell, run
from ursa import AroundEvent, DataInterface, QuerySpec
from ursa.filters import OrderBy, Status
from ursa.render import ProgressName
from ursa.site import Profile
from ursa.transfer.job import OnError
from ursa.transfer.plan import Existing, Layout, Source
from ursa_jupyter.cursor import cursor_of, written
from ursa_jupyter.forms import CHOICES
from ursa_jupyter.session import current
from ursa_jupyter.vocabulary import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


PEOPLE: dict[str, dict[str, Any]] = {
    "P001": {"task": "rest", "age": 30, "odd key": "a b"},
    "P002": {"task": "rest", "age": 40},
    "P003": {"task": "two words"},
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("filled") / "site"
    data = DataInterface("local", path=path)
    data.enable_writes()
    fill(data, PEOPLE)
    return path


@pytest.fixture(scope="module")
def shell(place: Path) -> Iterator[Any]:
    shell = new_shell(path=str(place))
    shell.extension_manager.load_extension("ursa_jupyter")
    run(shell, "%ursa_query ;")
    current(shell).learn(60)
    yield shell
    shell.extension_manager.unload_extension("ursa_jupyter")


def ends(shell: Any, cell: str) -> list[str]:
    """What is offered, without what the cell already has before the last blank, comma or sign."""
    done = cell.partition("|")[0]
    keep = max(done.rfind(sign) for sign in " \n,=")
    return [each[keep + 1 :] for each in completions(shell, cell)]


@pytest.mark.parametrize("begin", ["%ursa_query ", "x = %ursa_query ", "x=%ursa_query limit=3 "])
def test_keys(shell: Any, begin: str) -> None:
    found = completions(shell, f"{begin}mo|")
    assert found == [f"{begin}modalities=", f"{begin}modality_metadata."]


@pytest.mark.parametrize(
    ("cell", "offered"),
    [
        ("%ursa_query dur|", ["duration>=", "duration<", "duration="]),
        ("%ursa_query limit=3 lim|", ["lim"]),
        ("%ursa_query modalities=|", ["eeg"]),
        ("%ursa_query modalities=e|", ["eeg"]),
        ("%ursa_query participants=P001,|", ["P002", "P003"]),
        ('%ursa_query participants="P003",p|', ["P001", "P002", "P003"]),
        ('%ursa_query participants="P003|', ['"P003"']),
        ('%ursa_query metadata.task="|', ['"rest"', '"two words"']),
        ('%ursa_query metadata.task="t|"', ['"two words"']),
        ('%ursa_query metadata."odd key"="a|"', ['"a b"']),
        ("%ursa_query status=|", list(CHOICES["status"])),
        ("%ursa_query order_by=-d|", ["-duration"]),
        ("%ursa_query derived=t|", ["true"]),
        ("%ursa_query event_type=s|", ["stimulus"]),
        ("%ursa_query metad|", ["metadata."]),
        ("%ursa_query metadata.|", ["metadata.age=", 'metadata."odd key"=', "metadata.task="]),
        ("%ursa_query metadata.t|", ["metadata.task="]),
        ("%ursa_query metadata.task=|", ["rest", '"two words"']),
        ("%ursa_query metadata.task=rest,|", ['"two words"']),
        ("%ursa_query metadata.age>=|", ["30", "40"]),
        ("%ursa_query nonsense=|", [""]),
        ("%ursa_query -|", ["--out", "--as", "--help"]),
        ("%ursa_query --as pandas --|", ["--out", "--help"]),
        ("%ursa_query --as |", list(CHOICES["output"])),
        ("%ursa_query --as pa|", ["pandas"]),
        ("%ursa_query --as=pa|", ["pandas"]),
        ("%ursa_query --out x mod|", ["modalities=", "modality_metadata."]),
        ("%%ursa_query\nmodalities=eeg\npart|", ["participants=", "participants_all="]),
        ("%%ursa_query mod|\nlimit=3", ["modalities=", "modality_metadata."]),
        ("%%ursa_query --as a|\nlimit=3", ["arrow"]),
        ("y = 1\n%ursa_query stat|\ny", ["status="]),
        ("%ursa_download mine --exi|", ["--existing"]),
        ("%ursa_download mine --existing r|", ["refresh"]),
        ("%ursa_download mine modalities=|", ["eeg"]),
        ("%ursa_profile r|", ["r2", "r2-test"]),
    ],
)
def test_offered(shell: Any, cell: str, offered: list[str]) -> None:
    assert [each.partition("\n")[0] for each in ends(shell, cell)] == offered


def test_operators_of_a_whole_key(shell: Any) -> None:
    found = completions(shell, "%ursa_query metadata.task|")
    signs = ("=", "!=", ">=", "<", "~")
    assert found == [f"%ursa_query metadata.task{sign}" for sign in signs]


def test_variables_of_the_right_kind(shell: Any) -> None:
    names: dict[str, Any] = {
        "people": ["P001"],
        "low": 18,
        "window": ("2026-03-01T00:00Z", None),
        "length": timedelta(1),
        "around": AroundEvent("cue", 1),
        "spec": QuerySpec(),
    }
    shell.push(names)
    run(shell, "found = %ursa_query")
    wanted = {
        "%ursa_query limit=:|": [":low"],
        "%ursa_query time_range=:|": [":people", ":window"],
        "%ursa_query duration>=:|": [":length", ":low", ":window"],
        "%ursa_query time_filters=:a|": [":around"],
        "%ursa_query participants=:pe|": [":people"],
        "%ursa_plan mine :|": [":found"],
        "%ursa_plan :|": [":found"],
    }
    for cell, expected in wanted.items():
        found = [f":{each.rpartition(':')[2]}" for each in completions(shell, cell)]
        assert found == expected, cell


def test_directories(shell: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("mine", "my data", ".hidden", "mine/below"):
        (tmp_path / name).mkdir()
    (tmp_path / "m.toml").touch()
    line = "%ursa_download "
    assert completions(shell, f"{line}m|") == [f"{line}mine/", f'{line}"my data/']
    assert completions(shell, f"{line}mine/|") == [f"{line}mine/below/"]
    assert completions(shell, f'{line}"my|') == [f'{line}"my data/']
    assert completions(shell, f"{line}.h|") == [f"{line}.hidden/"]
    config = "%ursa_profile r2 --config "
    assert f"{config}m.toml" in completions(shell, f"{config}m|")


@pytest.mark.parametrize("cell", ["mod|", "%time mod|", "%%time\nmod|", "# %ursa_query mod|"])
def test_nothing_of_ours_elsewhere(shell: Any, cell: str) -> None:
    assert not any("modalities=" in each for each in completions(shell, cell))


def test_nothing_in_a_comment() -> None:
    assert cursor_of("%%ursa_query\n# mod", 1, 5) is None
    assert cursor_of("%%ursa_query\nmod", 1, 3) is not None


def test_a_bucket_profile_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_session: object) -> None:
        pytest.fail("TAB opened a catalog")

    shell = new_shell(profile="r2")
    shell.extension_manager.load_extension("ursa_jupyter")
    monkeypatch.setattr("ursa_jupyter.session.Session.data", property(refused))
    assert completions(shell, "%ursa_query participants=|") == ["%ursa_query participants="]
    assert completions(shell, "%ursa_query status=r|") == ["%ursa_query status=raw"]
    assert not [each for each in threading.enumerate() if each.name == "ursa_jupyter-vocabulary"]


def test_a_slow_catalog_is_not_waited_for(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = threading.Event()
    beside = DataInterface("local", path=place).catalog
    monkeypatch.setattr("ursa_jupyter.session.Session._beside", lambda _: free.wait(60) and beside)
    shell = new_shell(path=str(place))
    shell.extension_manager.load_extension("ursa_jupyter")
    assert completions(shell, "%ursa_query modalities=|") == ["%ursa_query modalities="]
    free.set()
    current(shell).learn(60)
    assert completions(shell, "%ursa_query modalities=|") == ["%ursa_query modalities=eeg"]


def test_what_takes_seconds_to_load_is_loaded_after_the_answer(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, float]] = []
    monkeypatch.setattr(
        "ursa_jupyter.session.Session.learn", lambda _, *_given, **how: asked.append(how)
    )
    shell = new_shell(path=str(place))
    shell.extension_manager.load_extension("ursa_jupyter")
    monkeypatch.delitem(sys.modules, "lancedb")
    completions(shell, "%ursa_query modalities=|")
    monkeypatch.undo()
    assert asked
    assert asked[0]["delay"] > 0


def test_a_changed_catalog_is_read_again(site: DataInterface) -> None:
    vocabulary = Vocabulary()
    for names in (["P1"], ["P1", "P2"]):
        people: dict[str, dict[str, Any]] = {name: {} for name in names}
        fill(site, people)
        vocabulary.learn(lambda: site.catalog, 60)
        assert set(vocabulary["participants"]) == set(people)


def test_a_catalog_that_cannot_be_read_leaves_what_is_known() -> None:
    def broken() -> Any:
        raise OSError

    vocabulary = Vocabulary()
    vocabulary.learn(broken, 60)
    assert not vocabulary.is_read
    assert vocabulary["participants"] == ()


@pytest.mark.parametrize(
    ("name", "defined"),
    [
        ("status", Status),
        ("order_by", OrderBy),
        ("profile", Profile),
        ("layout", Layout),
        ("source", Source),
        ("existing", Existing),
        ("on_error", OnError),
        ("progress", ProgressName),
    ],
)
def test_the_choices_are_those_of_the_verbs(name: str, defined: object) -> None:
    assert CHOICES[name] == get_args(defined)


def test_a_term_that_is_being_written() -> None:
    assert written('a.b="x,y",[1,2],z') == ("a.b", "=", ('"x,y"', "[1,2]"), "z")
    assert written('metadata."a=b">=1') == ('metadata."a=b"', ">=", (), "1")
    assert written("mod") is None
    many = '"a"' * 40  # which could be taken apart in 2 to the power of 40 ways
    assert written(f"participants={many}") == ("participants", "=", (), many)


def test_a_real_kernel_completes(place: Path) -> None:
    manager, client = start_new_kernel(
        kernel_name="python3", env={**os.environ, "URSA_SITE": str(place)}
    )
    try:
        client.execute_interactive("%load_ext ursa_jupyter", timeout=60)
        client.execute_interactive("%ursa_query ;", timeout=60)
        client.execute_interactive(
            "from ursa_jupyter.session import current; current().learn(60)", timeout=60
        )
        code = "x = %ursa_query metadata.task=rest,t"
        reply = client.complete(code, len(code), reply=True, timeout=60)["content"]
        assert reply["matches"] == ['"two words"']
        assert code[reply["cursor_start"] : reply["cursor_end"]] == "t"
        failed = client.execute("%ursa_query stauts=raw", reply=True, timeout=60)["content"]
        assert (failed["status"], failed["ename"]) == ("error", "UsageError")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
