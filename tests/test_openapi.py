"""Requests that schemathesis makes of the document itself: no 500, and all replies conform.

The document that it gets names what is there, in place of any model, store and file, so that some
requests go well. The number of requests is fixed, and they are the same each time.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from proxy.schemas.api import api_schema
from proxy.schemas.operations import OPERATIONS, Operation
from tests.schemas.asked import EMBEDDER, MODEL, proxy_on_stand_ins
from tests.support.program import PATIENCE_S
from tests.support.server import serving_in_thread

CASES = 12
"""For each operation, of requests that fit the schema, and again of those that do not."""
KEY = "a-client-key-of-this-proxy"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
    negative_data_rejection,
]
NAMES = {
    "ChatRequest": [MODEL],
    "ResponseRequest": [MODEL],
    "EmbeddingRequest": [EMBEDDER],
    "RerankRequest": [EMBEDDER],
}
IDS = {"model": [MODEL, EMBEDDER], "store_id": ["ws_1", "ws_2"], "file_id": ["1001", "1002"]}
CANNOT_GO_WELL = {
    *("cancelResponse", "getResponse", "deleteResponse", "listInputItems"),
    "getMetrics",
}
"""Nobody makes up the id of a stored response, and the key is not one that reads metrics."""


def document() -> dict[str, Any]:
    """Without the key, which all requests have: what is tried is what they say."""
    made = api_schema()
    del made["security"], made["components"]["securitySchemes"]
    for name, models in NAMES.items():
        made["components"]["schemas"][name]["properties"]["model"] = {"enum": models}
    response = made["components"]["schemas"]["ResponseRequest"]
    response["properties"]["input"] = {"type": "string"}
    response |= {"required": ["input"], "anyOf": [{}]}
    del response["properties"]["previous_response_id"]  # nobody makes up an id
    for operations in made["paths"].values():
        for operation in operations.values():
            for reply in operation["responses"].values():
                # It is the whole stream's, and schemathesis would take it for that of each event.
                reply.get("content", {}).get("text/event-stream", {}).pop("schema", None)
            for each in operation.get("parameters", ()):
                if each["name"] in IDS:
                    each["schema"] = {"enum": IDS[each["name"]]}
    return made


SCHEMA = schemathesis.openapi.from_dict(document())
TRIED = [
    (operation, mode)
    for operation in OPERATIONS
    for mode in GenerationMode
    if mode.is_positive
    or operation.takes
    or any(each["in"] != "path" for each in operation.parameters)
]
"""What takes nothing but an id can be given nothing wrong."""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("proxy")
    app = proxy_on_stand_ins(folder, api_keys=[KEY], model_retries=0, search_retries=0)
    with serving_in_thread(app) as address:
        yield address


# The proxy, which runs in a thread, takes numbers from `random` while hypothesis draws its own.
@pytest.mark.filterwarnings(
    "ignore:Do not use the .random. module:hypothesis.errors.HypothesisDeprecationWarning"
)
@pytest.mark.parametrize(("operation", "mode"), TRIED, ids=lambda each: getattr(each, "name", None))
def test_an_operation_does_as_the_document_says(
    operation: Operation, mode: GenerationMode, url: str
) -> None:
    statuses = []

    @given(SCHEMA[operation.path][operation.method].as_strategy(generation_mode=mode))
    @settings(
        max_examples=CASES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def try_them(case: Case[Any]) -> None:
        reply = case.call(
            base_url=url, headers={"authorization": f"Bearer {KEY}"}, timeout=PATIENCE_S
        )
        case.validate_response(reply, checks=CHECKS)
        statuses.append(reply.status_code)

    try_them()
    if mode.is_positive and operation.name not in CANNOT_GO_WELL:
        assert 200 in statuses


def test_the_ids_that_are_tried_are_there(url: str) -> None:
    with httpx.Client(
        base_url=url, headers={"authorization": f"Bearer {KEY}"}, timeout=PATIENCE_S
    ) as client:
        for path in ("/v1/models/", "/v1/vector_stores/", "/v1/files/"):
            name = {"models": "model", "vector_stores": "store_id", "files": "file_id"}
            for each in IDS[name[path.split("/")[2]]]:
                assert client.get(f"{path}{each}").status_code == 200, each
