from __future__ import annotations

import json

import pytest
from hypothesis import given

from tests.specs import KEY, SOME_TEXT, TEXT
from ursa.errors import InvalidArgument
from ursa.terms import FIELDS, Term, chunks, plain, quoted, term_of, unquoted, word


@given(text=TEXT)
def test_quoted_text_is_one_line_of_json_and_comes_back(text: str) -> None:
    written = quoted(text)
    assert json.loads(written) == unquoted(written) == text
    assert written.isprintable()
    assert plain(word(text)) == text


@given(text=TEXT)
def test_single_quotes_say_the_same(text: str) -> None:
    inner = json.dumps(text)[1:-1].replace('\\"', '"').replace("'", "\\'")
    assert unquoted(f"'{inner}'") == text


def test_what_can_be_read_is_left_readable() -> None:
    assert word("größe") == "größe"
    assert quoted("Zoë 🧠 'x'") == "\"Zoë 🧠 'x'\""
    assert quoted("\u202ea\xa0\u2028") == r'"\u202ea\u00a0\u2028"'


@given(key=KEY, value=SOME_TEXT)
def test_a_term_reads_back_whatever_its_key(key: str, value: str) -> None:
    for operator in ("=", "!=", "<", "<=", ">", ">=", "~"):
        term = Term("metadata", key, operator, word(value))
        assert term_of(str(term)) == term
        assert list(chunks(f"{term}\t{term}\nlimit=1")) == [str(term), str(term), "limit=1"]


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("time-range=..", Term("time_range", None, "=", "..")),
        ("participants-all=A", Term("participants_all", None, "=", "A")),
        ("metadata.a-b=1", Term("metadata", "a-b", "=", "1")),
        ("metadata.a.b:c<=1", Term("metadata", "a.b:c", "<=", "1")),
        ("metadata.my key!=1", Term("metadata", "my key", "!=", "1")),
        ("metadata.it's~x", Term("metadata", "it's", "~", "x")),
        ("metadata.'a=b<'>1", Term("metadata", "a=b<", ">", "1")),
        ('channel-spec."a\\"b"=', Term("channel_spec", 'a"b', "=", "")),
        ("limit==5", Term("limit", None, "=", "=5")),
    ],
)
def test_what_people_write_is_a_term(text: str, term: Term) -> None:
    assert term_of(text) == term


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("P001", ["'P001' has no '='", "write FIELD=VALUE"]),
        ("participant=P001", ["'participant=P001'", "did you mean 'participants'?"]),
        ("task=rest", ["no filter is called 'task'", "metadata.task"]),
        ("metadata=rest", ["metadata takes a key, like metadata.KEY=VALUE"]),
        ("participants.x=1", ["participants takes no key"]),
        ("limit<=5", ["'limit<=5'", "takes only '=', not '<='"]),
        ("metadata.=1", ["'metadata.=1' is no filter"]),
        ('metadata."a=1', ["is no filter"]),
        ('metadata."\\q"=1', ["escapes as JSON does"]),
        ("=1", ["'=1' is no filter"]),
    ],
)
def test_what_is_no_term_is_refused_in_one_line(text: str, messages: list[str]) -> None:
    with pytest.raises(InvalidArgument) as caught:
        term_of(text)
    for message in messages:
        assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_white_space_in_quotes_and_lists_separates_nothing() -> None:
    text = """ text="a b" metadata.x=[1, "] b"]  participants='a b',"c \\" d"\r\nafter=it's x="""
    assert list(chunks(text)) == [
        'text="a b"',
        'metadata.x=[1, "] b"]',
        'participants=\'a b\',"c \\" d"',
        "after=it's",
        "x=",
    ]


def test_a_comment_has_a_line_of_its_own() -> None:
    assert list(chunks("#a\n  # b c\r\nlimit=1\n#")) == ["limit=1"]
    assert list(chunks("text='a\n# b'")) == ["text='a\n# b'"]
    with pytest.raises(InvalidArgument, match="'#5': a comment has a line of its own"):
        list(chunks("limit=1 #5"))


def test_every_field_says_what_it_is_in_a_few_words() -> None:
    for name, field in FIELDS.items():
        assert field.help.endswith("."), name
        assert len(field.help) <= 60, name
