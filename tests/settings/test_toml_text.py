"""What TOML writes can be read again by Python's own reader of TOML."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.settings.toml_text import comment_text, key_text, text_of, value_text

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.one_of(
    st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXT
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(TEXT, inner)),
    max_leaves=8,
)


def read(written: str) -> Any:
    return tomllib.loads(f"value = {written}")["value"]


@given(VALUES)
def test_every_value_is_read_back_as_it_was(value: object) -> None:
    assert read(value_text(value)) == value


@given(st.lists(TEXT, min_size=1, max_size=3))
def test_every_name_of_a_table_is_read_back_as_it_was(keys: list[str]) -> None:
    found: Any = tomllib.loads(f"[{key_text(*keys)}]")
    for key in keys:
        found = found[key]
    assert found == {}


@given(st.text(st.characters()))
def test_no_text_leaves_its_comment(text: str) -> None:
    assert tomllib.loads(f"{comment_text(text)}\nport = 1") == {"port": 1}


def test_plain_keys_need_no_quotes_and_others_have_them() -> None:
    assert key_text("profiles", "hr-1", "a.b") == 'profiles.hr-1."a.b"'


def test_a_set_is_written_in_order() -> None:
    assert value_text(frozenset({3, 1, 2})) == "[1, 2, 3]"


def test_half_a_pair_is_replaced_for_no_file_can_hold_it() -> None:
    assert read(text_of("a\ud800b")) == "a\N{REPLACEMENT CHARACTER}b"


def test_what_toml_cannot_hold_is_refused() -> None:
    with pytest.raises(TypeError, match="object"):
        value_text(object())
