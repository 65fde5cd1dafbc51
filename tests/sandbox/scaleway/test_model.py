import json
from typing import Any

import pytest

from proxy.core import search_tool
from proxy.core.text import AnswerText, Numbering
from proxy.sandbox.scaleway.chat_request import ChatRequest
from proxy.sandbox.scaleway.model import (
    NO_MATCH,
    NO_RESULTS,
    PREAMBLE,
    SELF_DESCRIPTION,
    UNAVAILABLE,
    Reply,
    decide,
)
from proxy.sandbox.served import find

QUESTION = "How long is the notice period?"
PASSAGE = '<passage n="1" title="Lease" page="3">\nThe notice period is **3 months**.\n</passage>'
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}

Message = dict[str, Any]


def tool(name: str, parameters: Any = None) -> Message:
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


SEARCH = tool("lighton_search")
WEATHER = tool("get_weather", CITY)
TIME = tool("get_time", CITY)


def ask(*messages: Message | str, model: str = "llama-3.3-70b-instruct", **fields: Any) -> Reply:
    """Return the reply to messages; a plain string is a user's."""
    served = find(model)
    assert served is not None
    spoken = [
        {"role": "user", "content": each} if isinstance(each, str) else each for each in messages
    ]
    return decide(
        ChatRequest.model_validate({"model": model, "messages": spoken, **fields}), served
    )


def system(text: str) -> Message:
    return {"role": "system", "content": text}


def called(*names: str) -> Message:
    calls = [
        {"id": f"c{place}", "type": "function", "function": {"name": name, "arguments": "{}"}}
        for place, name in enumerate(names)
    ]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def result(place: int, text: str) -> Message:
    return {"role": "tool", "tool_call_id": f"c{place}", "content": text}


def names(reply: Reply) -> list[str]:
    return [call.name for call in reply.calls]


def arguments(reply: Reply) -> list[Any]:
    return [json.loads(call.arguments) for call in reply.calls]


def named(name: str) -> Message:
    return {"type": "function", "function": {"name": name}}


# Searching


def test_the_question_is_searched_when_the_search_tool_is_offered() -> None:
    reply = ask(f"  {QUESTION}\n", tools=[SEARCH])
    assert names(reply) == ["lighton_search"]
    assert arguments(reply) == [{"query": QUESTION}]
    assert reply.content == ""


def test_a_very_long_question_is_searched_by_its_beginning() -> None:
    (searched,) = arguments(ask("why " * 1000, tools=[SEARCH]))
    assert searched["query"] == ("why " * 1000)[:1500]


def test_a_question_is_searched_once_then_answered_with_citations() -> None:
    reply = ask(QUESTION, called("lighton_search"), result(0, PASSAGE), tools=[SEARCH])
    assert reply == Reply("The notice period is 3 months. [1]")


def test_the_next_question_is_searched_again() -> None:
    history = (QUESTION, called("lighton_search"), result(0, PASSAGE))
    answer = {"role": "assistant", "content": "3 months [1]."}
    assert names(ask(*history, answer, "Are pets welcome?", tools=[SEARCH])) == ["lighton_search"]


def test_passages_that_fit_make_a_search_needless() -> None:
    assert ask(system(PASSAGE), QUESTION, tools=[SEARCH]).content.endswith("[1]")


def test_passages_that_do_not_fit_are_no_reason_not_to_search() -> None:
    reply = ask(system(PASSAGE), "Are pets welcome?", tools=[SEARCH])
    assert names(reply) == ["lighton_search"]


def test_no_question_no_search() -> None:
    assert names(ask("", tools=[SEARCH])) == []


def test_every_sentence_is_followed_by_its_number() -> None:
    second = '<passage n="2">Longer notice periods need consent.</passage>'
    reply = ask(system(f"{PASSAGE}\n\n{second}"), QUESTION)
    assert reply.content == (
        "The notice period is 3 months. [1] Longer notice periods need consent. [2]"
    )


def test_an_empty_search_is_admitted() -> None:
    reply = ask(QUESTION, called("lighton_search"), result(0, "No results found."), tools=[SEARCH])
    assert reply.content == NO_RESULTS


def test_an_empty_search_before_the_round_is_admitted_too() -> None:
    assert ask(system("Passages:\n\nNo results found."), QUESTION).content == NO_RESULTS


@pytest.mark.parametrize("question", [QUESTION, "hello"])
def test_a_failed_search_is_admitted_without_what_the_model_was_told_to_do(question: str) -> None:
    searched = (called("lighton_search"), result(0, search_tool.UNAVAILABLE))
    assert ask(question, *searched, tools=[SEARCH]).content == UNAVAILABLE
    assert ask(system(f"Be brief. {search_tool.UNAVAILABLE}"), question).content == UNAVAILABLE


