from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.access.key_text import with_table, with_values, without_table
from tests.access.key_samples import OTHER, table

BY_HAND = """\
# All keys of the company.

# ACME: ends with the contract.
[keys.acme]  # a customer
id = "k1"  # never changes
sha256 = "aa"
workspaces = [
    42,  # handbook
]

# Another customer, with a dot.
[ keys . "b.c" ]
id = 'k2'
sha256 = "bb"

[[keys."b.c".previous]]
sha256 = "cc"
"""


def keys(text: str) -> dict[str, Any]:
    read: dict[str, Any] = tomllib.loads(text).get("keys", {})
    return read


def test_a_table_comes_after_what_is_there() -> None:
    text = with_table(BY_HAND, "new.one", {"id": "k3", "workspaces": [1, 2], "metrics": True})
    assert text.startswith(BY_HAND)
    assert keys(text) == {
        **keys(BY_HAND),
        "new.one": {"id": "k3", "workspaces": [1, 2], "metrics": True},
    }


@pytest.mark.parametrize("text", ["", "# a comment", "# a comment\n", "# a comment\n\n"])
def test_a_table_stands_apart(text: str) -> None:
    assert with_table(text, "a", {"id": "k"}).removeprefix(text).strip("\n") == (
        '[keys.a]\nid = "k"'
    )
    assert keys(with_table(text, "a", {"id": "k"})) == {"a": {"id": "k"}}


def test_times_are_written_in_utc() -> None:
    moment = datetime.fromisoformat("2026-11-26T07:00:00+01:00")
    text = with_table("", "a", {"expires": moment, "previous": [{"until": moment}]})
    assert "expires = 2026-11-26T06:00:00Z\n" in text
    assert keys(text)["a"]["previous"] == [{"until": datetime(2026, 11, 26, 6, tzinfo=UTC)}]


def test_a_table_goes_with_the_comments_above_it_and_no_others() -> None:
    text = without_table(BY_HAND, "acme")
    assert text.startswith("# All keys of the company.\n\n# Another customer")
    assert keys(text) == {"b.c": keys(BY_HAND)["b.c"]}


def test_a_table_goes_with_the_tables_inside_it() -> None:
    text = without_table(BY_HAND, "b.c")
    assert text.endswith("]\n\n")
    assert keys(text) == {"acme": keys(BY_HAND)["acme"]}


@pytest.mark.parametrize("name", ["acm", "acme2", "b", "c", "keys"])
def test_what_has_a_similar_name_stays(name: str) -> None:
    assert without_table(BY_HAND, name) == BY_HAND


def test_values_change_in_their_place_and_all_else_stays() -> None:
    text = with_values(BY_HAND, "acme", {"sha256": "dd", "previous": [{"sha256": "aa"}]})
    changed = 'sha256 = "dd"\nprevious = [{ sha256 = "aa" }]\n'
    assert text == BY_HAND.replace('sha256 = "aa"\n', changed)
    assert with_values(text, "acme", {"sha256": "aa", "previous": None}) == BY_HAND


def test_a_line_in_the_table_of_another_key_does_not_change() -> None:
    text = table("a") + table("b", OTHER)
    changed = with_values(text, "b", {"sha256": "x"})
    assert changed.startswith(table("a"))
    assert keys(changed)["b"]["sha256"] == "x"


def test_a_line_break_that_only_python_knows_is_none() -> None:
    text = f'[keys.a]\nid = "k"\nlighton_key_env = "x\u2028[keys.b]"\n{table("c")}'
    assert without_table(text, "c") == text.removesuffix(table("c"))


NAMES = st.text("ab.-_", min_size=1, max_size=4)
VALUES = st.one_of(
    st.text(max_size=5), st.integers(), st.booleans(), st.lists(st.integers(), max_size=3)
)
TABLES = st.dictionaries(
    NAMES, st.dictionaries(st.sampled_from(["id", "sha256", "models"]), VALUES, min_size=1)
)


@given(tables=TABLES, data=st.data())
def test_whatever_is_added_can_be_changed_and_removed(
    tables: dict[str, dict[str, Any]], data: st.DataObject
) -> None:
    text = "# mine\n\n"
    for name, values in tables.items():
        text = with_table(text, name, values)
    assert keys(text) == tables
    if tables:
        name = data.draw(st.sampled_from(sorted(tables)))
        field = data.draw(st.sampled_from(sorted(tables[name])))
        changed = keys(with_values(text, name, {field: "new"}))
        assert changed == {**tables, name: {**tables[name], field: "new"}}
        rest = without_table(text, name)
        assert rest.startswith("# mine\n\n")
        assert keys(rest) == {each: tables[each] for each in tables if each != name}


INDENTED = """\
[keys.a]
id = "k1"

  # Of b.
  [keys.b]
  id = "k2"
"""


def test_a_table_that_is_indented_goes_with_its_indented_comment() -> None:
    assert without_table(INDENTED, "b") == '[keys.a]\nid = "k1"\n\n'
    assert keys(without_table(INDENTED, "a")) == {"b": {"id": "k2"}}
    assert keys(with_values(INDENTED, "b", {"id": "k3"})) == {"a": {"id": "k1"}, "b": {"id": "k3"}}


def test_what_stands_before_the_first_table_belongs_to_no_key() -> None:
    assert without_table(f"version = 1\n\n{INDENTED}", "") == f"version = 1\n\n{INDENTED}"
