"""A document as LightOn describes it. `test_documents.py` says which scopes it is in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.stores import StoredFile
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.upstreams.lighton.stored_file import file_in, is_told, listed_in
from tests.core.samples import JSON
from tests.upstreams.lighton.samples import in_file

FIELDS = (
    "id",
    "filename",
    "title",
    "workspace",
    "status",
    "created_at",
    "size",
    "tags",
    "external_metadata",
    "content_types",
)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("embedded", "processed"),
        ("parsed", "processed"),
        ("fail", "error"),
        ("converting", "uploaded"),
        (None, "uploaded"),
    ],
)
def test_its_state_is_told_in_openais_words(said: str | None, told: str) -> None:
    assert file_in(7, {"status": said}).status == told


def test_a_document_that_says_nothing_of_itself_has_its_number() -> None:
    assert file_in(7, {}) == StoredFile(7, "file 7", "file 7", 0, 0, "uploaded", attributes={})


def test_it_has_the_attributes_that_results_have() -> None:
    assert file_in(7, in_file(title="Lease")).attributes == {"title": "Lease"}


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, JSON)))
def test_whatever_stands_on_a_list_is_read_or_left_out(document: dict[str, object]) -> None:
    listed = listed_in(document)
    assert listed is None or listed.file.id == document["id"]


def test_content_types_and_attributes_only_a_search_can_tell() -> None:
    assert is_told(LightOnScope(workspace_id=(1,), tag_id=(1,), file_id=(1,), min_relevance=0.5))
    assert not is_told(LightOnScope(content_type=("hr",)))
    assert not is_told(LightOnScope(attribute=("year:2026",)))
