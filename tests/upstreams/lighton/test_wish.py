import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.core.scope import Wish
from proxy.errors import BadRequest, EmptyScope
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.upstreams.lighton.wish import (
    MAX_ENTRIES,
    MAX_ENTRY_CHARS,
    MAX_WILDCARDS,
    WISHES,
    parse_wish,
    parse_wish_headers,
)
from tests.core.samples import JSON


def test_a_full_wish_is_read() -> None:
    document = {
        "workspace_id": [42],
        "tag_id": [1, 2],
        "file_id": [7],
        "content_type": ["legal:contract"],
        "attribute": ["status:active", "year:2024|2025"],
        "max_results": 10,
        "relevance_scoring": "scoring_only",
        "min_relevance": 0.25,
        "unknown_relevance": "drop",
        "retrieval": "hybrid",
        "progress": "reasoning",
    }
    scope = LightOnScope(
        workspace_id=(42,),
        tag_id=(1, 2),
        file_id=(7,),
        content_type=("legal:contract",),
        attribute=("status:active", "year:2024|2025"),
        max_results=10,
        relevance_scoring="scoring_only",
        min_relevance=0.25,
        unknown_relevance="drop",
    )
    assert parse_wish(document) == Wish(scope, "hybrid", "reasoning")


@pytest.mark.parametrize("document", [None, {}, {"workspace_id": None, "retrieval": None}])
def test_an_empty_wish_asks_for_nothing(document: Any) -> None:
    assert parse_wish(document) == Wish()


@pytest.mark.parametrize("document", [[], "hybrid", 5, False])
def test_a_wish_must_be_an_object(document: Any) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_wish(document)
    assert caught.value.param == "lighton"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *itertools.product(
            ("workspace_id", "tag_id", "file_id"),
            (42, "42", {}, ["42"], [True], [1.0], [None], [[1]]),
        ),
        *itertools.product(("content_type", "attribute"), ("legal", [1], [""], [None], {})),
        *itertools.product(["max_results"], (0, -1, 51, "5", 5.0, True, [5])),
        *itertools.product(["relevance_scoring"], ("all", "", 1, True, ["none"], {})),
        *itertools.product(["min_relevance"], (-0.1, 1.1, "0.5", True, [0.5])),
        *itertools.product(["unknown_relevance"], ("", "Keep", True, ["drop"], {})),
        *itertools.product(["progress"], ("on", "", "Off", False, 0, ["off"], {})),
        *itertools.product(["retrieval"], ("on", "", "Tool", False, 0, ["tool"], {})),
        ("workspace", [1]),
        ("query", "x"),
        ("", 1),
    ],
)
def test_an_unknown_or_ill_typed_field_is_named(name: str, value: Any) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_wish({name: value, "tag_id": [1]} if name != "tag_id" else {name: value})
    assert caught.value.param == f"lighton.{name}"
    assert f"'lighton.{name}'" in caught.value.message


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_results", 1), ("max_results", 50), ("min_relevance", 0), ("min_relevance", 1)],
)
def test_the_ends_of_a_range_are_within_it(name: str, value: Any) -> None:
    assert getattr(parse_wish({name: value}).scope, name) == value


def test_an_empty_list_is_a_wish_that_cannot_be_met() -> None:
    wish = parse_wish({"workspace_id": []})
    with pytest.raises(EmptyScope):
        wish.within(LightOnScope())


@given(
    st.dictionaries(
        st.sampled_from(["workspace_id", "attribute", "max_results", "retrieval", "x"]), JSON
    )
)
@settings(deadline=None)
def test_any_document_is_a_wish_or_a_bad_request(document: dict[str, Any]) -> None:
    param = "lighton.x"
    try:
        parse_wish(document)
    except BadRequest as error:
        param = error.param or ""
    assert param in {f"lighton.{name}" for name in (*document, "x")}


@pytest.mark.parametrize(
    ("headers", "wish"),
    [
        ({}, Wish()),
        ({"x-lighton-workspace-id": "42"}, Wish(LightOnScope(workspace_id=(42,)))),
        ({"x-lighton-workspace-id": " 42 , 43,42"}, Wish(LightOnScope(workspace_id=(42, 43, 42)))),
        ({"x-lighton-retrieval": " off "}, Wish(retrieval="off")),
        ({"x-request-id": "7", "x-highlight-on": "1"}, Wish()),
    ],
)
def test_a_wish_in_headers_is_read(headers: dict[str, str], wish: Wish) -> None:
    assert parse_wish_headers(headers) == wish


