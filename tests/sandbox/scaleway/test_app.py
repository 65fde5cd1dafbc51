"""The stand-in over real sockets, with the official client and with plain HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, cast

import httpcore
import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
from openai.types.chat.chat_completion_message_function_tool_call_param import Function
from starlette.applications import Starlette
from starlette.middleware import Middleware

from proxy.sandbox.faults import Faults
from proxy.sandbox.scaleway.app import FOREIGN_PROJECT, INJECTED_HEADER, routes
from proxy.sandbox.served import EMBEDDERS, OWNER, SERVED
from proxy.sandbox.state import SandboxState
from proxy.sandbox.watched import Watched
from tests.support.program import PATIENCE_S
from tests.support.server import serving_in_thread

LLAMA = "llama-3.3-70b-instruct"
PROJECT = "11111111-2222-3333-4444-555555555555"
PASSAGE = '<passage n="1" title="Lease">\nThe notice period is three months.\n</passage>'
ANSWER = "The notice period is three months. [1]"
TALK: list[ChatCompletionMessageParam] = [
    {"role": "system", "content": PASSAGE},
    {"role": "user", "content": "How long is the notice period?"},
]
SEARCH: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "lighton_search",
        "parameters": {"type": "object", "properties": {"query": {"type": "string"}}},
    },
}


@dataclass(frozen=True)
class Standin:
    url: str
    faults: Faults

    def outcome(self) -> str:
        """Wait until the last request is over, and say how it ended."""
        log = self.faults.requests
        assert log.wait_for(lambda received: received[-1].outcome != "open")
        return log.all()[-1].outcome


def app_of(state: SandboxState) -> Starlette:
    watched = Middleware(Watched, faults=state.faults)
    return Starlette(routes=routes(state), middleware=[watched])


def state_of(faults: Faults, **fields: Any) -> SandboxState:
    return SandboxState(None, faults, **fields)  # type: ignore[arg-type]  # it needs no documents


@pytest.fixture(scope="module", name="running")
def _running() -> Iterator[Standin]:
    faults = Faults()
    with serving_in_thread(app_of(state_of(faults, keys=frozenset({"good"})))) as url:
        yield Standin(url, faults)


@pytest.fixture(name="standin", autouse=True)
def _standin(running: Standin) -> Standin:
    running.faults.clear()
    running.faults.requests.clear()
    return running


@pytest.fixture(scope="module", name="client")
def _client(running: Standin) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{running.url}/v1", api_key="good", max_retries=0) as client:
        yield client


@pytest.fixture(name="async_client")
async def _async_client(running: Standin) -> AsyncIterator[openai.AsyncOpenAI]:
    base = f"{running.url}/v1"
    async with openai.AsyncOpenAI(base_url=base, api_key="good", max_retries=0) as client:
        yield client


@pytest.fixture(scope="module", name="http")
def _http(running: Standin) -> Iterator[httpx.Client]:
    headers = {"authorization": "Bearer good"}
    with httpx.Client(base_url=running.url, headers=headers, timeout=PATIENCE_S) as client:
        yield client


def body(**fields: Any) -> dict[str, Any]:
    return {"model": LLAMA, "messages": TALK, **fields}


def payloads(raw: bytes) -> list[str]:
    *frames, rest = raw.decode().split("\n\n")
    assert rest == ""
    return [frame.removeprefix("data: ") for frame in frames]


# The official client


def test_an_answer_comes_whole(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(model=LLAMA, messages=TALK)
    assert reply.choices[0].message.content == ANSWER
    assert reply.choices[0].finish_reason == "stop"
    assert reply.model == LLAMA
    assert reply.usage is not None
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens


def test_an_answer_comes_as_a_stream(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model=LLAMA, messages=TALK, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert text == ANSWER
    assert chunks[-1].usage is not None


def test_the_streaming_helper_builds_the_same_answer(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model=LLAMA, messages=TALK) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_completion()
    assert "content.done" in kinds
    assert final.choices[0].message.content == ANSWER
    assert final.choices[0].message.role == "assistant"


async def test_the_async_client_gets_the_same(async_client: openai.AsyncOpenAI) -> None:
    completions = async_client.chat.completions
    whole = await completions.create(model=LLAMA, messages=TALK)
    assert whole.choices[0].message.content == ANSWER
    heard = ""
    async for chunk in await completions.create(model=LLAMA, messages=TALK, stream=True):
        heard += "".join(choice.delta.content or "" for choice in chunk.choices)
    assert heard == ANSWER
    async with completions.stream(model=LLAMA, messages=TALK) as stream:
        final = await stream.get_final_completion()
    assert final.choices[0].message.content == ANSWER


@pytest.mark.parametrize("model", [model.id for model in SERVED])
def test_every_model_searches_and_then_answers(client: openai.OpenAI, model: str) -> None:
    messages: list[ChatCompletionMessageParam] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "How long is the notice period?"},
    ]
    with client.chat.completions.stream(model=model, messages=messages, tools=[SEARCH]) as stream:
        asked = stream.get_final_completion().choices[0]
    assert asked.finish_reason == "tool_calls"
    assert asked.message.tool_calls is not None
    (call,) = asked.message.tool_calls
    assert json.loads(call.function.arguments) == {"query": "How long is the notice period?"}
    made: Function = {"name": call.function.name, "arguments": call.function.arguments}
    thought = (asked.message.model_extra or {}).get("reasoning_content")
    messages += [
        cast(
            "ChatCompletionMessageParam",
            {
                "role": "assistant",
                "tool_calls": [{"id": call.id, "type": "function", "function": made}],
                "reasoning_content": thought,
            },
        ),
        {"role": "tool", "tool_call_id": call.id, "content": PASSAGE},
    ]
    answered = client.chat.completions.create(model=model, messages=messages, tools=[SEARCH])
    assert answered.choices[0].message.content == ANSWER
    assert answered.choices[0].finish_reason == "stop"
    assert answered.model == model


# Models and routes


def test_models_are_listed_as_what_they_are(client: openai.OpenAI) -> None:
    listed = list(client.models.list())
    assert [model.id for model in listed] == [model.id for model in (*SERVED, *EMBEDDERS)]
    assert {model.owned_by for model in listed} == {OWNER}


def test_a_model_can_be_looked_up(client: openai.OpenAI) -> None:
    assert client.models.retrieve(LLAMA).id == LLAMA
    assert client.models.retrieve("llama-3.1-8b-instruct").id.startswith("mistral-small")
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-5")


def test_the_routes_are_there_under_a_project_too(http: httpx.Client) -> None:
    assert http.get(f"/{PROJECT}/v1/models").json() == http.get("/v1/models").json()
    assert http.get(f"/{PROJECT}/v1/models/{LLAMA}").json()["id"] == LLAMA
    reply = http.post(f"/{PROJECT}/v1/chat/completions", json=body()).json()
    assert reply["choices"][0]["message"]["content"] == ANSWER


# Keys


@pytest.mark.parametrize(
    ("headers", "path", "status", "error"),
    [
        ({}, "/v1", 401, "UNAUTHORIZED"),
        ({"authorization": "Bearer wrong"}, "/v1", 403, "FORBIDDEN"),
        ({"authorization": "good"}, "/v1", 403, "FORBIDDEN"),
        ({"authorization": "Bearer good"}, f"/{FOREIGN_PROJECT}/v1", 403, "FORBIDDEN"),
    ],
)
def test_keys_are_checked(
    standin: Standin, headers: dict[str, str], path: str, status: int, error: str
) -> None:
    for reply in (
        httpx.get(f"{standin.url}{path}/models", headers=headers, timeout=PATIENCE_S),
        httpx.post(
            f"{standin.url}{path}/chat/completions",
            headers=headers,
            json=body(),
            timeout=PATIENCE_S,
        ),
    ):
        assert reply.status_code == status
        assert reply.json()["status"] == status
        assert reply.json()["error"] == error
        assert isinstance(reply.json()["message"], str)


# Requests


@pytest.mark.parametrize("content", [b"{", b"", b'{"model": "\xff"}'])
def test_what_is_not_json_is_400(http: httpx.Client, content: bytes) -> None:
    reply = http.post("/v1/chat/completions", content=content)
    assert reply.status_code == 400
    assert reply.json()["error"] == "BAD REQUEST"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"model": "gpt-5"}, 422),
        ({"model": None}, 422),
        ({"messages": []}, 400),
        ({"n": 1}, 400),
        ({"max_completion_tokens": 100_000}, 416),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_a_refusal_has_its_status_streamed_or_not(
    http: httpx.Client, fields: dict[str, Any], status: int, *, stream: bool
) -> None:
    reply = http.post("/v1/chat/completions", json=body(stream=stream, **fields) | fields)
    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/json"


def test_tools_without_a_system_message_get_a_prompt_put_in(http: httpx.Client) -> None:
    asked = body(messages=TALK[1:], tools=[SEARCH])
    bare = http.post("/v1/chat/completions", json=asked)
    told = http.post(
        "/v1/chat/completions",
        json=asked | {"messages": [{"role": "system", "content": ""}, TALK[1]]},
    )
    assert bare.headers[INJECTED_HEADER] == "true"
    assert INJECTED_HEADER not in told.headers
    assert bare.json()["usage"]["prompt_tokens"] > told.json()["usage"]["prompt_tokens"] + 20


def test_replies_have_ids_of_their_own(http: httpx.Client) -> None:
    one, other = (http.post("/v1/chat/completions", json=body()).json() for _ in range(2))
    assert one["id"] != other["id"]


def test_a_stream_is_a_stream_of_server_sent_events(http: httpx.Client) -> None:
    reply = http.post("/v1/chat/completions", json=body(stream=True))
    assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
    *chunks, done = payloads(reply.content)
    assert done == "[DONE]"
    assert len({json.loads(chunk)["id"] for chunk in chunks}) == 1
    assert "usage" not in reply.text


@pytest.mark.parametrize("stream", [True, False])
def test_successes_tell_quotas_and_failures_do_not(http: httpx.Client, *, stream: bool) -> None:
    good = http.post("/v1/chat/completions", json=body(stream=stream))
    assert "x-ratelimit-remaining-requests" in good.headers
    bad = http.post("/v1/chat/completions", json=body(stream=stream, n=2))
    assert not any(name.startswith("x-ratelimit") for name in bad.headers)


# Faults


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (1, {"error": {"message": "m", "type": "e", "param": None, "code": 503}}),
        (2, {"object": "error", "message": "m", "type": "e", "param": None, "code": 503}),
        (3, {"status": 503, "error": "e", "message": "m"}),
        (4, [{"type": "e", "loc": ["body"], "msg": "m", "input": None}]),
    ],
)
def test_an_armed_error_comes_in_the_shape_it_was_given(
    standin: Standin, http: httpx.Client, shape: int, expected: Any, *, stream: bool
) -> None:
    standin.faults.add("scaleway", status=503, shape=shape, message="m", error="e")
    reply = http.post("/v1/chat/completions", json=body(stream=stream))
    assert (reply.status_code, reply.json()) == (503, expected)
    assert http.post("/v1/chat/completions", json=body(stream=stream)).status_code == 200


def test_a_quota_that_ran_out_says_when_to_come_back_only_if_told_to(
    standin: Standin, http: httpx.Client
) -> None:
    standin.faults.add("scaleway", status=429, shape=3)
    standin.faults.add("scaleway", status=429, headers={"retry-after": "7"})
    usual, kind = http.get("/v1/models"), http.get("/v1/models")
    assert (usual.status_code, usual.json()["error"]) == (429, "INSUFFICIENT QUOTA")
    assert "retry-after" not in usual.headers
    assert kind.headers["retry-after"] == "7"


def test_an_error_may_come_inside_a_stream(standin: Standin, http: httpx.Client) -> None:
    standin.faults.add("scaleway", error_in_stream=True, after_chunks=3, shape=2)
    reply = http.post("/v1/chat/completions", json=body(stream=True))
    assert reply.status_code == 200
    *chunks, error = payloads(reply.content)
    assert len(chunks) == 3
    assert json.loads(error)["object"] == "error"
    assert json.loads(error)["code"] == 500


def test_the_error_inside_a_stream_has_the_status_it_was_given(
    standin: Standin, client: openai.OpenAI
) -> None:
    standin.faults.add("scaleway", error_in_stream=True, status=504)
    with pytest.raises(openai.APIError) as caught:
        list(client.chat.completions.create(model=LLAMA, messages=TALK, stream=True))
    assert caught.value.code == "504"


@pytest.mark.parametrize(("status", "expected"), [(None, 500), (504, 504)])
def test_without_a_stream_the_error_is_an_ordinary_one(
    standin: Standin, http: httpx.Client, status: int | None, expected: int
) -> None:
    standin.faults.add("scaleway", error_in_stream=True, status=status)
    assert http.post("/v1/chat/completions", json=body()).status_code == expected


def test_a_stream_may_end_too_early(standin: Standin, http: httpx.Client) -> None:
    standin.faults.add("scaleway", after_chunks=4)
    reply = http.post("/v1/chat/completions", json=body(stream=True))
    chunks = [json.loads(each) for each in payloads(reply.content)]
    assert len(chunks) == 4
    reasons = [choice["finish_reason"] for chunk in chunks for choice in chunk["choices"]]
    assert not any(reasons)


def test_a_connection_may_break_inside_a_stream(standin: Standin, http: httpx.Client) -> None:
    standin.faults.add("scaleway", after_chunks=2, disconnect=True)
    with pytest.raises(httpx.RemoteProtocolError):
        http.post("/v1/chat/completions", json=body(stream=True))
    assert standin.outcome() == "hung_up"


# Hanging up


def test_a_stream_ends_when_its_reader_hangs_up(standin: Standin, http: httpx.Client) -> None:
    standin.faults.add("scaleway", after_chunks=3, hang=True)
    with http.stream("POST", "/v1/chat/completions", json=body(stream=True)) as reply:
        assert next(reply.iter_raw()).startswith(b"data: ")
    assert standin.outcome() == "hung_up"


async def test_hanging_up_is_seen_from_the_async_client_too(
    standin: Standin, async_client: openai.AsyncOpenAI
) -> None:
    standin.faults.add("scaleway", after_chunks=3, hang=True)
    stream = await async_client.chat.completions.create(model=LLAMA, messages=TALK, stream=True)
    await anext(stream)
    await stream.close()
    assert await asyncio.to_thread(standin.outcome) == "hung_up"


def test_a_finished_stream_is_logged_as_answered(standin: Standin, http: httpx.Client) -> None:
    http.post("/v1/chat/completions", json=body(stream=True))
    assert standin.outcome() == "answered"


def test_chunks_may_be_paced() -> None:
    headers = {"authorization": "Bearer any"}
    with serving_in_thread(app_of(state_of(Faults(), chunk_delay_s=3600))) as url:
        where = f"{url}/v1/chat/completions"
        assert (
            httpx.post(where, headers=headers, json=body(), timeout=PATIENCE_S).status_code == 200
        )
        streamed = body(stream=True)
        with httpx.stream(
            "POST", where, headers=headers, json=streamed, timeout=PATIENCE_S
        ) as reply:
            connection = reply.extensions["network_stream"]
            with pytest.raises(httpcore.ReadTimeout):
                connection.read(1, timeout=0.1)
