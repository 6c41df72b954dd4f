from __future__ import annotations

import pytest

from ursa.errors import InvalidArgument
from ursa_jupyter.forms import FORMS
from ursa_jupyter.line import is_term, path_of, read, split

QUERY, DOWNLOAD = FORMS["ursa_query"], FORMS["ursa_download"]


def test_options_stand_anywhere_with_or_without_an_equals_sign() -> None:
    line = read(DOWNLOAD, "--layout flat mine --wait status=raw --existing=refresh limit=2")
    assert line.options == {"layout": "flat", "wait": "", "existing": "refresh"}
    assert line.words == ("mine", "status=raw", "limit=2")
    assert not line.silent


def test_a_path_with_spaces_is_quoted_and_a_quoted_value_is_one_word() -> None:
    assert list(split("""'my data' text="a 'b' c" "d e" x""")) == [
        "'my data'",
        """text="a 'b' c\"""",
        '"d e"',
        "x",
    ]
    assert path_of("'my data'") == "my data"
    assert path_of(r'"C:\new data"') == r"C:\new data"


def test_a_cell_has_a_filter_on_each_line_and_comments() -> None:
    line = read(QUERY, "--out x", "# who\nparticipants=P1\n\n  # what\nmodalities=eeg limit=1\n")
    assert (line.options, line.words) == (
        {"out": "x"},
        ("participants=P1", "modalities=eeg", "limit=1"),
    )


def test_a_comment_behind_a_filter_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="a comment has a line of its own"):
        read(QUERY, "", "status=raw # this one")


@pytest.mark.parametrize(
    ("line", "cell", "silent", "words"),
    [
        ("status=raw;", "", True, ("status=raw",)),
        ("status=raw ; ", "", True, ("status=raw",)),
        ('text="a;"', "", False, ('text="a;"',)),
        ("metadata.a=(b;", "", True, ("metadata.a=(b",)),
        ("", "status=raw;\n", True, ("status=raw",)),
        ("", "status=raw\n# done;", False, ("status=raw",)),
    ],
)
def test_a_semicolon_at_the_end_silences(
    line: str, cell: str, *, silent: bool, words: tuple[str, ...]
) -> None:
    found = read(QUERY, line, cell)
    assert (found.silent, found.words) == (silent, words)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("--ot x", "'--ot': %ursa_query has no such option; did you mean '--out'?"),
        ("--as panda", "--as 'panda': no such choice; did you mean 'pandas'?"),
        ("--as", "--as needs a value, like --as polars"),
        ("--as --out x", "--as needs a value, like --as polars"),
        ("--out x --out y", "--out is given twice; leave one out"),
        ("--out 1x", "--out '1x': no variable can be called so"),
        ("--help=yes", "--help takes no value; leave out '=yes'"),
    ],
)
def test_what_is_wrong_with_an_option_is_said(text: str, message: str) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        read(QUERY, text)
    assert str(refusal.value) == message


def test_h_is_help() -> None:
    assert read(QUERY, "-h").options == {"help": ""}


@pytest.mark.parametrize("word", ["stauts=raw", "duration>5m", "metadata.a<1"])
def test_what_has_a_sign_is_a_filter(word: str) -> None:
    assert is_term(word)


@pytest.mark.parametrize("word", ["mine", "~/mine", "./a=b", "/a=b", "'a=b'", ":x", "a b"])
def test_what_is_a_path_is_no_filter(word: str) -> None:
    assert not is_term(word)
