"""Progress through the whole app: what goes over the wire, who asks for it, and what it costs."""

from __future__ import annotations

import re
from typing import Any

import httpx
import orjson
import pytest
from starlette.types import Message, Receive, Scope, Send

from proxy.app import create_app
from proxy.settings import Settings
from tests.support.asgi import Answer, ask
from tests.support.openai_assemble import assemble, assemble_with_sdk
from tests.support.openai_schema import check_completion, check_error
from tests.support.openai_stream import StreamView, check_stream
from tests.support.script import Round, event, result, search_call
from tests.support.times import without_timings
from tests.support.upstreams import Upstreams

QUESTION = [{"role": "user", "content": "How many days of leave?"}]
SEARCH_ROUND = Round(calls=(search_call("leave"),), finish_reason="tool_calls")
ANSWER = Round("It is 27 [2], as of 2024 [1]. So 27 [2].")
RESULTS = [
    result("c1", "In force since 2024.", file_id=1, title="Rules"),
    result("c2", "Leave is 27 days.", file_id=2, title="Handbook", page_start=3),
]
ADDRESSES = ["lighton://file/2#page=3", "lighton://file/1"]
"""Of the sources, in the order in which the answer cites them."""
FIRST_CHUNK = {"lighton": None, "model": "llama-3.3-70b-instruct"}
"""The SDK takes these from the first chunk, which comes before any model has answered."""
PROGRESS = ("off", "reasoning", "open-webui")


def settings(**more: Any) -> Settings:
    upstreams = {
        "lighton_base_url": "http://lighton.test",
        "lighton_api_key": "lighton-secret",
        "scaleway_base_url": "http://scaleway.test/v1",
        "scaleway_api_key": "scaleway-secret",
    }
    return Settings(**{**upstreams, **more})


def upstreams(*rounds: Round) -> Upstreams:
    return Upstreams(rounds or (SEARCH_ROUND, ANSWER), RESULTS)


async def play(vendors: Upstreams, body: dict[str, Any] | None = None, **more: Any) -> Answer:
    app = create_app(settings(**more), vendors.transport())
    return await ask(app, document={"messages": QUESTION, "stream": True, **(body or {})})


async def stream(progress: str, *rounds: Round, **body: Any) -> bytes:
    answer = await play(upstreams(*rounds), {"lighton": {"progress": progress}, **body})
    assert answer.status == 200
    return answer.body


def documents(body: bytes) -> list[Any]:
    frames = body.removesuffix(b"data: [DONE]\n\n").removesuffix(b"\n\n").split(b"\n\n")
    return [orjson.loads(frame.removeprefix(b"data: ")) for frame in frames]


def without_events(body: bytes) -> bytes:
    """The stream as it is for a client that does not know the key `event`."""
    bare = [{k: v for k, v in each.items() if k != "event"} for each in documents(body)]
    return b"".join(map(event, bare)) + b"data: [DONE]\n\n"


def thoughts(view: StreamView) -> str:
    return "".join(delta.get("reasoning_content", "") for delta in view.deltas())


async def test_thoughts_are_a_stream_that_every_client_takes() -> None:
    body = await stream("reasoning", stream_options={"include_usage": True})
    view = check_stream(body, include_usage=True)
    assert thoughts(view) == "▸ Searching: leave\n▸ Found 2 passages.\n"
    heard = assemble(view.chunks)
    assert heard["content"] == "It is 27 [1], as of 2024 [2]. So 27 [1]."
    assert assemble_with_sdk(view.chunks) == heard | FIRST_CHUNK
    assert len(heard["annotations"]) == 3


async def test_events_leave_a_stream_that_every_client_takes() -> None:
    body = await stream("open-webui", stream_options={"include_usage": True})
    view = check_stream(without_events(body), include_usage=True)
    heard = assemble(view.chunks)
    assert heard["content"] == "It is 27 [1], as of 2024 [2]. So 27 [1]."
    assert assemble_with_sdk(documents(body)) == heard | FIRST_CHUNK
    assert [each["url"] for each in heard["lighton"]["citations"]] == ADDRESSES


