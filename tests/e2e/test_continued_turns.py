"""What is hidden from the client, and put back for the model when the client comes again.

Over real sockets, with two clients that have keys of their own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import pytest
from openai import OpenAI

from proxy.app import create_app
from proxy.settings import Settings
from tests.e2e.scenario import (
    FACT,
    MODEL,
    SEARCH_TOOL,
    TOOLS,
    TURNS,
    Sandbox,
    check_citations,
    check_hidden,
    check_requests,
    count_searches,
    histories,
)
from tests.support.history import check_history
from tests.support.openai_assemble import assemble, assemble_reply
from tests.support.server import serving_in_thread

ADA, BOB = "key-of-ada", "key-of-bob"
HR, IT = 1, 2
"""The stand-in's workspaces."""
ONE_AT_A_TIME = "gemma-4-26b-a4b-it"

QUESTION = TURNS[0].question
LEAVE = "How many days of paid leave do employees have?"
CERTIFICATE = "How often is the VPN certificate renewed?"
CERTIFICATE_FACT = "The VPN certificate is renewed every ninety days."

FORCED_SEARCH: Any = {"type": "function", "function": {"name": SEARCH_TOOL}}

Message = dict[str, Any]


class StartProxy(Protocol):
    def __call__(self, **settings: Any) -> str: ...


@dataclass(frozen=True)
class Client:
    """One user of the proxy. Every request is a new connection."""

    url: str
    key: str = ADA
    streamed: bool = False

    def ask(self, *messages: Message, model: str = MODEL, **more: Any) -> dict[str, Any]:
        """Return what the client heard, with the keys of `assemble`; `more` goes into the body."""
        with OpenAI(base_url=f"{self.url}/v1", api_key=self.key, max_retries=0) as opened:
            create: Any = opened.chat.completions.create
            body: dict[str, Any] = {"tools": TOOLS, **more}
            reply = create(model=model, messages=messages, stream=self.streamed, extra_body=body)
            parts = [part.to_dict() for part in (reply if self.streamed else [reply])]
        for part in parts:
            check_hidden(part)
        heard = assemble(parts) if self.streamed else assemble_reply(parts[0])
        check_citations(heard["content"] or "", heard["annotations"])
        return heard

    def begin(self, **more: Any) -> tuple[Message, Message]:
        """Ask what makes the model search and call both tools; returns question and turn."""
        question = user(QUESTION)
        heard = self.ask(question, **more)
        assert [call["name"] for call in heard["tool_calls"]] == ["get_weather", "get_time"]
        return question, as_message(heard)


@contextmanager
def proxy_with(sandbox: Sandbox, **more: Any) -> Iterator[str]:
    settings: dict[str, Any] = {
        "lighton_base_url": sandbox.url,
        "lighton_api_key": "lighton-key",
        "scaleway_base_url": f"{sandbox.url}/v1",
        "scaleway_api_key": "scaleway-key",
        "api_keys": (ADA, BOB),
        "keep_warm_s": 0,
        "search_cache_ttl": 0,  # the tests count searches
    }
    with serving_in_thread(create_app(Settings(**settings, **more))) as url:
        yield url


@pytest.fixture(scope="module")
def proxy(running_sandbox: Sandbox) -> Iterator[str]:
    with proxy_with(running_sandbox, search_memory=False) as url:
        yield url


@pytest.fixture
def start(sandbox: Sandbox) -> Iterator[StartProxy]:
    """Start a proxy with other settings, which remembers nothing of other tests."""
    with ExitStack() as running:
        yield lambda **settings: running.enter_context(proxy_with(sandbox, **settings))


@pytest.fixture(params=[False, True], ids=["plain", "streamed"])
def ada(proxy: str, request: pytest.FixtureRequest) -> Client:
    return Client(proxy, ADA, streamed=request.param)


@pytest.fixture(params=[False, True], ids=["plain", "streamed"])
def ada_remembered(start: StartProxy, request: pytest.FixtureRequest) -> Client:
    return Client(start(search_memory=True), ADA, streamed=request.param)


def user(text: str) -> Message:
    return {"role": "user", "content": text}


def as_message(heard: dict[str, Any]) -> Message:
    """Return what a client keeps in its history of what it heard."""
    message = {"role": "assistant", "content": heard["content"]}
    calls = [
        {
            "id": call["id"],
            "type": "function",
            "function": {"name": call["name"], "arguments": call["arguments"]},
        }
        for call in heard["tool_calls"]
    ]
    return message | ({"tool_calls": calls} if calls else {})


