from typing import Any

import lighton  # type: ignore[import-untyped]  # it has no py.typed
import pytest

from proxy.sandbox.documents.facets import AttributeFilter
from proxy.sandbox.lighton.request import InvalidRequest, SearchRequest, parse_request


def wrong(body: Any) -> dict[str, list[str]]:
    """Return the names of the errors by field."""
    with pytest.raises(InvalidRequest) as caught:
        parse_request(body)
    assert all(entry["detail"] for entries in caught.value.fields.values() for entry in entries)
    return {
        name: [entry["error"] for entry in entries] for name, entries in caught.value.fields.items()
    }


def test_every_field_is_read() -> None:
    body = {
        "query": " leave ",
        "max_results": 100,
        "workspace_id": [1, 2, 2],
        "tag_id": [3],
        "content_type": ["legal"],
        "attribute": ["status:active|draft"],
        "mode": "vision",
        "relevance_scoring": "scoring_only",
        "include_image": True,
        "include_bboxes": True,
    }
    assert parse_request(body) == SearchRequest(
        query="leave",
        max_results=100,
        workspace_id=frozenset({1, 2}),
        tag_id=frozenset({3}),
        content_type=("legal",),
        attribute=(AttributeFilter("status", ("active", "draft")),),
        mode="vision",
        relevance_scoring="scoring_only",
        include_image=True,
        include_bboxes=True,
    )


def test_the_defaults_are_the_vendors() -> None:
    ours, theirs = parse_request({"query": "q"}), lighton.types.api.SearchRequest(query="q")
    for name in ("max_results", "mode", "relevance_scoring", "include_image", "include_bboxes"):
        assert getattr(ours, name) == getattr(theirs, name)


def test_every_field_of_the_vendors_schema_is_known() -> None:
    everything = dict.fromkeys(lighton.types.api.SearchRequest.model_fields, object())
    assert wrong(everything).keys() == everything.keys()


def test_unknown_fields_pass() -> None:
    assert parse_request({"query": "q", "colour": "red"}) == SearchRequest("q")


@pytest.mark.parametrize("body", [[], "query", 1, None])
def test_a_body_that_is_no_object_is_refused(body: Any) -> None:
    assert wrong(body) == {"non_field_errors": ["invalid"]}


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("query", "", "blank"),
        ("query", " \n", "blank"),
        ("query", "q" * 4001, "max_length"),
        ("query", 1, "invalid"),
        ("query", None, "null"),
        ("max_results", 0, "min_value"),
        ("max_results", 101, "max_value"),
        ("max_results", "5", "invalid"),
        ("max_results", 5.0, "invalid"),
        ("max_results", True, "invalid"),
        ("max_results", None, "null"),
        ("workspace_id", 1, "not_a_list"),
        ("workspace_id", None, "null"),
        ("workspace_id", ["1"], "invalid"),
        ("tag_id", [None], "null"),
        ("file_id", [True], "invalid"),
        ("content_type", "legal", "not_a_list"),
        ("content_type", [1], "invalid"),
        ("attribute", ["two words"], "invalid"),
        ("mode", "audio", "invalid_choice"),
        ("mode", [], "invalid_choice"),
        ("relevance_scoring", "all", "invalid_choice"),
        ("skip_rerank", "yes", "invalid"),
        ("include_image", 1, "invalid"),
        ("include_bboxes", None, "null"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_field(
    field: str, value: Any, error: str
) -> None:
    assert wrong({"query": "q", field: value}) == {field: [error]}


def test_the_limits_themselves_are_accepted() -> None:
    assert len(parse_request({"query": "q" * 4000}).query) == 4000
    assert [parse_request({"query": "q", "max_results": n}).max_results for n in (1, 100)] == [
        1,
        100,
    ]


def test_all_wrong_fields_are_named_at_once() -> None:
    assert wrong({"max_results": 0, "mode": 1}) == {
        "max_results": ["min_value"],
        "mode": ["invalid_choice"],
        "query": ["required"],
    }


@pytest.mark.parametrize("other", ["workspace_id", "tag_id"])
def test_files_cannot_be_combined_with_workspaces_or_tags(other: str) -> None:
    assert wrong({"query": "q", "file_id": [1], other: [1]}) == {"file_id": ["invalid"]}
    assert parse_request({"query": "q", "file_id": [1], other: []}).file_id == {1}


def test_the_deprecated_switch_is_understood_and_overridden() -> None:
    def scoring(**fields: Any) -> str:
        return parse_request({"query": "q", **fields}).relevance_scoring

    assert scoring(skip_rerank=True) == "none"
    assert scoring(skip_rerank=False) == "scoring_and_filtering"
    assert scoring(skip_rerank=True, relevance_scoring="scoring_only") == "scoring_only"
