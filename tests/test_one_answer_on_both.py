"""Properties of the whole path of POST /v1/responses, with scripted upstreams.

1. What a client hears of one script is the same on chat and on Responses.
2. What a client folds of a stream is the plain response, and both are OpenAI's by its own types.
3. Hidden calls never leak.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from hypothesis import given, settings

from proxy.app import create_app
from proxy.core.sse import Decoder
from proxy.settings import Settings
from tests.support.asgi import Answer, ask
from tests.support.openai_assemble import assemble_reply
from tests.support.openai_responses import check_event, check_order, check_response, fold
from tests.support.script import Round
from tests.support.times import untimed
from tests.support.upstreams import Upstreams
from tests.test_one_answer import (
    CLIENT_TOOL,
    FRAME_BYTES,
    RESULTS,
    SECRETS,
    bodies,
    cuts,
    cutter,
    play,
    scripts,
)

FLAT_TOOL = {"type": "function", **CLIENT_TOOL["function"]}  # type: ignore[dict-item]


def respond(
    script: tuple[list[Round], Round, list[Round]],
    body: dict[str, Any],
    sizes: list[int] | None = None,
) -> Answer:
    hidden, last, spare = script
    pieces, cut = cutter(sizes or [10**9]), cutter([*sizes, FRAME_BYTES] if sizes else [10**9])
    upstreams = Upstreams([*hidden, last, *spare], RESULTS, pieces=pieces, cut=cut)
    proxy_settings = Settings(
        lighton_base_url="http://lighton.test",
        lighton_api_key="k",
        scaleway_base_url="http://scaleway.test/v1",
        scaleway_api_key="k",
    )
    app = create_app(proxy_settings, upstreams.transport())
    tools = {"tools": [FLAT_TOOL]} if "tools" in body else {}
    document = {"input": "How many days?", **body, **tools}
    return asyncio.run(ask(app, path="/v1/responses", document=document))


def events_of(streamed: Answer) -> list[dict[str, Any]]:
    events = Decoder().feed(streamed.body)
    documents: list[dict[str, Any]] = [json.loads(each.data) for each in events]
    assert [each.name.decode() for each in events] == [each["type"] for each in documents]
    return documents


def comparable(response: dict[str, Any]) -> dict[str, Any]:
    """All that must be equal of two runs: ids and times may differ."""
    document: dict[str, Any] = json.loads(json.dumps(response).replace(response["id"][5:], ""))
    if document.get("lighton"):
        document["lighton"] = untimed(document["lighton"])
    for item in document["output"]:
        item["id"] = ""
        item["call_id"] = item.get("call_id", "")[-4:]  # the number of its round, and its own
    return {**document, "created_at": 0, "completed_at": 0}


def heard_on_chat(reply: dict[str, Any]) -> dict[str, Any]:
    heard = assemble_reply(reply)
    return {
        "text": heard["content"] or "",
        "thoughts": heard["reasoning_content"] or "",
        "calls": [(each["name"], each["arguments"]) for each in heard["tool_calls"] or ()],
        "cited": [
            (each["url_citation"]["url"], each["url_citation"]["start_index"])
            for each in heard["annotations"] or ()
        ],
        "tokens": reply["usage"]["total_tokens"],
        "is_cut": heard["finish_reason"] in {"length", "content_filter"},
    }


def heard_on_responses(response: dict[str, Any]) -> dict[str, Any]:
    text, thoughts = "", ""
    calls, cited = [], []
    for item in response["output"]:
        if item["type"] == "message":
            for part in item["content"]:
                places = [(a["url"], len(text) + a["start_index"]) for a in part["annotations"]]
                cited += places
                text += part["text"]
        elif item["type"] == "reasoning":
            thoughts += "".join(part["text"] for part in item["content"])
        else:
            calls.append((item["name"], item["arguments"]))
    return {
        "text": text,
        "thoughts": thoughts,
        "calls": calls,
        "cited": cited,
        "tokens": response["usage"]["total_tokens"],
        "is_cut": response["status"] == "incomplete",
    }


@settings(max_examples=25, deadline=None)
@given(scripts, bodies)
def test_a_client_hears_the_same_on_chat_and_on_responses(
    script: tuple[list[Round], Round, list[Round]], body: dict[str, Any]
) -> None:
    chat, _ = play(script, body)
    response = respond(script, body)
    assert response.status == chat.status
    if chat.status == 200:
        assert heard_on_responses(response.json()) == heard_on_chat(chat.json())
    else:
        assert response.json() == chat.json()


@settings(max_examples=25, deadline=None)
@given(scripts, bodies, cuts)
def test_a_stream_folds_to_the_plain_response_and_both_are_openais(
    script: tuple[list[Round], Round, list[Round]], body: dict[str, Any], sizes: list[int]
) -> None:
    plain = respond(script, body)
    streamed = respond(script, {**body, "stream": True}, sizes)
    if streamed.status != 200:
        assert plain.json() == streamed.json()
        return
    events = events_of(streamed)
    for each in events:
        check_event(each)
    check_order(events)
    last = events[-1].pop("response")
    told = json.dumps([events, last["output"]])  # the report tells of searches
    assert not any(each in told for each in SECRETS[1:])
    events[-1]["response"] = last
    assert fold(events) == last
    if plain.status == 200:
        check_response(plain.json())
        assert comparable(last) == comparable(plain.json())
    else:
        assert events[-1]["type"] == "response.failed"
        assert last["error"]["message"] == plain.json()["error"]["message"]