class OpenWebUI:
    """What Open WebUI makes of a stream: of events and of annotations, in the order they come."""

    def __init__(self, body: bytes) -> None:
        self.status: list[tuple[str, bool]] = []
        self.sources: dict[str, list[str]] = {}
        """The documents of each source, by `metadata.source`: the n-th of them is `[n]`."""
        self.names: dict[str, None] = {}
        self.missing: list[str] = []
        """Numbers that were shown before their source had come."""
        self.text = ""
        for chunk in documents(body):
            self._take(chunk)

    def _take(self, chunk: Any) -> None:
        event = chunk.get("event") or {}
        if event.get("type") == "status":
            self.status.append((event["data"]["description"], event["data"]["done"]))
        elif event.get("type") == "source":
            self._add(event["data"])
        for choice in chunk["choices"]:
            for annotation in choice["delta"].get("annotations") or ():
                cited = annotation["url_citation"]
                metadata = {"source": cited["url"], "name": cited["title"]}
                self._add({"document": [cited["title"]], "metadata": [metadata]})
            self.text += choice["delta"].get("content") or ""
        numbers = re.findall(r"\[(\d+)\]", self.text)
        self.missing += [each for each in numbers if int(each) > len(self.sources)]

    def _add(self, source: Any) -> None:
        for document, metadata in zip(source["document"], source["metadata"], strict=True):
            self.sources.setdefault(metadata["source"], []).append(document)
            self.names[metadata["name"]] = None


async def test_open_webui_shows_status_and_each_source_once_with_its_passage() -> None:
    shown = OpenWebUI(await stream("open-webui"))
    assert shown.status == [("Searching: leave", False), ("Found 2 passages.", True)]
    assert list(shown.sources) == ADDRESSES
    assert list(shown.sources.values()) == [["Leave is 27 days."], ["In force since 2024."]]
    assert list(shown.names) == ["Handbook", "Rules"]
    assert shown.missing == []


async def test_open_webui_numbers_sources_alike_with_and_without_events() -> None:
    for progress in PROGRESS:
        assert list(OpenWebUI(await stream(progress)).sources) == ADDRESSES


async def test_a_client_hears_of_a_search_before_its_result_has_come() -> None:
    vendors, sent = upstreams(), list[bytes]()
    transport = vendors.transport()

    async def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/v3/search":
            assert b"Searching: leave" in b"".join(sent)
            assert b"Found" not in b"".join(sent)
        return await transport.handle_async_request(request)

    app = create_app(settings(progress="reasoning"), httpx.MockTransport(handle))

    async def listening(scope: Scope, receive: Receive, send: Send) -> None:
        async def tell(message: Message) -> None:
            sent.append(message.get("body", b""))
            await send(message)

        await app(scope, receive, tell)

    answer = await ask(listening, document={"messages": QUESTION, "stream": True})
    assert thoughts(check_stream(answer.body)).count("▸") == 2
    assert answer.headers["x-lighton-searches"] == "0"


# Who decides


@pytest.mark.parametrize("setting", PROGRESS)
@pytest.mark.parametrize("profile", [None, *PROGRESS])
@pytest.mark.parametrize("wished", [None, *PROGRESS])
async def test_the_request_decides_then_the_profile_then_the_setting(
    setting: str, profile: str | None, wished: str | None
) -> None:
    body = {"model": "hr", "lighton": {"progress": wished}}
    profiles = {"hr": {"model": "llama", "progress": profile}}
    answer = await play(upstreams(), body, progress=setting, profiles=profiles)
    shown = {
        "off": b"Searching" not in answer.body.partition(b'"lighton"')[0],
        "reasoning": b"\xe2\x96\xb8 Searching" in answer.body,
        "open-webui": b'"event"' in answer.body,
    }
    decided = wished or profile or setting
    assert [name for name, is_shown in shown.items() if is_shown] == [decided]


@pytest.mark.parametrize("value", ["on", "", "Reasoning", "openwebui", True, 1, ["off"], {}])
@pytest.mark.parametrize("is_stream", [True, False])
async def test_any_other_value_is_refused_with_the_choices(value: Any, *, is_stream: bool) -> None:
    vendors = upstreams()
    answer = await play(vendors, {"lighton": {"progress": value}, "stream": is_stream})
    assert answer.status == 400
    error = answer.json()["error"]
    check_error(answer.json())
    assert error["param"] == "lighton.progress"
    assert "off, reasoning, open-webui" in error["message"]
    assert not vendors.asked