def results(turn: Message, *texts: str) -> list[Message]:
    """Return the tool messages for the calls of a turn, as far as there are texts."""
    calls = turn["tool_calls"][: len(texts)]
    return [
        {"role": "tool", "tool_call_id": call["id"], "content": text}
        for call, text in zip(calls, texts, strict=True)
    ]


def seen_by_model(history: list[Message]) -> list[tuple[str, str]]:
    """Return every call that the model sees in a history, as tool name and result, in order."""
    answers = {each["tool_call_id"]: each["content"] for each in history if each["role"] == "tool"}
    return [
        (call["function"]["name"], answers[call["id"]])
        for message in history
        for call in message.get("tool_calls") or []
    ]


def names_seen_by_model(history: list[Message]) -> list[str]:
    return [name for name, _ in seen_by_model(history)]


# The turn that is continued.


def test_the_model_sees_its_own_search_beside_the_clients_results(
    ada: Client, sandbox: Sandbox
) -> None:
    question, turn = ada.begin()
    answer = ada.ask(question, turn, *results(turn, "sunny", "noon"))
    history = histories(sandbox)[-1]
    assert names_seen_by_model(history) == [SEARCH_TOOL, "get_weather", "get_time"]
    (_, found), *others = seen_by_model(history)
    assert "27 days" in found
    assert others == [("get_weather", "sunny"), ("get_time", "noon")]
    assert FACT in answer["content"]
    check_requests(sandbox, searches=1)


def test_the_model_sees_the_rounds_before_the_one_with_the_clients_call(
    ada: Client, sandbox: Sandbox
) -> None:
    question = user(QUESTION)
    messages = [question]
    for text in ("sunny", "noon"):
        turn = as_message(ada.ask(*messages, model=ONE_AT_A_TIME))
        messages += [turn, *results(turn, text)]
    answer = ada.ask(*messages, model=ONE_AT_A_TIME)
    history = histories(sandbox)[-1]
    turns = [message for message in history if message["role"] == "assistant"]
    assert [len(turn["tool_calls"]) for turn in turns] == [1, 1, 1]
    assert names_seen_by_model(history) == [SEARCH_TOOL, "get_weather", "get_time"]
    assert FACT in answer["content"]
    check_requests(sandbox, searches=1)


def test_what_the_model_said_before_its_calls_is_seen_once(ada: Client, sandbox: Sandbox) -> None:
    model = "mistral-medium-3.5-128b"
    options: dict[str, Any] = {"model": model, "parallel_tool_calls": False}
    question = user(QUESTION)
    turn = as_message(ada.ask(question, **options))
    assert turn["content"].count("Let me look that up.") == 2
    ada.ask(question, turn, *results(turn, "sunny"), **options)
    turns = [message for message in histories(sandbox)[-1] if message["role"] == "assistant"]
    assert [message["content"] for message in turns] == ["Let me look that up."] * 2
    check_requests(sandbox, searches=1)


@pytest.mark.parametrize("mode", ["context", "hybrid"])
def test_passages_from_before_the_first_round_are_there_again(
    ada: Client, sandbox: Sandbox, mode: str
) -> None:
    options: dict[str, Any] = {"lighton": {"retrieval": mode}}
    question, turn = ada.begin(**options)
    answer = ada.ask(question, turn, *results(turn, "sunny", "noon"), **options)
    first, last = histories(sandbox)
    assert "27 days" not in first[0]["content"]
    assert "27 days" in json.dumps(first[1:])
    assert last[: len(first)] == first
    assert FACT in answer["content"]
    check_requests(sandbox, searches=1)


def test_a_search_is_not_run_again_after_the_clients_results(ada: Client, sandbox: Sandbox) -> None:
    question, turn = ada.begin()
    more = {"tool_choice": FORCED_SEARCH}
    answer = ada.ask(question, turn, *results(turn, "sunny", "noon"), **more)
    assert names_seen_by_model(histories(sandbox)[-1])[-1] == SEARCH_TOOL
    assert FACT in answer["content"]
    check_requests(sandbox, searches=1)


def test_the_numbers_of_passages_go_on_in_a_continued_turn(ada: Client, sandbox: Sandbox) -> None:
    narrow: dict[str, Any] = {"lighton": {"max_results": 1}}
    _, turn = ada.begin(**narrow)
    more = {"tool_choice": FORCED_SEARCH, **narrow}
    answer = ada.ask(user(CERTIFICATE), turn, *results(turn, "sunny", "noon"), **more)
    assert f"{CERTIFICATE_FACT} [1]" in answer["content"]
    titles = [each["url_citation"]["title"] for each in answer["annotations"]]
    assert titles[-1] == "Remote access"
    check_requests(sandbox, searches=2)


