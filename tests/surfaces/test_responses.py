"""POST /v1/responses in the application, with scripted upstreams."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.types import ASGIApp

from proxy.app import create_app
from proxy.core.sse import Decoder
from proxy.settings import Settings
from proxy.state.responses import ClientResponses
from tests.support.asgi import Answer, ask
from tests.support.clock import LIMIT_S, skipping_clock
from tests.support.openai_responses import check_event, check_order, check_response, fold
from tests.support.openai_schema import check_error
from tests.support.script import Call, Round, result, search_call
from tests.support.upstreams import Upstreams

RESULTS = [result("a", "Leave is 27 days.")]
WEATHER = {"type": "function", "name": "get_weather", "parameters": {"type": "object"}}
FILE_SEARCH = {"type": "file_search", "vector_store_ids": ["ws_1"]}
SEARCHED = (Round(calls=(search_call("leave"),)), Round("It is 27 days [1]."))


@dataclass
class House:
    """A proxy whose model says what a script says."""

    rounds: list[Round]
    given: dict[str, Any] = field(default_factory=dict)
    upstreams: Upstreams = field(init=False)
    app: ASGIApp = field(init=False)

    def __post_init__(self) -> None:
        self.upstreams = Upstreams(self.rounds, RESULTS)
        settings = Settings(
            lighton_base_url="http://lighton.test",
            lighton_api_key="k",
            scaleway_base_url="http://scaleway.test/v1",
            scaleway_api_key="k",
            **self.given,
        )
        self.app = create_app(settings, self.upstreams.transport())

    async def ask(self, what: Any = "How many days?", **body: Any) -> Answer:
        return await ask(self.app, "/v1/responses", {"input": what, **body})

    async def response(self, what: Any = "How many days?", **body: Any) -> dict[str, Any]:
        answer = await self.ask(what, **body)
        assert answer.status == 200, answer.json()
        response: dict[str, Any] = answer.json()
        check_response(response)
        return response

    async def events(self, what: Any = "How many days?", **body: Any) -> list[dict[str, Any]]:
        answer = await self.ask(what, stream=True, **body)
        assert answer.status == 200, answer.json()
        events = [json.loads(each.data) for each in Decoder().feed(answer.body)]
        for each in events:
            check_event(each)
        check_order(events)
        return events


def text_of(response: dict[str, Any]) -> str:
    messages = (each for each in response["output"] if each["type"] == "message")
    return "".join(part["text"] for each in messages for part in each["content"])


def annotations_of(response: dict[str, Any]) -> list[dict[str, Any]]:
    messages = (each for each in response["output"] if each["type"] == "message")
    return [a for each in messages for part in each["content"] for a in part["annotations"]]


async def test_an_answer_cites_addresses_and_reports_as_on_chat() -> None:
    response = await House([*SEARCHED]).response()
    assert text_of(response) == "It is 27 days [1]."
    (citation,) = annotations_of(response)
    assert (citation["type"], citation["start_index"]) == ("url_citation", 14)
    assert response["lighton"]["citations"][0]["n"] == 1
    assert [each["type"] for each in response["output"]] == ["message"]


async def test_a_hosted_file_search_shows_its_searches_and_cites_files() -> None:
    house = House([*SEARCHED])
    response = await house.response(tools=[FILE_SEARCH], include=["file_search_call.results"])
    call, _ = response["output"]
    assert (call["type"], call["queries"], call["status"]) == (
        "file_search_call",
        ["leave"],
        "completed",
    )
    assert call["results"][0]["text"] == "Leave is 27 days."
    (citation,) = annotations_of(response)
    assert (citation["type"], citation["index"]) == ("file_citation", 14)
    (search,) = house.upstreams.searched
    assert search["workspace_id"] == [1]


async def test_a_file_search_is_told_as_it_happens() -> None:
    events = await House([*SEARCHED]).events(tools=[FILE_SEARCH])
    types = [each["type"].removeprefix("response.") for each in events]
    told = [each for each in types if each.startswith("file_search_call")]
    assert told == [
        f"file_search_call.{each}" for each in ("in_progress", "searching", "completed")
    ]
    assert types.index("file_search_call.completed") < types.index("output_text.delta")


async def test_without_its_store_it_answers_and_says_that_nobody_can_look_up_responses() -> None:
    house = House([Round("Hello."), Round("Hello.")], {"redis_url": "redis://127.0.0.1:1"})
    response = await house.response()
    events = await house.events()
    assert events[-1]["type"] == "response.completed"
    id_ = response["id"]
    for answer in (
        await house.ask(previous_response_id=id_),
        await ask(house.app, f"/v1/responses/{id_}", method="GET"),
        await ask(house.app, f"/v1/responses/{id_}", method="DELETE"),
        await ask(house.app, f"/v1/responses/{id_}/input_items", method="GET"),
    ):
        assert (answer.status, answer.json()["error"]["code"]) == (503, "store_unavailable")
        assert answer.headers["retry-after"] == "5"


async def test_a_client_goes_on_from_a_response_by_its_id() -> None:
    house = House([Round("Hello, Ann."), Round("You are Ann.")])
    first = await house.response("I am Ann.", instructions="Be brief.")
    second = await house.response("Who am I?", previous_response_id=first["id"])
    assert second["previous_response_id"] == first["id"]
    asked = house.upstreams.asked[-1]["messages"]
    said = [(each["role"], each["content"]) for each in asked if each["role"] != "system"]
    assert said == [
        ("user", "I am Ann."),
        ("assistant", "Hello, Ann."),
        ("user", "Who am I?"),
    ]
    assert not any("Be brief." in str(each["content"]) for each in asked)


async def test_a_clients_own_tool_goes_on_beside_the_hidden_search() -> None:
    house = House(
        [
            Round(calls=(search_call("leave"), Call("get_weather", '{"city": "Paris"}', "c9"))),
            Round("It is 27 days [1], and sunny."),
        ]
    )
    first = await house.response(tools=[WEATHER])
    (call,) = first["output"]
    assert (call["type"], call["name"]) == ("function_call", "get_weather")
    result_of = {"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"}
    second = await house.response([result_of], tools=[WEATHER], previous_response_id=first["id"])
    assert text_of(second) == "It is 27 days [1], and sunny."
    assert annotations_of(second)
    roles = [each["role"] for each in house.upstreams.asked[-1]["messages"]]
    assert roles.count("tool") == 2


async def test_a_client_that_leaves_out_its_file_search_goes_on_from_what_it_found() -> None:
    """It may search all that it could search then, and more."""
    call = Call("get_weather", '{"city": "Paris"}', "c9")
    rounds = [Round(calls=(search_call("leave"), call)), Round("It is 27 days [1], and sunny.")]
    for given, then, now, is_found in (
        ({}, {"tools": [WEATHER, FILE_SEARCH]}, {"tools": [WEATHER]}, True),
        ({}, {"tools": [WEATHER]}, {"tools": [WEATHER, FILE_SEARCH]}, False),
        (
            {"profiles": {"two": {"workspace_id": [2]}}},
            {"tools": [WEATHER, FILE_SEARCH]},
            {"tools": [WEATHER], "model": "two"},
            False,
        ),
    ):
        house = House(rounds, given)
        first = await house.response(**then)
        (id_,) = (e["call_id"] for e in first["output"] if e["type"] == "function_call")
        sunny = {"type": "function_call_output", "call_id": id_, "output": "sunny"}
        second = await house.response([sunny], previous_response_id=first["id"], **now)
        assert bool(annotations_of(second)) == is_found
        told = str(house.upstreams.asked[-1]["messages"])
        assert ("Leave is 27 days." in told) == is_found


async def test_large_responses_of_some_push_out_no_hidden_turn_of_others() -> None:
    house = House(
        [
            Round(calls=(search_call("leave"), Call("get_weather", '{"city": "Paris"}', "c9"))),
            *(Round("Read.") for _ in range(4)),
            Round("It is 27 days [1], and sunny."),
        ],
        {"state_max_bytes": 100_000},
    )
    (call,) = (await house.response(tools=[WEATHER], store=False))["output"]
    for _ in range(4):
        await house.response("x" * 40_000, lighton={"retrieval": "off"})
    sent = [
        {"role": "user", "content": "How many days?"},
        call,
        {"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"},
    ]
    assert annotations_of(await house.response(sent, tools=[WEATHER]))
    assert len(house.upstreams.searched) == 1


async def test_what_a_request_goes_on_from_counts_to_the_memory_that_requests_hold() -> None:
    house = House([Round("Read."), Round("Again.")], {"max_inflight_bytes": 500_000})
    first = await house.response("x" * 90_000, lighton={"retrieval": "off"})
    answer = await house.ask("y" * 50_000, previous_response_id=first["id"])
    check_error(answer.json())
    assert (answer.status, answer.json()["error"]["code"]) == (503, "overloaded")


async def test_an_item_that_a_client_only_names_is_found() -> None:
    house = House([Round("Hello."), Round("Again.")])
    first = await house.response("Hi.")
    reference = {"type": "item_reference", "id": first["output"][0]["id"]}
    await house.response([reference, {"role": "user", "content": "And?"}])
    said = [each["content"] for each in house.upstreams.asked[-1]["messages"]]
    assert said[-2:] == ["Hello.", "And?"]


async def test_what_is_not_to_be_stored_is_not() -> None:
    house = House([Round("Hello."), Round("Again.")])
    first = await house.response("Hi.", store=False)
    answer = await house.ask("And?", previous_response_id=first["id"])
    check_error(answer.json())
    assert (answer.status, answer.json()["error"]["code"]) == (404, "previous_response_not_found")


async def test_a_streamed_response_is_stored_before_its_end_is_told() -> None:
    house = House([Round("Hello.")])
    events = await house.events("Hi.")
    last = events[-1]["response"]
    assert fold(events) == last
    stored = await ask(house.app, f"/v1/responses/{last['id']}", method="GET", content=b"")
    assert stored.json() == last


async def test_a_whole_answer_has_not_failed_if_its_time_ends_while_it_is_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def never(*_: object) -> None:
        await clock.run_out()
        await asyncio.Event().wait()

    house = House([Round("Hello.")], {"answer_timeout_s": LIMIT_S})
    monkeypatch.setattr(ClientResponses, "keep", never)
    with skipping_clock() as clock:
        events = await house.events("Hi.")
    assert events[-1]["type"] == "response.completed"
    assert fold(events) == events[-1]["response"]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"background": True}, "background"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"messages": []}, "messages"),
    ],
)
async def test_what_is_not_supported_is_named(body: dict[str, Any], param: str) -> None:
    answer = await House([]).ask(**body)
    check_error(answer.json())
    assert answer.status == 400
    assert answer.json()["error"]["param"].startswith(param.partition(".")[0])


@pytest.mark.parametrize("stream", [False, True])
async def test_a_schema_as_deep_as_can_be_is_answered_or_refused(*, stream: bool) -> None:
    statuses = set()
    for depth in range(230, 260):
        deep = b'{"a":' * depth + b"1" + b"}" * depth
        tool = b'{"type": "function", "name": "f", "parameters": ' + deep + b"}"
        flag = b"true" if stream else b"false"
        content = b'{"input": "Hi", "stream": ' + flag + b', "tools": [' + tool + b"]}"
        app = House([Round("Hello.")]).app
        statuses.add((await ask(app, "/v1/responses", content=content)).status)
    assert statuses == {200, 400}


async def test_tokens_are_reserved_for_what_a_request_goes_on_from() -> None:
    house = House([Round("Hello."), Round("Again.")], {"tokens_per_minute": 9_000})
    first = await house.response("long " * 4_000, lighton={"retrieval": "off"})
    again = {"previous_response_id": first["id"], "lighton": {"retrieval": "off"}}
    assert (await house.ask("And?", **again)).status == 200
    refused = await house.ask("long " * 3_300, **again)
    check_error(refused.json())
    assert (refused.status, refused.json()["error"]["code"]) == (429, "request_exceeds_limit")


async def test_a_cut_answer_is_incomplete_and_says_why() -> None:
    response = await House([Round("Half", finish_reason="length")]).response()
    assert response["status"] == "incomplete"
    assert response["incomplete_details"] == {"reason": "max_output_tokens"}


async def test_an_error_in_mid_stream_is_the_last_event_and_is_stored_to_be_gone_on_from() -> None:
    house = House([Round("Half", finish_reason="abort"), Round(" is whole.")])
    events = await house.events()
    failed = events[-1]["response"]
    assert (events[-1]["type"], failed["status"]) == ("response.failed", "failed")
    assert failed["error"]["message"]
    stored = await ask(house.app, f"/v1/responses/{failed['id']}", method="GET", content=b"")
    assert (stored.status, stored.json()) == (200, failed)
    await house.response("Go on.", previous_response_id=failed["id"])
    said = [(each["role"], each["content"]) for each in house.upstreams.asked[-1]["messages"]]
    assert said[-3:] == [("user", "How many days?"), ("assistant", "Half"), ("user", "Go on.")]
    unstored = (await House([Round("Half", finish_reason="abort")]).events(store=False))[-1]
    gone = await ask(house.app, f"/v1/responses/{unstored['response']['id']}", method="GET")
    assert gone.status == 404


async def test_an_error_before_the_first_event_has_a_status() -> None:
    answer = await House([]).ask(stream=True, model="llama", tools="none")
    check_error(answer.json())
    assert answer.status == 400


async def test_thoughts_come_as_a_summary_if_the_client_asks_for_one() -> None:
    house = House([Round("Yes.", reasoning="Let me see."), Round("Yes.", reasoning="Let me see.")])
    plain = await house.response()
    summed = await house.response(reasoning={"summary": "auto"})
    assert plain["output"][0]["content"][0]["text"] == "Let me see."
    assert summed["output"][0]["summary"][0]["text"] == "Let me see."


async def test_progress_that_only_one_front_end_of_chats_knows_takes_no_citations() -> None:
    house = House([*SEARCHED], {"progress": "open-webui"})
    events = await house.events()
    assert annotations_of(events[-1]["response"])
