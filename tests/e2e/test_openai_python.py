"""The official Python client against the proxy, over real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

from proxy.sandbox.faults import Faults
from tests.support.openai_assemble import assemble, assemble_reply
from tests.support.openai_schema import check_chunk, check_completion

MODEL = "llama-3.3-70b-instruct"
QUESTION = "How many days of paid leave do employees have?"
MESSAGES: Any = [{"role": "user", "content": QUESTION}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
COMPARED = ("model", "role", "content", "annotations", "tool_calls", "finish_reason")


class Sandbox:
    """The stand-ins: see conftest."""

    url: str
    faults: Faults


@pytest.fixture
def client(proxy_url: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{proxy_url}/v1", api_key="any", max_retries=0) as opened:
        yield opened


def said(heard: dict[str, Any]) -> dict[str, Any]:
    return {key: heard[key] for key in COMPARED}


@pytest.mark.parametrize("mode", ["tool", "context", "hybrid"])
def test_an_answer_is_grounded_cited_and_valid(client: OpenAI, mode: str) -> None:
    completion = client.chat.completions.create(
        model=MODEL, messages=MESSAGES, extra_body={"lighton": {"retrieval": mode}}
    )
    check_completion(completion.to_dict())
    message = completion.choices[0].message
    assert message.content
    assert "27 days" in message.content
    assert message.annotations
    citation = message.annotations[0].url_citation
    assert message.content[citation.start_index : citation.end_index] == "[1]"
    assert completion.to_dict()["lighton"]["searches"][0]["results"]  # type: ignore[index]  # extra


def test_a_stream_says_the_same_as_a_plain_answer(client: OpenAI) -> None:
    plain = client.chat.completions.create(model=MODEL, messages=MESSAGES).to_dict()
    stream = client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)
    chunks = [chunk.to_dict() for chunk in stream]
    for chunk in chunks:
        check_chunk(chunk)
    assert said(assemble(chunks)) == said(assemble_reply(plain))


async def test_the_async_client_streams(proxy_url: str) -> None:
    async with AsyncOpenAI(base_url=proxy_url, api_key="any", max_retries=0) as client:
        stream = await client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
    assert "27 days" in text


def test_the_stream_helper_puts_together_the_plain_answer(client: OpenAI) -> None:
    plain = client.chat.completions.create(model=MODEL, messages=MESSAGES).to_dict()
    with client.chat.completions.stream(model=MODEL, messages=MESSAGES) as stream:
        final = stream.get_final_completion()
    assert said(assemble_reply(final.to_dict())) == said(assemble_reply(plain))


def test_usage_comes_with_a_stream_that_asks_for_it(client: OpenAI) -> None:
    options: Any = {"include_usage": True}
    stream = client.chat.completions.create(
        model=MODEL, messages=MESSAGES, stream=True, stream_options=options
    )
    *_, last = stream
    assert last.usage is not None
    assert last.usage.total_tokens == last.usage.prompt_tokens + last.usage.completion_tokens
    assert last.choices == []


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_tool_is_called_and_its_result_answered(client: OpenAI, *, stream: bool) -> None:
    messages: list[Any] = [{"role": "user", "content": "Please call get_weather for Paris."}]
    first = _ask(client, messages, stream=stream)
    (call,) = first["tool_calls"]
    assert (call["name"], first["finish_reason"]) == ("get_weather", "tool_calls")
    function = {"name": call["name"], "arguments": call["arguments"]}
    calls = [{"id": call["id"], "type": "function", "function": function}]
    messages += [
        {"role": "assistant", "content": first["content"], "tool_calls": calls},
        {"role": "tool", "tool_call_id": call["id"], "content": "sunny, 21 degrees"},
    ]
    assert "sunny, 21 degrees" in _ask(client, messages, stream=stream)["content"]


def _ask(client: OpenAI, messages: list[Any], *, stream: bool) -> dict[str, Any]:
    create: Any = client.chat.completions.create
    reply = create(model=MODEL, messages=messages, tools=[WEATHER], stream=stream)
    if stream:
        return assemble([chunk.to_dict() for chunk in reply])
    return assemble_reply(reply.to_dict())


@pytest.mark.parametrize(
    "model", ["mistral-small-3.2-24b-instruct-2506", "qwen3.5-397b-a17b", "gpt-oss-120b"]
)
def test_every_family_of_models_is_asked_in_its_own_way(client: OpenAI, model: str) -> None:
    messages: Any = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "I have a question.", "name": "kim"},
        *MESSAGES,
    ]
    extra: Any = {"frequency_penalty": 0, "user": "kim", "logit_bias": {}}
    completion = client.chat.completions.create(model=model, messages=messages, **extra)
    assert "27 days" in (completion.choices[0].message.content or "")
    assert completion.model == model


def test_a_redirected_model_is_reported_as_the_upstream_reports_it(client: OpenAI) -> None:
    completion = client.chat.completions.create(model="llama-3.1-8b-instruct", messages=MESSAGES)
    assert completion.model == "mistral-small-3.2-24b-instruct-2506"


class Leave(BaseModel):
    answer: str
    note: str | None


class Asking(BaseModel):
    """A tool of the client's, as the SDK's helper for `.parse()` wants it."""

    city: str


@pytest.mark.parametrize("mode", ["tool", "context", "hybrid", "off"])
@pytest.mark.parametrize("model", [MODEL, "mistral-medium-3.5-128b"])
def test_parse_gets_an_object_in_every_mode(client: OpenAI, mode: str, model: str) -> None:
    extra: Any = {"extra_body": {"lighton": {"retrieval": mode}}}
    plain = client.chat.completions.parse(
        model=model, messages=MESSAGES, response_format=Leave, **extra
    )
    with client.chat.completions.stream(
        model=model, messages=MESSAGES, response_format=Leave, **extra
    ) as stream:
        final = stream.get_final_completion()
    for completion in (plain, final):
        parsed = completion.choices[0].message.parsed
        assert parsed is not None
        assert ("27 days" in parsed.answer) == (mode != "off")
        assert completion.choices[0].message.annotations in (None, [])
    assert final.choices[0].message.content == plain.choices[0].message.content


@pytest.mark.parametrize("mode", ["tool", "hybrid"])
def test_parse_gets_calls_of_a_client_tool_without_words_beside_them(
    client: OpenAI, mode: str
) -> None:
    messages: list[Any] = [{"role": "user", "content": "Please call Asking for Paris."}]
    asked: Any = {
        "model": "mistral-medium-3.5-128b",
        "response_format": Leave,
        "tools": [openai.pydantic_function_tool(Asking)],
        "extra_body": {"lighton": {"retrieval": mode}},
    }
    plain = client.chat.completions.parse(messages=messages, **asked)
    with client.chat.completions.stream(messages=messages, **asked) as stream:
        final = stream.get_final_completion()
    for completion in (plain, final):
        message = completion.choices[0].message
        assert not message.content
        assert [each.function.name for each in message.tool_calls or ()] == ["Asking"]
    messages += [
        plain.choices[0].message.to_dict(),
        {
            "role": "tool",
            "tool_call_id": (plain.choices[0].message.tool_calls or [])[0].id,
            "content": "sunny, 21 degrees",
        },
    ]
    parsed = client.chat.completions.parse(messages=messages, **asked).choices[0].message.parsed
    assert parsed is not None
    assert "sunny, 21 degrees" in parsed.answer


def test_an_unknown_model_is_a_not_found_error(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="no-such-model", messages=MESSAGES)
    assert caught.value.code == "model_not_found"


def test_a_quota_is_a_rate_limit_error_that_says_when_to_retry(
    client: OpenAI, sandbox: Sandbox
) -> None:
    sandbox.faults.add("scaleway", status=429, shape=3, times=3)
    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model=MODEL, messages=MESSAGES)
    assert caught.value.response.headers["retry-after"] == "5"


@pytest.mark.parametrize("shape", [1, 2, 3, 4])
def test_the_upstreams_message_is_told_whatever_its_shape(
    client: OpenAI, sandbox: Sandbox, shape: int
) -> None:
    sandbox.faults.add("scaleway", status=400, shape=shape, message="Too hot to handle")
    with pytest.raises(openai.BadRequestError, match="Too hot to handle"):
        client.chat.completions.create(model=MODEL, messages=MESSAGES)


def test_a_stream_that_breaks_is_an_error_in_the_client(client: OpenAI, sandbox: Sandbox) -> None:
    sandbox.faults.add("scaleway", after_chunks=3)
    stream = client.chat.completions.create(
        model=MODEL,
        messages=MESSAGES,
        stream=True,
        extra_body={"lighton": {"retrieval": "context"}},
    )
    with pytest.raises(openai.APIError, match="broke off"):
        list(stream)


def test_a_failed_search_is_shown_beside_the_answer(client: OpenAI, sandbox: Sandbox) -> None:
    sandbox.faults.add("lighton", status=503, message="Back soon", times=3)
    completion = client.chat.completions.create(model=MODEL, messages=MESSAGES).to_dict()
    search = completion["lighton"]["searches"][0]  # type: ignore[index]  # an extra field
    assert "Back soon" in search["error"]


def test_models_are_listed_and_retrieved(client: OpenAI) -> None:
    models = client.models.list().data
    assert client.models.retrieve(MODEL) in models