# What clients do with a turn.


def test_two_branches_of_one_turn_go_on_at_the_same_time(ada: Client, sandbox: Sandbox) -> None:
    question, turn = ada.begin()
    weathers = ["sunny", "rainy"]
    with ThreadPoolExecutor() as pool:
        branches = [
            pool.submit(ada.ask, question, turn, *results(turn, weather, "noon"))
            for weather in weathers
        ]
        answers = [branch.result()["content"] for branch in branches]
    for answer, mine, others in zip(answers, weathers, reversed(weathers), strict=True):
        assert f"get_weather returned: {mine}" in answer
        assert others not in answer
        assert FACT in answer
    check_requests(sandbox, searches=1)


def test_a_request_that_is_sent_again_gets_the_same_answer(ada: Client, sandbox: Sandbox) -> None:
    question, turn = ada.begin()
    sent = (question, turn, *results(turn, "sunny", "noon"))
    answers = [ada.ask(*sent) for _ in range(2)]
    assert answers[0]["content"] == answers[1]["content"]
    assert answers[0]["annotations"] == answers[1]["annotations"]
    first, second = histories(sandbox)[-2:]
    assert first == second
    check_requests(sandbox, searches=1)


def test_a_call_without_a_result_is_answered_for_the_client(ada: Client, sandbox: Sandbox) -> None:
    question, turn = ada.begin()
    answer = ada.ask(question, turn, *results(turn, "sunny"))
    seen = seen_by_model(histories(sandbox)[-1])
    assert [name for name, _ in seen] == [SEARCH_TOOL, "get_weather", "get_time"]
    assert seen[1] == ("get_weather", "sunny")
    assert seen[2][1]
    assert "get_weather returned: sunny" in answer["content"]
    assert FACT in answer["content"]
    check_requests(sandbox, searches=1)


def test_a_call_that_the_client_leaves_out_is_gone(ada: Client, sandbox: Sandbox) -> None:
    question, turn = ada.begin()
    (weather, _) = turn["tool_calls"]
    shorter = {**turn, "tool_calls": [weather]}
    # Without its tool, the model cannot make the lost call once more.
    only: dict[str, Any] = {
        "tools": [tool for tool in TOOLS if tool["function"]["name"] == "get_weather"]
    }
    answer = ada.ask(question, shorter, *results(shorter, "sunny"), **only)
    assert names_seen_by_model(histories(sandbox)[-1]) == [SEARCH_TOOL, "get_weather"]
    assert FACT in answer["content"]
    check_requests(sandbox, searches=1)


def test_results_in_another_order_are_put_in_order(ada: Client, sandbox: Sandbox) -> None:
    question, turn = ada.begin()
    answer = ada.ask(question, turn, *reversed(results(turn, "sunny", "noon")))
    seen = seen_by_model(histories(sandbox)[-1])
    assert seen[1:] == [("get_weather", "sunny"), ("get_time", "noon")]
    assert FACT in answer["content"]
    check_requests(sandbox, searches=1)


def test_an_edited_result_counts(ada: Client, sandbox: Sandbox) -> None:
    question, turn = ada.begin()
    ada.ask(question, turn, *results(turn, "sunny", "noon"))
    edited = ada.ask(question, turn, *results(turn, "hail", "noon"))
    assert "get_weather returned: hail" in edited["content"]
    assert "sunny" not in json.dumps(histories(sandbox)[-1])
    assert FACT in edited["content"]
    check_requests(sandbox, searches=1)


def test_an_edited_call_counts(ada: Client, sandbox: Sandbox) -> None:
    question, turn = ada.begin()
    weather, time = turn["tool_calls"]
    function = {"name": "get_weather", "arguments": '{"city": "Lyon"}'}
    edited = {**turn, "tool_calls": [{**weather, "function": function}, time]}
    answer = ada.ask(question, edited, *results(edited, "cloudy", "noon"))
    sent = json.dumps(histories(sandbox)[-1])
    assert "Lyon" in sent
    assert '\\"Paris\\"' not in sent
    assert FACT in answer["content"]
    check_requests(sandbox, searches=1)


def test_an_edited_question_keeps_the_turn(ada: Client, sandbox: Sandbox) -> None:
    _, turn = ada.begin()
    question = user(f"{QUESTION} Also say when the VPN certificate is renewed.")
    answer = ada.ask(question, turn, *results(turn, "sunny", "noon"))
    assert "get_time returned: noon" in answer["content"]
    assert f"{CERTIFICATE_FACT} [2]" in answer["content"]
    check_requests(sandbox, searches=1)