@pytest.mark.parametrize("found", ["No results found.", PASSAGE])
def test_small_talk_is_answered_with_what_the_stand_in_is(found: str) -> None:
    reply = ask("hello", called("lighton_search"), result(0, found), tools=[SEARCH])
    assert reply.content == f"{SELF_DESCRIPTION} You wrote: hello"


def test_quoted_code_cites_nothing() -> None:
    reply = ask(system('<passage n="2">Numbers look like `[1]`.</passage>'), "numbers")
    assert reply.content == "Numbers look like `[1]`. [2]"
    text = AnswerText(numbering=Numbering(), links=None)
    text.show({1: "u:1", 2: "u:2"})
    assert text.feed(reply.content) + text.flush() == "Numbers look like `[1]`. [1]"
    assert [each.start for each in text.markers] == [25]


def test_a_repeated_search_without_passages_of_its_own_falls_back_on_the_first() -> None:
    history = (QUESTION, called("lighton_search"), result(0, PASSAGE))
    again = (called("lighton_search"), result(0, "It found [1], shown above."))
    assert ask(*history, *again, tools=[SEARCH]).content == "The notice period is 3 months. [1]"


def test_passages_that_do_not_fit_are_admitted() -> None:
    assert ask(system(PASSAGE), "Are pets welcome?").content == NO_MATCH


# A client's tools


def test_a_clients_tool_is_called_when_the_message_names_it() -> None:
    reply = ask("Use get_weather for Paris", tools=[SEARCH, WEATHER, TIME])
    assert names(reply) == ["get_weather"]
    assert arguments(reply) == [{"city": "Paris"}]


def test_a_tools_name_is_no_argument() -> None:
    assert arguments(ask("get_weather Paris", tools=[WEATHER])) == [{"city": "Paris"}]


def test_a_single_tool_draws_on_the_words_before_its_name_too() -> None:
    assert arguments(ask("In Paris: get_weather now", tools=[WEATHER])) == [{"city": "Paris"}]


def test_a_tool_that_is_not_named_is_not_called() -> None:
    assert names(ask("What's the weather in Paris?", tools=[WEATHER])) == []


def test_several_named_tools_are_called_at_once_each_with_its_own_words() -> None:
    reply = ask("get_time for Tokyo and get_weather for Paris", tools=[WEATHER, TIME])
    assert names(reply) == ["get_time", "get_weather"]
    assert arguments(reply) == [{"city": "Tokyo"}, {"city": "Paris"}]


def test_a_tool_without_words_of_its_own_draws_on_the_whole_message() -> None:
    reply = ask("For Paris: get_time, get_weather", tools=[WEATHER, TIME])
    assert arguments(reply) == [{"city": "Paris"}] * 2


@pytest.mark.parametrize(
    ("model", "parallel", "calls"),
    [
        ("llama-3.3-70b-instruct", None, 2),
        ("llama-3.3-70b-instruct", True, 2),
        ("llama-3.3-70b-instruct", False, 1),
        ("gemma-4-26b-a4b-it", True, 1),
    ],
)
def test_calls_are_parallel_where_request_and_model_allow(
    model: str, *, parallel: bool | None, calls: int
) -> None:
    reply = ask(
        "get_time and get_weather", model=model, tools=[WEATHER, TIME], parallel_tool_calls=parallel
    )
    assert len(reply.calls) == calls


def test_what_parallel_calls_would_have_done_is_done_in_the_next_turn() -> None:
    history = ("get_time and get_weather", called("get_time"), result(0, "noon"))
    reply = ask(*history, tools=[WEATHER, TIME], parallel_tool_calls=False)
    assert names(reply) == ["get_weather"]


def test_the_results_are_repeated() -> None:
    reply = ask(
        "get_time and get_weather",
        called("get_time", "get_weather"),
        result(0, "noon"),
        result(1, "18 °C"),
        tools=[WEATHER, TIME],
    )
    assert (
        reply.content == "The tool get_time returned: noon\n\nThe tool get_weather returned: 18 °C"
    )


def test_a_long_result_is_repeated_in_part() -> None:
    reply = ask("get_time", called("get_time"), result(0, "x" * 5000))
    assert reply.content == f"The tool get_time returned: {'x' * 600} …"


@pytest.mark.parametrize("word", ["search", "lighton_search"])
def test_a_message_can_ask_for_a_search_and_a_clients_tool_in_one_turn(word: str) -> None:
    reply = ask(f"get_weather for Paris and {word} too", tools=[WEATHER, SEARCH])
    assert names(reply) == ["lighton_search", "get_weather"]