@pytest.mark.parametrize(
    "value", ["", " ", "42,", ",42", "a", "4 2", "-1", "+1", "1.0", "٤٢", "²", "42;43", "9" * 19]
)
def test_workspaces_in_a_header_that_are_no_integers_are_refused(value: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_wish_headers({"x-lighton-workspace-id": value})
    assert caught.value.param == "X-LightOn-Workspace-Id"


def test_a_header_number_too_long_for_python_is_refused() -> None:
    with pytest.raises(BadRequest):
        parse_wish_headers({"x-lighton-workspace-id": "9" * 5000})


@pytest.mark.parametrize("value", ["", "on", "TOOL", "tool,off"])
def test_a_retrieval_mode_in_a_header_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_wish_headers({"x-lighton-retrieval": value})
    assert caught.value.param == "X-LightOn-Retrieval"


@pytest.mark.parametrize("name", ["x-lighton-workspace", "x-lighton-workspace-ids", "x-lighton-"])
def test_an_unknown_lighton_header_is_refused_rather_than_overlooked(name: str) -> None:
    with pytest.raises(BadRequest, match="Known headers: x-lighton-retrieval") as caught:
        parse_wish_headers({name: "42", "x-lighton-retrieval": "tool"})
    assert caught.value.param == name


@pytest.mark.parametrize("mode", ["tool", "context", "hybrid", "off"])
def test_every_retrieval_mode_is_known_in_body_and_header(mode: str) -> None:
    assert parse_wish({"retrieval": mode}).retrieval == mode
    assert parse_wish_headers({"x-lighton-retrieval": mode}).retrieval == mode


@pytest.mark.parametrize("name", ["workspace_id", "tag_id", "file_id", "content_type", "attribute"])
def test_a_list_has_at_most_so_many_entries(name: str) -> None:
    kind = str if name in {"content_type", "attribute"} else int
    entries = [kind(number) for number in range(MAX_ENTRIES)]
    assert len(getattr(parse_wish({name: entries}).scope, name)) == MAX_ENTRIES
    with pytest.raises(BadRequest, match="has 1001 entries, and may have 1000") as caught:
        parse_wish({name: [*entries, kind(0)]})
    assert caught.value.param == f"lighton.{name}"


def test_a_header_has_at_most_so_many_entries() -> None:
    ids = ",".join(map(str, range(MAX_ENTRIES)))
    wish = parse_wish_headers({"x-lighton-workspace-id": ids})
    assert wish.scope == LightOnScope(workspace_id=tuple(range(MAX_ENTRIES)))
    with pytest.raises(BadRequest, match="has 1001 entries, and may have 1000") as caught:
        parse_wish_headers({"x-lighton-workspace-id": f"{ids},1"})
    assert caught.value.param == "X-LightOn-Workspace-Id"


@pytest.mark.parametrize("name", ["content_type", "attribute"])
def test_an_entry_has_at_most_so_many_characters(name: str) -> None:
    longest = "x" * MAX_ENTRY_CHARS
    assert getattr(parse_wish({name: [longest]}).scope, name) == (longest,)
    with pytest.raises(BadRequest, match="more than 500 characters") as caught:
        parse_wish({name: ["x", "x" * (MAX_ENTRY_CHARS + 1)]})
    assert caught.value.param == f"lighton.{name}"


def test_content_types_have_at_most_so_many_wildcards() -> None:
    patterns = ["a*b*"] * (MAX_WILDCARDS // 2)
    scope = LightOnScope(content_type=tuple(patterns))
    assert parse_wish({"content_type": patterns}) == Wish(scope)
    with pytest.raises(BadRequest, match=r"may have 100 '\*' in all") as caught:
        parse_wish({"content_type": [*patterns, "*"]})
    assert caught.value.param == "lighton.content_type"


def test_a_long_name_of_a_field_is_not_repeated_in_full() -> None:
    with pytest.raises(BadRequest) as caught:
        parse_wish({"x" * 1_000: 1})
    assert len(caught.value.message) < 300
    assert len(caught.value.param or "") < 100


def test_progress_says_nothing_of_what_is_searched() -> None:
    assert parse_wish({"progress": "open-webui"}) == Wish(progress="open-webui")
    assert "progress" not in WISHES.fields
    assert "progress" not in WISHES.narrowing
