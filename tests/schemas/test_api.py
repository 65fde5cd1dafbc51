"""The OpenAPI document as a whole, and that it names each route of the application."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from proxy.app import create_app
from proxy.schemas.api import api_schema
from proxy.schemas.operations import OPERATIONS
from proxy.settings import Settings
from proxy.surfaces.elsewhere import offers_of
from proxy.surfaces.middleware import OPEN_PATHS
from tests.schemas.described import document

WHERE = "describe it in proxy/schemas/operations.py, and run `make schema`"


def routes(**settings: Any) -> set[tuple[str, str]]:
    """Those of an application; the names of a path's parameters are as clients see them."""
    app = create_app(Settings(lighton_api_key="l", scaleway_api_key="s", **settings)).current
    *offered, _elsewhere = app.routes
    return {(method, path.replace(":path}", "}")) for method, path in offers_of(offered)}  # type: ignore[arg-type]


def test_each_route_is_described(tmp_path: Path) -> None:
    everything = routes(usage_file=str(tmp_path / "usage.jsonl"))
    described = {(each.method, each.path) for each in OPERATIONS}
    assert not everything - described, WHERE
    assert not described - everything, f"there is no such route any more: {WHERE}"


def test_the_document_has_all_operations_and_no_others() -> None:
    found = {
        (method.upper(), path)
        for path, operations in document()["paths"].items()
        for method in operations
    }
    assert found == {(each.method, each.path) for each in OPERATIONS}


def test_what_needs_no_key_is_what_the_proxy_leaves_open() -> None:
    assert {each.path for each in OPERATIONS if each.is_open} == OPEN_PATHS
    for each in OPERATIONS:
        made = document()["paths"][each.path][each.method.lower()]
        assert made.get("security", document()["security"]) == (
            [] if each.is_open else [{"key": []}]
        )


@pytest.mark.parametrize("name", document()["components"]["schemas"])
def test_each_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(document()["components"]["schemas"][name])


def test_all_that_is_referred_to_is_there() -> None:
    def follow(value: Any) -> None:
        if isinstance(value, dict):
            target = value.get("$ref")
            if isinstance(target, str):
                found: Any = document()
                for part in target.removeprefix("#/").split("/"):
                    found = found[part]
            for each in value.values():
                follow(each)
        elif isinstance(value, list):
            for each in value:
                follow(each)

    follow(document())


def test_each_operation_can_be_told_from_the_others_and_is_explained() -> None:
    assert len({each.name for each in OPERATIONS}) == len(OPERATIONS)
    for each in OPERATIONS:
        assert each.summary
        named = {part[1:-1] for part in each.path.split("/") if part.startswith("{")}
        assert {p["name"] for p in each.parameters if p["in"] == "path"} == named


def test_streams_and_plain_replies_are_both_described() -> None:
    for path in ("/v1/chat/completions", "/v1/responses"):
        kinds = document()["paths"][path]["post"]["responses"]["200"]["content"]
        assert set(kinds) == {"application/json", "text/event-stream"}


def test_who_changes_a_document_changes_no_other() -> None:
    changed = api_schema()
    for operations in changed["paths"].values():
        for each in operations.values():
            for parameter in each.get("parameters", ()):
                parameter.clear()
    assert api_schema() == document()


def test_it_tells_nothing_of_the_program_that_serves_it() -> None:
    assert document()["info"]["version"] == "1"
