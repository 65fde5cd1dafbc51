"""The OpenAPI document of the proxy: its routes, requests, replies and errors."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Final

from proxy.core.names import FIELD
from proxy.schemas.failures import ANYWHERE, WITH_BODY, WITH_KEY, failure_responses, failures
from proxy.schemas.operations import OPERATIONS, Operation
from proxy.schemas.parts import Schema, ref
from proxy.schemas.replies import reply_schemas
from proxy.schemas.reply_headers import header_schemas, reply_headers
from proxy.schemas.requests import request_schemas
from proxy.schemas.wishes import wish_schema

_VERSION: Final = "1"
"""Of the API, as in `/v1`. The version of the program is nobody's business without a key."""
_KEY: Final = "key"
_ABOUT: Final = (
    "OpenAI's API, whose answers rest on documents in LightOn and cite them. Paths below `/v1` "
    f"also work without it. The field `{FIELD}` of a request narrows its search, and that of a "
    "reply reports on it. What the proxy does not check reaches the model."
)
_OF_KEY: Final = "A key of this proxy, or a token. A proxy without keys asks for none."


def api_schema() -> dict[str, Any]:
    """The document, which shares nothing with another one."""
    paths: dict[str, dict[str, Schema]] = {}
    for each in OPERATIONS:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each)
    document = {
        "openapi": "3.1.0",
        "info": {"title": "rag-proxy", "version": _VERSION, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "security": [{_KEY: []}],
        "paths": paths,
        "components": {
            "securitySchemes": {_KEY: {"type": "http", "scheme": "bearer", "description": _OF_KEY}},
            "schemas": {"Wish": wish_schema(), **request_schemas(), **reply_schemas()},
            "responses": failure_responses(),
            "headers": header_schemas(),
        },
    }
    return deepcopy(document)


def _operation(each: Operation) -> Schema:
    made: Schema = {"operationId": each.name, "summary": each.summary}
    if each.is_open:
        made["security"] = []
    if each.parameters:
        made["parameters"] = list(each.parameters)
    if each.takes:
        content = {"application/json": {"schema": ref(each.takes)}}
        made["requestBody"] = {"required": True, "content": content}
    made["responses"] = _responses(each)
    return made


def _responses(each: Operation) -> dict[str, Schema]:
    may_fail = ANYWHERE if each.is_open else WITH_BODY if each.takes else WITH_KEY
    if not each.gives:
        return failures(may_fail)
    content = {kind: {"schema": schema} for kind, schema in each.gives.items()}
    told = reply_headers(each.tells)
    well = {"description": each.summary, "headers": told, "content": content}
    others = {status for status in may_fail if status not in each.also}
    return {"200": well, **{str(status): well for status in each.also}, **failures(others)}
