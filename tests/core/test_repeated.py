from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.repeated import refuse_repeated
from proxy.errors import BadRequest
from proxy.upstreams.lighton.wish import WISH_FIELDS, WISHES
from tests.core.samples import JSON

NAMES = ("lighton", "model", "tool_choice", "messages", "workspace_id")


def check(body: str) -> None:
    refuse_repeated(body.encode(), orjson.loads(body), WISHES.in_body)


@st.composite
def spelt(draw: st.DrawFn, name: str) -> str:
    """`name` as a string of JSON, some of its letters escaped."""
    letters = (
        draw(st.sampled_from((each, f"\\u{ord(each):04x}", f"\\u{ord(each):04X}"))) for each in name
    )
    return f'"{"".join(letters)}"'


@given(st.data(), st.sampled_from(("lighton", "model", "tool_choice")), JSON, JSON)
def test_a_field_that_narrows_is_refused_when_it_is_there_twice(
    data: st.DataObject, name: str, first: Any, second: Any
) -> None:
    fields = [(data.draw(spelt(name)), json.dumps(each)) for each in (first, second)]
    first_field, second_field = (f"{key}: {value}" for key, value in fields)
    with pytest.raises(BadRequest, match=f"'{name}' was sent more than once") as caught:
        check(f'{{{first_field}, "x": 1, {second_field}}}')
    assert caught.value.param == name


@given(st.data(), st.sampled_from(WISH_FIELDS))
def test_a_field_of_the_wish_is_refused_when_it_is_there_twice(
    data: st.DataObject, name: str
) -> None:
    first, second = (data.draw(spelt(name)) for _ in range(2))
    with pytest.raises(BadRequest) as caught:
        check(f'{{"lighton": {{{first}: [43], {second}: [42, 43]}}}}')
    assert caught.value.param == f"lighton.{name}"


@given(st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=3), JSON))
def test_a_body_whose_fields_differ_passes(document: dict[str, Any]) -> None:
    refuse_repeated(orjson.dumps(document), document, WISHES.in_body)


@pytest.mark.parametrize(
    "body",
    [
        '{"lighton": {}, "messages": [{"content": "lighton", "name": "lighton"}]}',
        '{"model": "model", "tools": [{"parameters": {"model": {"model": 1}}}]}',
        '{"lighton": {"tag_id": [1]}, "x": {"tag_id": [2]}}',
        '{"lighton": {}, "messages": [{"content": "\\u006cighton"}]}',
        '{"seed": 1, "seed": 2}',
        '{"lighton": {"progress": "off"}, "progress": 1, "progress": 2}',
        "[1]",
        '"lighton"',
    ],
)
def test_what_is_said_twice_elsewhere_passes(body: str) -> None:
    check(body)


def searching(body: str) -> Callable[[], None]:
    """A check of a body with a file search in the place of SEARCH."""
    search = '"type": "file_search", "vector_store_ids": ["ws_42"]'
    return lambda: check(body.replace("SEARCH", search))


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ('{"tools": [{SEARCH}], "tools": []}', "tools"),
        ('{"tools": [], "tools": [{SEARCH}]}', "tools"),
        ('{"tools": [{SEARCH, "vector_store_ids": []}]}', "tools[0].vector_store_ids"),
        (
            '{"tools": [{"type": "function"}, {SEARCH, "\\u0066ilters": {}, "filters": {}}]}',
            "tools[1].filters",
        ),
        (
            '{"tools": [{SEARCH, "filters": {"filters": [{"key": "a", "key": "b"}]}}]}',
            "tools[0].key",
        ),
    ],
)
def test_what_a_file_search_may_reach_is_refused_when_it_is_there_twice(
    body: str, param: str
) -> None:
    with pytest.raises(BadRequest) as caught:
        searching(body)()
    assert caught.value.param == param


def test_a_file_search_whose_fields_differ_passes() -> None:
    searching('{"tools": [{SEARCH, "filters": {"type": "eq", "key": "a"}}], "x": {"a": 1}}')()
    searching('{"tools": [{SEARCH}, 1], "input": {"a": 1, "a": 2}}')()
    searching('{"tools": {"a": 1}, "x": [{SEARCH}]}')()


def test_tools_that_narrow_nothing_may_be_there_twice() -> None:
    check('{"tools": [{"type": "function", "type": "function"}], "tools": [1]}')
