"""Arbitrary conversations through the proxy, on either API.

The model calls all kinds of tools. The client answers, forgets, repeats and rebuilds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeVar

import httpx

from proxy.app import Proxy, create_app
from proxy.settings import Settings
from tests.fuzz.answers import RESPONSES, response_in
from tests.fuzz.as_responses import reply_of, request_of
from tests.support.asgi import ask
from tests.support.openai_assemble import assemble, assemble_reply
from tests.support.openai_stream import check_stream
from tests.support.script import Call, Round, result
from tests.support.upstreams import Upstreams

T = TypeVar("T")
Messages = list[dict[str, Any]]

_MODELS: Final = (
    "mistral-small-3.2-24b-instruct-2506",
    "mistral-medium-3.5-128b",
    "devstral-2-123b-instruct-2512",
    "llama-3.1-8b-instruct",
)
_RESULTS: Final = (result("a", "Leave is 27 days."), result("b", None), result("c", "Ask [3] HR."))
_TOOLS: Final = tuple(
    {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}
    for name in ("get_weather", "get_time")
)
_NAMES: Final = (
    "lighton_search",
    "get_weather",
    "get_time",
    "get weather",
    "functions.get_weather",
    "lighton_search<|channel|>commentary",
    "",
    "x" * 300,
    "météo",
)
_ARGUMENTS: Final = (
    '{"query": "one"}',
    '{"query": "two"}',
    '{"city": "Paris"}',
    "{}",
    "",
    '{"query": ',
    "[]",
    '{"query": "a \\ud83d"}',
)
_IDS: Final = ("call_0", "call_1", "", "x" * 46, "aB3dE6gH9")
_IMAGE: Final = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
_MOST_REQUESTS: Final = 6
"""Of one question."""
_MOST_QUESTIONS: Final = 3


class Choices:
    """Decides by the bytes of a case. After their end, the first option is taken each time."""

    def __init__(self, case: bytes) -> None:
        self._bytes = iter(case)

    def pick(self, options: Sequence[T]) -> T:
        return options[next(self._bytes, 0) % len(options)]


class _Current(httpx.AsyncBaseTransport):
    """Leads to the upstreams of the conversation that is being played."""

    def __init__(self) -> None:
        self.upstreams = Upstreams()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self.upstreams.transport().handle_async_request(request)


class Players:
    """Plays conversations, with a memory of searches and without one."""

    def __init__(self) -> None:
        self._current = _Current()
        self._apps = [self._app(search_memory=each) for each in (False, True)]

    def _app(self, *, search_memory: bool) -> Proxy:
        settings = Settings(
            lighton_base_url="http://lighton.test",
            lighton_api_key="k",
            scaleway_base_url="http://scaleway.test/v1",
            scaleway_api_key="k",
            keep_warm_s=0,
            search_memory=search_memory,
        )
        return create_app(settings, self._current)

    async def play(self, choices: Choices) -> list[dict[str, Any]]:
        """One conversation. Returns what the model was asked."""
        upstreams = self._current.upstreams = Upstreams(_rounds(choices), _RESULTS)
        app = choices.pick(self._apps)
        body: dict[str, Any] = {
            "model": choices.pick(_MODELS),
            "stream": choices.pick((False, True)),
            "tools": choices.pick((list(_TOOLS), [])),
            "lighton": {"retrieval": choices.pick(("tool", "hybrid", "context", "off"))},
        }
        upstreams.listed = _MODELS
        reply_to = choices.pick((_chat_reply, _responses_reply))
        messages = _opening(choices)
        for _ in range(_MOST_QUESTIONS):
            for _ in range(_MOST_REQUESTS):
                reply = await reply_to(app, {**body, "messages": messages})
                if reply is None:
                    return upstreams.asked
                messages = [*messages, *_sent_back(choices, reply)]
                if not reply["tool_calls"]:
                    break
            if choices.pick((True, False)):
                break
            messages = [*messages, *_asking(choices)]
        return upstreams.asked


async def _responses_reply(app: Proxy, body: dict[str, Any]) -> Any:
    """The reply to the same request on Responses."""
    body = request_of(body)
    answer = await ask(app, RESPONSES, body)
    assert answer.status != httpx.codes.INTERNAL_SERVER_ERROR, answer.body
    return reply_of(response_in(body, answer.body)) if answer.status == httpx.codes.OK else None


async def _chat_reply(app: Proxy, body: dict[str, Any]) -> Any:
    """The assembled reply; None if the proxy refuses the request."""
    answer = await ask(app, document=body)
    assert answer.status != httpx.codes.INTERNAL_SERVER_ERROR, answer.body
    if answer.status != httpx.codes.OK:
        return None
    if body["stream"]:
        return assemble(check_stream(answer.body).chunks)
    return assemble_reply(answer.json())


def _rounds(choices: Choices) -> Iterator[Round]:
    while True:
        yield _round(choices)


def _round(choices: Choices) -> Round:
    calls = [
        Call(choices.pick(_NAMES), choices.pick(_ARGUMENTS), choices.pick(_IDS))
        for _ in range(choices.pick((0, 1, 1, 2, 4)))
    ]
    return Round(
        text=choices.pick(("It is 27. [1]", "", " ", "Let me see.")),
        reasoning=choices.pick(("", "hm")),
        calls=tuple(calls),
        finish_reason="tool_calls" if calls else "stop",
    )


def _opening(choices: Choices) -> Messages:
    parts = [_part("Be brief."), {"cache_control": {"type": "ephemeral"}, **_part("Be exact.")}]
    first: list[Messages] = [
        [],
        [{"role": "system", "content": "Be brief."}],
        [{"role": "developer", "content": parts}],
        [{"role": "system", "content": parts}, {"role": "developer", "content": "Be exact."}],
        [{"role": "user", "content": "Hello."}],
        [{"role": "system", "content": None}],
    ]
    return [*choices.pick(first), *_asking(choices)]


def _asking(choices: Choices) -> Messages:
    questions: list[Messages] = [
        [{"role": "user", "content": "How many days?"}],
        [{"role": "user", "content": [_part("How many?"), _IMAGE], "name": "ann"}],
        [{"role": "user", "content": "And now?"}, {"role": "user", "content": "Quick."}],
        [{"role": "system", "content": "It is Monday."}, {"role": "user", "content": "Go on."}],
        [{"role": "user", "content": None}, {"role": "user", "content": [_part("Go on.")]}],
    ]
    return choices.pick(questions)


def _part(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _sent_back(choices: Choices, reply: dict[str, Any]) -> Messages:
    """The reply as a client sends it back, and what it adds."""
    message: dict[str, Any] = {"role": "assistant", "content": _content(choices, reply)}
    message |= choices.pick(({}, {"refusal": None, "annotations": []}, {"reasoning_content": "x"}))
    if not reply["tool_calls"]:
        return [message]
    message["tool_calls"] = [_call(choices, each) for each in reply["tool_calls"]]
    results: Messages = []
    late: Messages = []
    for call in message["tool_calls"]:
        given = [_result(choices, call["id"]) for _ in range(choices.pick((1, 0, 2)))]
        choices.pick((results, results, late)).extend(given)
    asked = choices.pick(([], _asking(choices)))
    return [message, *results, *asked, *late]


def _content(choices: Choices, reply: dict[str, Any]) -> Any:
    said = reply["content"] or ""
    empty = None if reply["tool_calls"] else ""
    return choices.pick((said, [_part(said)], said or empty, [_part(said), _IMAGE]))


def _call(choices: Choices, call: dict[str, Any]) -> dict[str, Any]:
    decoded: Any = {"city": "Paris"}
    arguments = choices.pick((call["arguments"], decoded, None))
    function = {"name": call["name"], "arguments": arguments}
    return {"id": call["id"], "type": "function", "function": function}


def _result(choices: Choices, id_: str) -> dict[str, Any]:
    content: Any = choices.pick(
        ("sunny", [_part("sunny")], None, "", [_part("see"), _IMAGE], json.dumps({"degrees": 21}))
    )
    more: Any = choices.pick(({}, {"name": "get weather"}, {"is_error": True}))
    return {"role": "tool", "tool_call_id": id_, "content": content, **more}
