"""A proxy whose upstreams answer every request at once."""

from __future__ import annotations

from typing import Any, Final

import httpx
import orjson

from proxy.app import create_app
from proxy.settings import Settings
from proxy.surfaces.application import Application
from tests.support.script import Round, result, search_call

KEY: Final = "a-key-of-the-fuzzers-and-nobody-else"
_MODELS: Final = {"object": "list", "data": [{"id": "m", "object": "model"}]}
_SEARCHING: Final = Round(calls=(search_call("leave"),), finish_reason="tool_calls")
_ANSWERING: Final = Round("It is 27 days. [1]")


def answering_proxy(**more: Any) -> Application:
    """A proxy of which `KEY` is the only client key."""
    settings = Settings(
        lighton_base_url="http://lighton.test",
        lighton_api_key="k",
        scaleway_base_url="http://scaleway.test/v1",
        scaleway_api_key="k",
        default_model="m",
        keep_warm_s=0,
        api_keys=(KEY,),
        **more,
    )
    return create_app(settings, httpx.MockTransport(_answer))


def _answer(request: httpx.Request) -> httpx.Response:
    if request.method == "GET":
        return httpx.Response(200, json=_MODELS)
    if request.url.path == "/api/v3/search":
        return httpx.Response(200, json={"results": [result("c1", "Leave is 27 days.")]})
    body = orjson.loads(request.content)
    has_searched = any(each["role"] == "tool" for each in body["messages"])
    can_search = b'"name":"lighton_search"' in request.content
    says = _SEARCHING if can_search and not has_searched else _ANSWERING
    if body.get("stream"):
        headers = {"content-type": "text/event-stream"}
        return httpx.Response(200, content=says.stream(), headers=headers)
    return httpx.Response(200, json=says.completion())
