from __future__ import annotations

from ursa.hints import nearest, unknown_keywords


def test_nearest_names_the_closest_known_name() -> None:
    assert nearest("participant", ["status", "participants"]) == "; did you mean 'participants'?"


def test_nearest_lists_all_names_where_none_is_close() -> None:
    assert nearest("zzz", ["status", "limit"]) == "; known: limit, status"


def test_unknown_keywords_are_each_named_with_a_suggestion() -> None:
    error = unknown_keywords("query", ["staus", "zzz"], ["status", "limit"])
    assert isinstance(error, TypeError)
    assert "query()" in str(error)
    assert "'staus'; did you mean 'status'?" in str(error)
    assert "'zzz'; known: limit, status" in str(error)