def test_a_user_who_interrupts_a_turn_is_answered(ada: Client, sandbox: Sandbox) -> None:
    question, turn = ada.begin()
    answer = ada.ask(question, turn, user(LEAVE))
    assert FACT in answer["content"]
    for history in histories(sandbox):
        check_history(history)


# What is not there.


def test_another_key_gets_nothing_of_a_turn(ada: Client, sandbox: Sandbox) -> None:
    question, turn = ada.begin()
    bob = Client(ada.url, BOB, streamed=ada.streamed)
    continued = (question, turn, *results(turn, "sunny", "noon"))
    before = len(histories(sandbox))
    answer = bob.ask(*continued)
    first = histories(sandbox)[before]
    assert seen_by_model(first) == [("get_weather", "sunny"), ("get_time", "noon")]
    assert "27 days" not in json.dumps(first)
    assert FACT in answer["content"]
    check_requests(sandbox, searches=2)
    ada.ask(*continued)
    assert names_seen_by_model(histories(sandbox)[-1])[0] == SEARCH_TOOL
    check_requests(sandbox, searches=2)


def test_a_search_that_reaches_other_documents_gets_nothing_of_a_turn(
    ada: Client, sandbox: Sandbox
) -> None:
    here: dict[str, Any] = {"lighton": {"workspace_id": [HR]}}
    elsewhere: dict[str, Any] = {"lighton": {"workspace_id": [IT]}}
    question, turn = ada.begin(**here)
    continued = (question, turn, *results(turn, "sunny", "noon"))
    before = len(histories(sandbox))
    answer = ada.ask(*continued, **elsewhere)
    assert seen_by_model(histories(sandbox)[before])[0] == ("get_weather", "sunny")
    assert "27 days" not in json.dumps(histories(sandbox)[before:])
    assert "get_weather returned: sunny" in answer["content"]
    check_requests(sandbox, searches=2)
    ada.ask(*continued, **here)
    assert names_seen_by_model(histories(sandbox)[-1])[0] == SEARCH_TOOL
    check_requests(sandbox, searches=2)


@pytest.mark.parametrize(
    "call_id",
    ["call_0123456789abcdef01234567_1_0", "call_1", "call_0123456789abcdef01234567", "1" * 100],
)
def test_an_id_that_the_proxy_does_not_know_is_no_error(
    ada: Client, sandbox: Sandbox, call_id: str
) -> None:
    function = {"name": "get_weather", "arguments": '{"city": "Paris"}'}
    calls = [{"id": call_id, "type": "function", "function": function}]
    turn = {"role": "assistant", "content": None, "tool_calls": calls}
    question = user("Call get_weather for Paris.")
    answer = ada.ask(question, turn, *results(turn, "sunny"))
    assert seen_by_model(histories(sandbox)[-1]) == [("get_weather", "sunny")]
    assert "get_weather returned: sunny" in answer["content"]
    check_requests(sandbox, searches=0)


@pytest.mark.parametrize(
    "settings", [{"turns_ttl_s": 1e-6}, {"state_max_bytes": 0}], ids=["expired", "no room"]
)
def test_what_is_no_longer_kept_is_searched_again(
    start: StartProxy, sandbox: Sandbox, settings: dict[str, Any]
) -> None:
    ada = Client(start(**settings))
    question, turn = ada.begin()
    answer = ada.ask(question, turn, *results(turn, "sunny", "noon"))
    assert "get_weather returned: sunny" in answer["content"]
    assert FACT in answer["content"]
    check_requests(sandbox, searches=2)


# Later turns of the user.


def test_later_turns_see_nothing_that_was_hidden(ada: Client, sandbox: Sandbox) -> None:
    question, turn = ada.begin()
    messages = [question, turn, *results(turn, "sunny", "noon")]
    answer = as_message(ada.ask(*messages))
    again = ada.ask(*messages, answer, user("Call get_time for Oslo."))
    assert [call["name"] for call in again["tool_calls"]] == ["get_time"]
    history = histories(sandbox)[-1]
    assert seen_by_model(history) == [("get_weather", "sunny"), ("get_time", "noon")]
    assert "<passage" not in json.dumps(history)
    check_requests(sandbox, searches=1)


def test_without_memory_the_same_question_is_searched_again(ada: Client, sandbox: Sandbox) -> None:
    question = user(LEAVE)
    answer = as_message(ada.ask(question))
    assert FACT in ada.ask(question, answer, question)["content"]
    check_requests(sandbox, searches=2)


