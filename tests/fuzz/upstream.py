"""A proxy whose upstreams answer every request at once."""

from __future__ import annotations

from typing import Any, Final

import orjson

from proxy.app import Proxy, create_app
from proxy.settings import Settings
from tests.support.script import SEARCH_TOOL, Call, Round, result, search_call
from tests.support.upstreams import Reply, Say, Upstreams, searching_first

KEY: Final = "a-key-of-the-fuzzers-and-nobody-else"
_SEARCHING: Final = Round(calls=(search_call("leave"),), finish_reason="tool_calls")
ANSWER: Final = "It is 27 days. [1]"
_ANSWERING: Final = searching_first(_SEARCHING, Round(ANSWER))
_WORKSPACES: Final = [
    {"id": 42, "name": "HR", "files_count": 3, "description": "Leave", "user_role": "viewer"},
    {"id": 43, "name": "IT", "files_count": 0, "created_at": "2026-11-01T00:00:00Z"},
]
_FILE: Final = {
    "id": 7,
    "filename": "handbook.pdf",
    "pages": [{"index": 1, "markdown": "Leave is 27 days."}],
}


class _Answering(Upstreams):
    """Both vendors with all that they offer."""

    def reply(self, path: str, content: bytes) -> Reply:
        if path == "/api/v3/workspaces":
            return _reply({"results": _WORKSPACES, "next": None})
        if path.endswith("/embeddings"):
            return _embeddings(orjson.loads(content))
        if path.endswith("/rerank"):
            return _reply({"id": "r", "model": "m", "results": []})
        return super().reply(path, content)


def answering_upstreams(say: Say = _ANSWERING) -> Upstreams:
    """Upstreams of which the model searches, finds one passage, and answers."""
    upstreams = _Answering(say, [result("c1", "Leave is 27 days.")])
    upstreams.listed = ("m",)
    upstreams.files[7] = _FILE
    return upstreams


def calling(body: dict[str, Any]) -> Round:
    """Says as a model that also calls the first of the client's tools, once."""
    names = [each["function"]["name"] for each in body.get("tools") or ()]
    own = [each for each in names if each != SEARCH_TOOL]
    roles = [each["role"] for each in body["messages"]]
    if own and "tool" not in roles[-2:]:
        calls: tuple[Call, ...] = (search_call("leave"), Call(own[0], '{"input": "x"}', "c1"))
        calls = calls[SEARCH_TOOL not in names :]
        return Round("Wait.", "Hm.", calls=calls, finish_reason="tool_calls")
    return _ANSWERING(body)


def answering_proxy(say: Say = _ANSWERING, **more: Any) -> Proxy:
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
    return create_app(settings, answering_upstreams(say).transport())


def _embeddings(asked: dict[str, Any]) -> Reply:
    """A vector for each input, as a server answers that refuses what is none."""
    given = asked["input"]
    inputs = given if isinstance(given, list) else [given]
    if inputs and all(type(each) is int for each in inputs):
        inputs = [inputs]
    if not inputs or not all(isinstance(each, str | list) for each in inputs):
        return _reply({"error": {"message": "'input' is none."}}, 400)
    vectors = [{"index": n, "embedding": [0.5, 0.25]} for n, _ in enumerate(inputs)]
    return _reply({"object": "list", "model": "m", "data": vectors})


def _reply(document: Any, status: int = 200) -> Reply:
    return Reply("application/json", [orjson.dumps(document)], status)
