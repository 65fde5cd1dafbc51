from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import Response
from starlette.routing import Route

from proxy.surfaces.route_names import RouteNames

PATHS = ("/chat/completions", "/models/{model:path}", "/files/{id}", "/files/{id}/content")
NAMES = RouteNames([Route(path, Response()) for path in PATHS])


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/chat/completions", "/chat/completions"),
        ("//v1/v1/chat/completions/", "/chat/completions"),
        ("/chat/completions", "/chat/completions"),
        ("/v1/models/org/llama", "/models/{model}"),
        ("/v1/files/7", "/files/{id}"),
        ("/v1/files/7/content", "/files/{id}/content"),
        ("/v1/files/7/other", "other"),
        ("/files", "other"),
        ("", "other"),
    ],
)
def test_a_path_has_the_name_of_its_route(path: str, name: str) -> None:
    assert NAMES.of(path) == name


@given(st.text() | st.from_regex(r"(/v1)?/(files|models|chat)/\w*(/\w*)?", fullmatch=True))
def test_there_are_no_more_names_than_routes(path: str) -> None:
    known = {"/chat/completions", "/models/{model}", "/files/{id}", "/files/{id}/content", "other"}
    assert NAMES.of(path) in known