@pytest.mark.parametrize("progress", PROGRESS)
async def test_a_plain_reply_takes_the_field_and_stays_as_it_is(progress: str) -> None:
    vendors = upstreams()
    body = {"lighton": {"progress": progress}, "stream": False}
    answer = await play(vendors, body, progress="open-webui")
    check_completion(answer.json())
    message = answer.json()["choices"][0]["message"]
    assert "reasoning_content" not in message
    assert len(message["annotations"]) == 3
    assert all(each.keys() & {"lighton", "progress"} == set() for each in vendors.asked)


@pytest.mark.parametrize("mode", ["tool", "off"])
async def test_without_a_search_nothing_differs(mode: str) -> None:
    rounds = [Round("Hello.", reasoning="A greeting.")]
    bodies = set()
    for progress in PROGRESS:
        body = {"lighton": {"progress": progress, "retrieval": mode}}
        sent = (await play(upstreams(*rounds), body)).body
        bodies.add(re.sub(rb'"(id":"[^"]+|created":\d+)', b"", without_timings(sent)))
    assert len(bodies) == 1


async def test_a_top_level_field_of_that_name_is_the_clients_own() -> None:
    vendors = upstreams()
    answer = await play(vendors, {"progress": 7})
    assert answer.status == 200
    assert b"Searching" not in answer.body.partition(b'"lighton"')[0]


# Errors


@pytest.mark.parametrize("progress", PROGRESS)
async def test_once_a_search_is_told_an_error_is_the_last_event(progress: str) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/models"):
            return httpx.Response(200, json={"data": [{"id": "llama"}]})
        assert request.url.path == "/api/v3/search"
        return httpx.Response(500, json={"error": "internal"})

    more = {"retrieval": "context", "on_search_error": "fail", "progress": progress}
    app = create_app(settings(**more), httpx.MockTransport(handle))
    answer = await ask(app, document={"messages": QUESTION, "model": "llama", "stream": True})
    if progress == "off":
        assert answer.status == 502
        return
    assert answer.status == 200
    assert b"The search failed." in answer.body
    *_, last = documents(answer.body)
    check_error(last)
    assert b"[DONE]" not in answer.body


async def test_what_comes_back_of_it_reaches_no_model() -> None:
    view = check_stream(await stream("reasoning"))
    heard = assemble(view.chunks)
    sent = {
        "role": "assistant",
        "content": heard["content"],
        "reasoning_content": heard["reasoning_content"],
        "reasoning": f"Hm.\n{heard['reasoning_content']}",
    }
    vendors = upstreams(Round("You are welcome."))
    body = {"messages": [*QUESTION, sent, {"role": "user", "content": "Thank you!"}]}
    assert (await play(vendors, body)).status == 200
    (asked,) = vendors.asked
    assert "▸" not in str(asked["messages"])
    (answer,) = (each for each in asked["messages"] if each["role"] == "assistant")
    assert answer == {"role": "assistant", "content": answer["content"], "reasoning": "Hm."}


async def test_memory_of_searches_works_where_thoughts_come_back_within_the_text() -> None:
    vendors = upstreams(SEARCH_ROUND, ANSWER, Round("27, as I said [2]."))
    app = create_app(settings(progress="reasoning"), vendors.transport())
    document = {"messages": QUESTION, "stream": True}
    heard = assemble(check_stream((await ask(app, document=document)).body).chunks)
    content = f"<think>{heard['reasoning_content']}</think>\n{heard['content']}"
    again = {"role": "user", "content": "How many, again?"}
    document["messages"] = [*QUESTION, {"role": "assistant", "content": content}, again]
    await ask(app, document=document)
    messages = str(vendors.asked[-1]["messages"])
    assert "Leave is 27 days." in messages
    assert "▸" not in messages


async def test_memory_of_searches_works_whatever_was_shown() -> None:
    for progress in PROGRESS:
        vendors = upstreams(SEARCH_ROUND, ANSWER, Round("27, as I said [2]."))
        app = create_app(settings(progress=progress), vendors.transport())
        document = {"messages": QUESTION, "stream": True}
        heard = assemble(
            check_stream(without_events((await ask(app, document=document)).body)).chunks
        )
        said = {"role": "assistant", "content": heard["content"]}
        if thought := heard["reasoning_content"]:
            said["reasoning_content"] = thought
        document["messages"] = [*QUESTION, said, {"role": "user", "content": "How many, again?"}]
        await ask(app, document=document)
        messages = vendors.asked[-1]["messages"]
        assert "Leave is 27 days." in str(messages)
        assert "▸" not in str(messages)
