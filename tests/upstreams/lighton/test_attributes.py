from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from openai.types import VectorStoreSearchResponse

from proxy.upstreams.lighton.attributes import LONGEST_TEXT, MOST, attributes_in
from tests.core.samples import JSON
from tests.upstreams.lighton.samples import in_file

FULL = in_file(
    title="Lease",
    mime_type="pdf",
    tags=[{"id": 1, "name": "legal"}, {"id": 2, "name": "lyon"}],
    content_types=[
        {
            "path": "legal:contract",
            "label": "Contract",
            "attribute_values": {
                "year": {"value": 2026, "type": "number"},
                "active": {"value": True, "type": "boolean"},
                "parties": {"value": ["A", "B"], "type": "multi_select"},
                "unset": {"value": None, "type": "text"},
                "bare": 1.5,
            },
        },
        {"path": "hr"},
    ],
    external_metadata={
        "external_id": "e1",
        "external_url": "https://x/",
        "additional_metadata": {"version": 3, "year": 1999, "nested": {"a": 1}},
    },
)


def test_all_that_is_known_of_a_document_is_told_what_filters_find_first() -> None:
    assert list(attributes_in(FULL).items()) == [
        ("year", 2026),
        ("active", True),
        ("parties", "A, B"),
        ("bare", 1.5),
        ("version", 3),
        ("external_id", "e1"),
        ("title", "Lease"),
        ("mime_type", "pdf"),
        ("content_type", "legal:contract, hr"),
        ("tags", "legal, lyon"),
    ]


def test_a_document_of_which_nothing_is_known_has_none() -> None:
    assert attributes_in(in_file()) == {}


def test_they_keep_to_openai_s_bounds() -> None:
    many = {f"a{number}": "x" * 600 for number in range(30)}
    told = attributes_in(in_file(external_metadata={"additional_metadata": {"n" * 65: 1, **many}}))
    assert len(told) == MOST
    assert {len(str(value)) for value in told.values()} == {LONGEST_TEXT}


@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: JSON | st.lists(JSON)
            for name in ("title", "tags", "content_types", "external_metadata")
        },
    )
)
def test_whatever_comes_is_told_as_the_client_s_type_demands(source: dict[str, Any]) -> None:
    result = {"file_id": "7", "filename": "x", "score": 0.5, "content": []}
    attributes = attributes_in(source)
    VectorStoreSearchResponse.model_validate({**result, "attributes": attributes}, strict=True)
    assert len(attributes) <= MOST