def test_after_both_the_answer_holds_both() -> None:
    reply = ask(
        "search the notice period and call get_weather",
        called("lighton_search", "get_weather"),
        result(0, PASSAGE),
        result(1, "18 °C"),
        tools=[WEATHER, SEARCH],
    )
    assert reply.content == (
        "The tool get_weather returned: 18 °C\n\nThe notice period is 3 months. [1]"
    )


# tool_choice


def test_none_forbids_calls() -> None:
    message = "search and get_weather"
    assert names(ask(message, tools=[SEARCH, WEATHER], tool_choice="none")) == []


@pytest.mark.parametrize("name", ["lighton_search", "get_time"])
def test_a_named_tool_is_called_even_if_it_was_before(name: str) -> None:
    history = ("Hello in Rome", called(name), result(0, "x"))
    tools = [SEARCH, WEATHER, TIME]
    assert names(ask("Hello", tools=tools, tool_choice=named(name))) == [name]
    assert names(ask(*history, tools=tools, tool_choice=named(name))) == [name]


def test_a_forced_search_without_a_question_still_has_a_query() -> None:
    reply = ask("", tools=[SEARCH], tool_choice=named("lighton_search"))
    assert arguments(reply) == [{"query": "?"}]


def test_required_searches_first_then_calls_a_clients_tool() -> None:
    tools = [WEATHER, SEARCH, TIME]
    assert names(ask(QUESTION, tools=tools, tool_choice="required")) == ["lighton_search"]
    searched = (QUESTION, called("lighton_search"), result(0, PASSAGE))
    assert names(ask(*searched, tools=tools, tool_choice="required")) == ["get_weather"]


def test_required_calls_again_what_was_called_if_there_is_nothing_else() -> None:
    searched = (QUESTION, called("lighton_search"), result(0, PASSAGE))
    assert names(ask(*searched, tools=[SEARCH], tool_choice="required")) == ["lighton_search"]


def test_required_calls_the_named_tool() -> None:
    tools = [WEATHER, SEARCH, TIME]
    assert names(ask("get_time", tools=tools, tool_choice="required")) == ["get_time"]


# The rest


def test_without_tools_and_passages_it_says_what_it_is() -> None:
    assert ask("Hello there").content == f"{SELF_DESCRIPTION} You wrote: Hello there"


def test_a_prompt_for_a_title_is_answered_at_once() -> None:
    prompt = '### Task:\nGenerate a title.\nJSON format: {"title": "…"}'
    reply = ask(system(PASSAGE), prompt, tools=[SEARCH])
    assert reply == Reply('{"title": "Conversation"}')


def test_some_models_talk_before_they_call() -> None:
    asked: dict[str, Any] = {"model": "mistral-medium-3.5-128b", "tools": [SEARCH]}
    assert ask(QUESTION, **asked).content == PREAMBLE
    history = (QUESTION, called("lighton_search"), result(0, PASSAGE))
    assert PREAMBLE not in ask(*history, **asked).content


def test_reasoning_models_reason_about_calls_and_answers() -> None:
    asked: dict[str, Any] = {"model": "gpt-oss-120b", "tools": [SEARCH]}
    assert "call lighton_search" in ask(QUESTION, **asked).reasoning
    history = (QUESTION, called("lighton_search"), result(0, PASSAGE))
    assert "answer from what is there" in ask(*history, **asked).reasoning
    assert ask(QUESTION).reasoning == ""


@pytest.mark.parametrize(
    ("response_format", "document"),
    [
        ({"type": "json_object"}, {"answer": "The notice period is 3 months. [1]"}),
        (
            {"type": "json_schema", "json_schema": {"name": "x"}},
            {"answer": "The notice period is 3 months. [1]"},
        ),
        (
            {"type": "json_schema", "json_schema": {"name": "x", "schema": CITY}},
            {"city": "The notice period is 3 months. [1]"},
        ),
    ],
)
def test_json_is_answered_where_it_is_asked_for(response_format: Any, document: Any) -> None:
    reply = ask(system(PASSAGE), QUESTION, response_format=response_format)
    assert json.loads(reply.content) == document


def test_a_model_that_must_write_json_calls_no_tool_unless_it_must() -> None:
    asked: dict[str, Any] = {"response_format": {"type": "json_object"}, "tools": [SEARCH]}
    assert ask(QUESTION, **asked).calls == ()
    assert len(ask(QUESTION, tool_choice="required", **asked).calls) == 1


def test_plain_text_can_be_asked_for() -> None:
    reply = ask(system(PASSAGE), QUESTION, response_format={"type": "text"})
    assert reply.content == "The notice period is 3 months. [1]"


def test_equal_requests_get_equal_replies() -> None:
    assert ask(system(PASSAGE), QUESTION) == ask(system(PASSAGE), QUESTION)
