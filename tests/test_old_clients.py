"""Clients that know `functions` instead of tools, from the request to the end of the chat."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletion
from starlette.types import ASGIApp

from proxy.app import create_app
from proxy.settings import Settings
from tests.support.asgi import ask
from tests.support.openai_schema import check_chunk, check_completion
from tests.support.openai_stream import check_stream
from tests.support.script import Call, Round, result, search_call
from tests.support.server import serving
from tests.support.upstreams import Upstreams

ASKED = {"role": "user", "content": "How much leave is left, and is it raining?"}
WEATHER = {"name": "get_weather", "parameters": {"type": "object"}}
TIME = {"name": "get_time", "parameters": {"type": "object"}}
ROME = Call("get_weather", '{"city": "Rome"}')
SEARCHES = Round(calls=(search_call("leave"),), finish_reason="tool_calls")
CALLS = Round("Let me see.", calls=(ROME,), finish_reason="tool_calls")
END = Round("27 days [1], and rain.")
LEAVE = result("c1", "Leave is 27 days.")
RAIN = {"role": "function", "name": "get_weather", "content": "Rain."}


def app_of(upstreams: Upstreams, **more: Any) -> ASGIApp:
    settings = Settings(
        lighton_base_url="https://lighton.test",
        lighton_api_key="lighton-secret",
        scaleway_base_url="https://scaleway.test/v1",
        scaleway_api_key="scaleway-secret",
        **more,
    )
    return create_app(settings, upstreams.transport())


async def reply(app: ASGIApp, messages: Sequence[Any] = (ASKED,), **fields: Any) -> Any:
    answer = await ask(app, document={"messages": list(messages), "functions": [WEATHER], **fields})
    assert answer.status == 200, answer.body
    check_completion(answer.json())
    ChatCompletion.model_validate(answer.json(), strict=True)
    return answer.json()["choices"][0]


async def test_a_call_comes_as_the_client_knows_it_after_a_hidden_search() -> None:
    upstreams = Upstreams([SEARCHES, CALLS], [LEAVE])
    choice = await reply(app_of(upstreams))
    assert choice["finish_reason"] == "function_call"
    assert choice["message"]["function_call"] == {
        "name": "get_weather",
        "arguments": ROME.arguments,
    }
    assert "tool_calls" not in choice["message"]
    assert len(upstreams.searched) == 1
    assert {"type": "function", "function": WEATHER} in upstreams.asked[0]["tools"]
    assert not {"functions", "function_call"} & upstreams.asked[0].keys()


async def test_a_streamed_call_comes_in_pieces_with_the_name_first() -> None:
    app = app_of(Upstreams([CALLS], pieces=list))
    document = {"messages": [ASKED], "functions": [WEATHER], "stream": True}
    chunks = check_stream((await ask(app, document=document)).body).chunks
    for chunk in chunks:
        check_chunk(chunk)
    deltas = [each["delta"] for chunk in chunks for each in chunk["choices"]]
    calls = [each["function_call"] for each in deltas if "function_call" in each]
    assert calls[0]["name"] == "get_weather"
    assert not any("name" in each for each in calls[1:])
    assert "".join(each["arguments"] for each in calls) == ROME.arguments
    assert not any("tool_calls" in each for each in deltas)
    assert chunks[-1]["choices"][0]["finish_reason"] == "function_call"


async def test_only_the_first_of_several_calls_is_told() -> None:
    both = Round(calls=(ROME, Call("get_time", "{}", id="b")), finish_reason="tool_calls")
    upstreams = Upstreams([both])
    choice = await reply(app_of(upstreams), functions=[WEATHER, TIME])
    assert choice["message"]["function_call"]["name"] == "get_weather"
    assert upstreams.asked[0]["parallel_tool_calls"] is False


@pytest.mark.parametrize("content", ["as told", "null"])
async def test_what_the_call_hid_is_put_back_when_its_result_comes(content: str) -> None:
    upstreams = Upstreams([SEARCHES, CALLS, END], [LEAVE])
    app = app_of(upstreams)
    told = (await reply(app))["message"]
    if content == "null":
        told["content"] = None
    choice = await reply(app, [ASKED, told, RAIN])
    assert choice["message"]["content"] == "27 days [1], and rain."
    assert choice["message"]["annotations"]
    system, asked, searched, found, called, rain = upstreams.asked[2]["messages"]
    assert (system["role"], asked) == ("system", ASKED)
    assert searched["tool_calls"][0]["function"]["name"] == "lighton_search"
    assert "Leave is 27 days." in found["content"]
    assert called["tool_calls"][0]["function"]["name"] == "get_weather"
    assert rain["content"] == "Rain."
    assert rain["tool_call_id"] == called["tool_calls"][0]["id"]
    assert len(upstreams.searched) == 1


async def test_the_same_answer_twice_still_puts_its_hidden_part_back() -> None:
    upstreams = Upstreams([SEARCHES, CALLS, SEARCHES, CALLS, END], [LEAVE])
    app = app_of(upstreams)
    await reply(app)
    told = (await reply(app))["message"]
    await reply(app, [ASKED, told, RAIN])
    assert "lighton_search" in json.dumps(upstreams.asked[4]["messages"])


async def test_two_chats_that_look_the_same_but_hide_different_things_get_neither() -> None:
    other = Round(calls=(search_call("rain"),), finish_reason="tool_calls")
    upstreams = Upstreams([SEARCHES, CALLS, other, CALLS, END], [LEAVE])
    app = app_of(upstreams)
    told = (await reply(app))["message"]
    await reply(app)
    await reply(app, [ASKED, told, RAIN])
    messages = upstreams.asked[4]["messages"]
    assert [each["role"] for each in messages] == ["system", "user", "assistant", "tool"]


async def test_no_function_may_be_called_where_the_client_says_so() -> None:
    upstreams = Upstreams([Round("No idea.")])
    await reply(app_of(upstreams), function_call="none")
    assert upstreams.asked[0].get("tool_choice") == "none"


async def test_openai_python_runs_a_function_in_the_old_way() -> None:
    upstreams = Upstreams([SEARCHES, CALLS, END], [LEAVE])
    async with (
        serving(app_of(upstreams)) as url,
        AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client,
    ):
        messages: list[Any] = [ASKED]
        functions: Any = [WEATHER]
        stream = await client.chat.completions.create(
            model="m",
            messages=messages,
            functions=functions,
            stream=True,
        )
        name = arguments = ""
        async for chunk in stream:
            if called := chunk.choices[0].delta.function_call:
                name, arguments = name + (called.name or ""), arguments + (called.arguments or "")
        call = {"name": name, "arguments": arguments}
        messages += [{"role": "assistant", "content": None, "function_call": call}, RAIN]
        whole = await client.chat.completions.create(
            model="m",
            messages=messages,
            functions=functions,
        )
    assert whole.choices[0].message.content == "27 days [1], and rain."
    assert whole.choices[0].message.annotations