def test_with_memory_the_same_question_is_not_searched_again(
    ada_remembered: Client, sandbox: Sandbox
) -> None:
    question = user(LEAVE)
    answer = as_message(ada_remembered.ask(question))
    again = ada_remembered.ask(question, answer, question)
    history = histories(sandbox)[-1]
    assert names_seen_by_model(history) == [SEARCH_TOOL]
    assert "27 days" in seen_by_model(history)[0][1]
    assert FACT in again["content"]
    assert again["annotations"]
    check_requests(sandbox, searches=1)


def test_with_memory_a_model_that_searches_the_same_again_gets_the_earlier_result(
    ada_remembered: Client, sandbox: Sandbox
) -> None:
    question = user(LEAVE)
    answer = as_message(ada_remembered.ask(question))
    again = ada_remembered.ask(question, answer, question, tool_choice=FORCED_SEARCH)
    assert names_seen_by_model(histories(sandbox)[-1]) == [SEARCH_TOOL, SEARCH_TOOL]
    assert FACT in again["content"]
    check_requests(sandbox, searches=1)


def test_with_memory_the_numbers_of_passages_go_on(
    ada_remembered: Client, sandbox: Sandbox
) -> None:
    narrow: dict[str, Any] = {"lighton": {"max_results": 1}}
    first = user(LEAVE)
    answer = as_message(ada_remembered.ask(first, **narrow))
    second = ada_remembered.ask(first, answer, user(CERTIFICATE), **narrow)
    assert f"{CERTIFICATE_FACT} [1]" in second["content"]
    assert second["annotations"][-1]["url_citation"]["title"] == "Remote access"
    check_requests(sandbox, searches=2)


def test_with_memory_an_answer_that_took_the_clients_tools_is_remembered_whole(
    ada_remembered: Client, sandbox: Sandbox
) -> None:
    question, turn = ada_remembered.begin()
    messages = [question, turn, *results(turn, "sunny", "noon")]
    answer = as_message(ada_remembered.ask(*messages))
    again = ada_remembered.ask(*messages, answer, user(LEAVE))
    seen = seen_by_model(histories(sandbox)[-1])
    assert [name for name, _ in seen] == [SEARCH_TOOL, "get_weather", "get_time"]
    assert FACT in again["content"]
    check_requests(sandbox, searches=1)


def test_with_memory_another_key_with_the_same_words_gets_nothing(
    ada_remembered: Client, sandbox: Sandbox
) -> None:
    question = user(LEAVE)
    answer = as_message(ada_remembered.ask(question))
    bob = Client(ada_remembered.url, BOB, streamed=ada_remembered.streamed)
    before = len(histories(sandbox))
    assert FACT in bob.ask(question, answer, question)["content"]
    assert "<passage" not in json.dumps(histories(sandbox)[before])
    check_requests(sandbox, searches=2)
    ada_remembered.ask(question, answer, question)
    check_requests(sandbox, searches=2)


def test_with_memory_an_answer_in_other_words_is_not_recognised(
    ada_remembered: Client, sandbox: Sandbox
) -> None:
    question = user(LEAVE)
    ada_remembered.ask(question)
    other = {"role": "assistant", "content": "I do not know."}
    before = len(histories(sandbox))
    assert FACT in ada_remembered.ask(question, other, question)["content"]
    assert "<passage" not in json.dumps(histories(sandbox)[before])
    check_requests(sandbox, searches=2)


def test_with_memory_another_conversation_with_the_same_last_words_gets_nothing(
    ada_remembered: Client, sandbox: Sandbox
) -> None:
    """Many users may be served with one key."""
    question = user(LEAVE)
    answer = as_message(ada_remembered.ask(question))
    others = (user("Good morning."), {"role": "assistant", "content": "Good morning."})
    before = len(histories(sandbox))
    assert FACT in ada_remembered.ask(*others, question, answer, question)["content"]
    assert "<passage" not in json.dumps(histories(sandbox)[before])
    check_requests(sandbox, searches=2)


def test_memory_is_a_matter_of_the_profile(start: StartProxy, sandbox: Sandbox) -> None:
    profiles = {
        "remembers": {"model": MODEL, "search_memory": True},
        "forgets": {"model": MODEL, "search_memory": False},
    }
    question = user(LEAVE)
    searches = []
    for profile, default in (("remembers", False), ("forgets", True)):
        sandbox.faults.requests.clear()
        client = Client(start(search_memory=default, profiles=profiles))
        answer = as_message(client.ask(question, model=profile))
        client.ask(question, answer, question, model=profile)
        searches.append(count_searches(sandbox))
    assert searches == [1, 2]
