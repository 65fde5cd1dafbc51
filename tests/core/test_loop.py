"""The loop as a script: replies in, expected commands out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from proxy.core.chat import calls_in, parse_chat, text_of
from proxy.core.desk import Desk
from proxy.core.fence import Fence
from proxy.core.hidden import Failed, Found, Job, Outcome
from proxy.core.instructions import NO_MORE_SEARCHES, QUOTING
from proxy.core.kept import Context, Findings, KeptJob, KeptTurn, call_id
from proxy.core.loop import (
    AskModel,
    Command,
    EmptyAnswerError,
    Keep,
    Recall,
    Refuse,
    RunJobs,
    Tell,
    answer,
)
from proxy.core.nothing_found import REFUSALS, UNSEARCHED
from proxy.core.passages import Passage, PassageBook, Result
from proxy.core.plan import Plan, Policy, make_plan
from proxy.core.search_tool import Search
from proxy.core.turn import Heard, Owner, ToolCall, Turn
from proxy.core.wire import Message
from proxy.errors import UpstreamTimeout
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.upstreams.lighton.wish import WISHES
from tests.core.samples import FENCE, TOOLS, handle_of_answer, note, quoted

QUESTION: Message = {"role": "user", "content": "How many days of leave?"}
WEATHER = {"type": "function", "function": {"name": "get_weather"}}
HANDLE = f"call_{'0' * 24}_1"
MINE, YOURS, TOO = (call_id("chatcmpl-" + "0" * 32, 1, number) for number in range(3))
LEAVE = Result("c1", "Leave is 27 days.", 0.9, 7, "Handbook", "h.pdf", "https://docs.test/h")


def call(
    arguments: str = '{"query": "leave"}', *, name: str = "lighton_search", id: str = "s1"
) -> ToolCall:
    owners = {"lighton_search": Owner.HIDDEN, "get_weather": Owner.CLIENT}
    return ToolCall(id, name, arguments, owners.get(name, Owner.NOBODY))


def turn(*calls: ToolCall, text: str = "") -> Turn:
    finish_reason = "tool_calls" if calls else "stop"
    return Turn(text, finish_reason, calls, heard=Heard(text))


def found(*results: Result) -> Found:
    return Found(results=results, took_ms=12)


class Script:
    """One answer, driven by hand."""

    def __init__(
        self, body: dict[str, Any] | None = None, *, late: bool = False, **policy: Any
    ) -> None:
        self.late = late
        self.plan: Plan = plan(body or {}, **policy)
        limits = self.plan.policy
        self.desk = Desk(
            TOOLS,
            self.plan.scope,
            PassageBook(9_000),
            FENCE,
            max_searches=limits.max_searches,
            query_limit=limits.query_chars,
        )
        self._loop = answer(self.plan, self.desk, lambda: self.late)
        self.final: Turn | None = None

    def start(self) -> Command:
        return next(self._loop)

    def reply(self, value: Any) -> Command | None:
        """The next command; None when the answer has ended, with its turn in `final`."""
        try:
            return self._loop.send(value)
        except StopIteration as end:
            self.final = end.value
            return None


def plan(body: dict[str, Any], **policy: Any) -> Plan:
    chat = parse_chat({"messages": [QUESTION], **body}, WISHES)
    return make_plan(chat, Policy("m", LightOnScope(), **policy), chat.wish, TOOLS, FENCE)


def asks(command: Command | None) -> AskModel:
    assert isinstance(command, AskModel)
    return command


def tools_of(command: Command | None) -> list[str]:
    return [tool["function"]["name"] for tool in asks(command).ask.tools]


def told(command: Command | None) -> list[str]:
    """The tool messages that end the history of a model round."""
    return [
        text_of(each["content"]) for each in asks(command).ask.messages if each["role"] == "tool"
    ]


def searches(command: Command | None) -> list[str]:
    assert isinstance(command, RunJobs)
    return [Search.of(job).query for job in command.jobs]


def bring(command: Command | None, *outcomes: Outcome) -> dict[Job, Outcome]:
    assert isinstance(command, RunJobs)
    return dict(zip(command.jobs, outcomes, strict=True))


def test_an_answer_without_a_search_takes_one_round() -> None:
    script = Script()
    assert tools_of(script.start()) == ["lighton_search"]
    assert script.reply(turn(text="Hello.")) is None
    assert script.final == turn(text="Hello.")


def test_a_search_call_is_run_and_its_passages_go_back_to_the_model() -> None:
    script = Script()
    script.start()
    command = script.reply(turn(call(), text="Let me see."))
    assert searches(command) == ["leave"]
    second = asks(script.reply(bring(command, found(LEAVE))))
    *_, assistant, tool = second.ask.messages
    assert assistant["role"] == "assistant"
    assert assistant["content"] == "Let me see."
    assert [each["id"] for each in calls_in(assistant)] == [tool["tool_call_id"]] == ["s1"]
    assert 'n="1"' in text_of(tool["content"])
    assert "Leave is 27 days." in text_of(tool["content"])
    assert script.reply(turn(text="27 [1]")) is None


def test_several_searches_of_a_round_are_one_command() -> None:
    script = Script()
    script.start()
    both = turn(call(id="s1"), call('{"query": "holidays"}', id="s2"))
    command = script.reply(both)
    assert searches(command) == ["leave", "holidays"]
    assert len(told(script.reply(bring(command, found(LEAVE), found())))) == 2


def test_the_round_after_the_last_search_round_offers_no_search() -> None:
    script = Script(max_rounds=2)
    command: Command | None = script.start()
    for query in ("one", "two"):
        assert tools_of(command) == ["lighton_search"]
        command = script.reply(turn(call(f'{{"query": "{query}"}}')))
        command = script.reply(bring(command, found()))
    assert tools_of(command) == []
    assert told(command)[-1].endswith(note(NO_MORE_SEARCHES))
    assert NO_MORE_SEARCHES not in told(command)[0]


def test_a_search_in_the_last_round_is_not_run_and_ends_the_answer() -> None:
    script = Script(max_rounds=1)
    script.start()
    command = script.reply(turn(call()))
    script.reply(bring(command, found()))
    stray = ToolCall("s2", "lighton_search", '{"query": "more"}', Owner.NOBODY)
    assert script.reply(turn(stray, text="So far")) is None
    assert script.final is not None
    assert script.final.text == "So far"


def test_a_model_that_only_calls_tools_in_the_last_round_gets_one_more_chance() -> None:
    script = Script(max_rounds=1)
    script.start()
    command = script.reply(turn(call()))
    script.reply(bring(command, found()))
    stray = ToolCall("s2", "lighton_search", '{"query": "more"}', Owner.NOBODY)
    again = script.reply(turn(stray))
    assert tools_of(again) == []
    assert "no tool named 'lighton_search'" in told(again)[-1]
    assert script.reply(turn(stray)) is None


def test_after_the_time_budget_one_last_round_answers() -> None:
    script = Script()
    script.start()
    command = script.reply(turn(call()))
    script.late = True
    assert tools_of(script.reply(bring(command, found(LEAVE)))) == []


FORCED = {"type": "function", "function": {"name": "lighton_search"}}


@pytest.mark.parametrize("limits", [{"late": True}, {"max_rounds": 0}])
def test_a_first_round_that_is_the_last_offers_no_search_and_ends_with_its_words(
    limits: dict[str, Any],
) -> None:
    script = Script({"tools": [WEATHER], "tool_choice": FORCED}, **limits)
    first = asks(script.start())
    assert tools_of(first) == ["get_weather"]
    assert first.ask.tool_choice == "auto"
    assert first.ask.messages[-1] == QUESTION
    assert NO_MORE_SEARCHES not in str(first.ask.messages)
    stray = call(id="s1")._replace(owner=Owner.NOBODY)
    assert script.reply(turn(stray, text="27.")) is None
    assert script.final == turn(stray, text="27.")


@pytest.mark.parametrize("limits", [{"late": True}, {"max_rounds": 0}])
def test_a_first_round_that_is_the_last_and_says_nothing_is_followed_by_one_more(
    limits: dict[str, Any],
) -> None:
    script = Script(**limits)
    assert tools_of(script.start()) == []
    stray = call()._replace(owner=Owner.NOBODY)
    again = script.reply(turn(stray))
    assert tools_of(again) == []
    unknown = "There is no tool named 'lighton_search'. There are no tools."
    assert told(again) == [f"{note(unknown)}\n\n{note(NO_MORE_SEARCHES)}"]
    assert script.reply(turn(stray)) is None
    assert script.desk.trace == []


def test_a_first_round_that_is_the_last_may_still_call_the_clients_tools() -> None:
    script = Script({"tools": [WEATHER]}, late=True)
    script.start()
    assert script.reply(turn(call("{}", name="get_weather", id=YOURS))) is None


def test_a_first_search_is_run_also_where_the_first_round_is_the_last() -> None:
    script = Script(retrieval="hybrid", max_rounds=0)
    first = asks(script.reply(bring(script.start(), found(LEAVE))))
    assert tools_of(first) == []
    (user,) = first.ask.messages
    assert "Leave is 27 days." in text_of(user["content"])


def test_searches_over_the_limit_of_a_round_are_refused_to_the_model() -> None:
    script = Script(max_searches=1)
    script.start()
    command = script.reply(turn(call(), call('{"query": "holidays"}', id="s2")))
    assert searches(command) == ["leave"]
    assert "at most 1" in told(script.reply(bring(command, found(LEAVE))))[1]


def test_the_same_query_again_is_answered_without_a_search() -> None:
    script = Script()
    script.start()
    command = script.reply(turn(call()))
    script.reply(bring(command, found(LEAVE)))
    again = script.reply(turn(call('{"query": " Leave "}', id="s2")))
    assert "[1]" in told(again)[-1]
    assert len(script.desk.trace) == 1


@pytest.mark.parametrize(
    ("arguments", "correction"),
    [("{", "not a JSON object"), ("{}", "query is missing"), ('{"query": 3}', "query is missing")],
)
def test_a_call_that_cannot_be_read_is_corrected_not_run(arguments: str, correction: str) -> None:
    script = Script()
    script.start()
    assert correction in told(script.reply(turn(call(arguments))))[0]


def test_a_tool_that_nobody_declared_is_told_to_the_model() -> None:
    script = Script()
    script.start()
    second = script.reply(turn(call("{}", name="find_file")))
    assert "no tool named 'find_file'" in told(second)[0]
    assert "lighton_search" in told(second)[0]


def test_client_calls_end_the_answer() -> None:
    script = Script({"tools": [WEATHER]})
    assert tools_of(script.start()) == ["get_weather", "lighton_search"]
    assert script.reply(turn(call("{}", name="get_weather"))) is None


def test_a_search_beside_a_client_call_is_run_before_the_answer_ends() -> None:
    script = Script({"tools": [WEATHER]})
    script.start()
    command = script.reply(turn(call(), call("{}", name="get_weather", id="w1")))
    assert searches(command) == ["leave"]
    assert script.reply(bring(command, found(LEAVE))) is None
    assert [each.get("query") for each in script.desk.trace] == ["leave"]


def keeps(command: Command | None) -> KeptTurn:
    assert isinstance(command, Keep)
    return command.turn


def test_a_turn_that_calls_tools_and_searches_is_kept_whole() -> None:
    script = Script({"tools": [WEATHER]})
    script.start()
    first = script.reply(turn(call(), text="Let me see."))
    script.reply(bring(first, found(LEAVE)))
    mixed = turn(
        call("{}", name="get_weather", id=YOURS),
        call('{"query": "holidays"}', id=MINE),
        call("{}", name="find_file", id=TOO),
        text="And now?",
    )
    command = script.reply(bring(script.reply(mixed), found(LEAVE)))
    assert isinstance(command, Keep)
    assert command.handle == HANDLE
    kept = command.turn
    assert (kept.text, kept.heard) == ("And now?", "Let me see.\n\nAnd now?")
    assert [each["role"] for each in kept.before] == ["assistant", "tool"]
    assert [each["id"] for each in kept.calls] == [YOURS, MINE, TOO]
    assert kept.answers[MINE] == note("Also found, shown before: [1].")
    assert "no tool named 'find_file'" in kept.answers[TOO]
    assert [each.n for each in kept.findings.passages] == [1]
    assert [Search.of(each.job).query for each in kept.findings.jobs] == ["leave", "holidays"]
    assert script.reply(None) is None


def test_the_round_before_the_tool_call_is_kept_also_when_that_turn_searches_nothing() -> None:
    script = Script({"tools": [WEATHER]})
    script.start()
    command = script.reply(turn(call()))
    script.reply(bring(command, found(LEAVE)))
    kept = keeps(script.reply(turn(call("{}", name="get_weather", id=YOURS))))
    assert "Leave is 27 days." in text_of(kept.before[1]["content"])


def test_nothing_is_kept_where_nothing_was_hidden() -> None:
    script = Script({"tools": [WEATHER]})
    script.start()
    assert script.reply(turn(call("{}", name="get_weather", id=YOURS))) is None


def test_the_note_that_nothing_more_can_be_searched_is_not_kept() -> None:
    script = Script({"tools": [WEATHER]}, max_rounds=1)
    script.start()
    command = script.reply(turn(call()))
    last = script.reply(bring(command, found(LEAVE)))
    assert NO_MORE_SEARCHES in told(last)[-1]
    kept = keeps(script.reply(turn(call("{}", name="get_weather", id=YOURS))))
    assert NO_MORE_SEARCHES not in str(kept.before)


def came_back(**more: Any) -> dict[str, Any]:
    """The request of a client that has run its tool."""
    function = {"name": "get_weather", "arguments": "{}"}
    turn = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": YOURS, "type": "function", "function": function}],
    }
    result = {"role": "tool", "tool_call_id": YOURS, "content": "sunny"}
    return {"tools": [WEATHER], "messages": [QUESTION, turn, result], **more}


def kept_turn(**more: Any) -> KeptTurn:
    mine = {
        "id": MINE,
        "type": "function",
        "function": {"name": "lighton_search", "arguments": '{"query": "leave"}'},
    }
    yours = {"id": YOURS, "type": "function", "function": {"name": "get_weather"}}
    findings = Findings(
        (Passage(1, LEAVE._replace(content=None)),), (KeptJob(Search("leave", 5).job, (1,)),), 1
    )
    return KeptTurn(
        text="",
        heard="",
        **{
            "calls": (mine, yours),
            "answers": {MINE: "Leave is 27 days."},
            "findings": findings,
            **more,
        },
    )


def test_the_model_sees_the_whole_history_when_the_client_comes_back() -> None:
    script = Script(came_back())
    assert script.start() == Recall((HANDLE,))
    command = script.reply({HANDLE: kept_turn()})
    assert told(command) == ["Leave is 27 days.", "sunny"]
    assert len(calls_in(asks(command).ask.messages[2])) == 2


def test_passages_and_searches_of_a_continued_turn_go_on() -> None:
    script = Script(came_back())
    script.start()
    script.reply({HANDLE: kept_turn()})
    again = call('{"query": "Leave"}', id="s2")
    other = call('{"query": "holidays"}', id="s3")
    command = script.reply(turn(again, other))
    assert searches(command) == ["holidays"]
    new = Result("c2", "Christmas.", 0.9, 8, "Holidays", "x.pdf", "https://docs.test/x")
    answers = told(script.reply(bring(command, found(LEAVE, new))))[-2:]
    assert answers[0] == note("This was searched before. It found [1], shown above.")
    christmas = Passage(2, new, "Christmas.").render(FENCE)
    assert answers[1] == quoted(christmas, note("Also found, shown before: [1]."))
    assert list(script.desk.book.passages) == [1, 2]


def test_only_what_is_new_is_kept_of_a_continued_turn() -> None:
    script = Script(came_back())
    script.start()
    script.reply({HANDLE: kept_turn()})
    new = Result("c2", "Christmas.", 0.9, 8, "Holidays", "x.pdf", "https://docs.test/x")
    command = script.reply(turn(call('{"query": "holidays"}')))
    script.reply(bring(command, found(new)))
    kept = keeps(script.reply(turn(call("{}", name="get_weather", id=YOURS))))
    assert [each.n for each in kept.findings.passages] == [2]
    assert [Search.of(each.job).query for each in kept.findings.jobs] == ["holidays"]
    assert len(kept.before) == 2


def test_a_kept_turn_that_is_gone_is_no_error() -> None:
    script = Script(came_back())
    script.start()
    command = script.reply({})
    assert told(command) == ["sunny"]
    assert searches(script.reply(turn(call()))) == ["leave"]


def test_the_first_search_is_not_repeated_when_the_client_comes_back() -> None:
    script = Script({"tools": [WEATHER]}, retrieval="hybrid")
    first = asks(script.reply(bring(script.start(), found(LEAVE))))
    kept = keeps(script.reply(turn(call("{}", name="get_weather", id=YOURS))))
    assert kept.context is not None
    again = Script(came_back(), retrieval="hybrid")
    again.start()
    command = asks(again.reply({HANDLE: kept}))
    assert command.ask.messages[: len(first.ask.messages)] == first.ask.messages


def test_a_first_search_that_failed_is_tried_again() -> None:
    script = Script({"tools": [WEATHER]}, retrieval="hybrid")
    script.reply(bring(script.start(), Failed(UpstreamTimeout("LightOn", "late"))))
    assert script.reply(turn(call("{}", name="get_weather", id=YOURS))) is None


def test_another_question_is_searched_first_beside_what_was_found() -> None:
    context = Context((Search("Another question?", 5).job,), "Earlier passages.")
    script = Script(came_back(), retrieval="context")
    script.start()
    command = script.reply({HANDLE: kept_turn(context=context)})
    assert searches(command) == ["How many days of leave?"]
    (user, *_) = asks(script.reply(bring(command, found()))).ask.messages
    texts = ("Earlier passages.", note("No results found."), QUESTION["content"])
    assert user["content"] == "\n\n".join(map(str, texts))


def test_nothing_is_looked_up_with_retrieval_off() -> None:
    script = Script(came_back(), retrieval="off")
    assert told(script.start()) == ["sunny"]


LATER: dict[str, Any] = {
    "messages": [
        QUESTION,
        {"role": "assistant", "content": "Let me see. It is 27 [1]"},
        {"role": "user", "content": "And in hours?"},
    ]
}


ANSWERED = handle_of_answer(*LATER["messages"][:2])


def answered(script: Script) -> Command | None:
    """The command after an answer that took one search."""
    script.start()
    command = script.reply(turn(call(), text="Let me see."))
    script.reply(bring(command, found(LEAVE)))
    return script.reply(turn(text="It is 27 [1]"))


def test_a_finished_answer_is_not_kept_unless_searches_are_remembered() -> None:
    assert answered(Script()) is None
    assert isinstance(Script(LATER).start(), AskModel)


def test_a_remembered_answer_is_kept_under_its_text_and_put_back_later() -> None:
    command = answered(Script(search_memory=True))
    assert isinstance(command, Keep)
    assert command.handle == ANSWERED
    later = Script(LATER, search_memory=True)
    assert later.start() == Recall((ANSWERED,))
    asked = later.reply({ANSWERED: command.turn})
    assert [each["role"] for each in asks(asked).ask.messages[1:]] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "user",
    ]
    assert asks(asked).ask.messages[-2]["content"] == "It is 27 [1]"
    again = later.reply(turn(call(id="s2")))
    assert "searched before" in told(again)[-1]


def test_an_answer_is_kept_under_all_that_was_said_before_it() -> None:
    system = {"role": "system", "content": "Today is Monday."}
    messages = [system, *LATER["messages"]]
    script = Script({"messages": messages}, search_memory=True)
    script.start()
    script.reply({})
    command = script.reply(turn(call()))
    script.reply(bring(command, found(LEAVE)))
    command = script.reply(turn(text="216."))
    assert isinstance(command, Keep)
    said: Message = {"role": "assistant", "content": "216."}
    assert command.handle == handle_of_answer(*messages, said)


def test_an_answer_without_a_search_is_kept_so_that_no_other_is_taken_for_it() -> None:
    script = Script(search_memory=True)
    script.start()
    command = script.reply(turn(text="Hello."))
    assert isinstance(command, Keep)
    said: Message = {"role": "assistant", "content": "Hello."}
    assert command.handle == handle_of_answer(QUESTION, said)
    assert command.turn.size == 0
    assert script.reply(None) is None


def test_nothing_is_kept_of_an_answer_without_words_or_without_retrieval() -> None:
    silent = Script(search_memory=True)
    silent.start()
    assert silent.reply(turn(text=" \n")) is None
    off = Script(search_memory=True, retrieval="off")
    off.start()
    assert off.reply(turn(text="Hello.")) is None


def test_a_failed_search_is_told_to_the_model_and_traced() -> None:
    script = Script()
    script.start()
    command = script.reply(turn(call()))
    failed = Failed(UpstreamTimeout("LightOn", "LightOn did not answer in time."), 5)
    assert "unavailable" in told(script.reply(bring(command, failed)))[0]
    assert script.desk.trace[0]["error"] == "LightOn did not answer in time."


def test_a_failed_search_may_be_tried_again() -> None:
    script = Script()
    script.start()
    command = script.reply(turn(call()))
    failed = Failed(UpstreamTimeout("LightOn", "LightOn did not answer in time."))
    script.reply(bring(command, failed))
    assert searches(script.reply(turn(call(id="s2")))) == ["leave"]


def test_a_failed_search_ends_the_answer_where_the_setting_says_so() -> None:
    script = Script(on_search_error="fail")
    script.start()
    command = script.reply(turn(call()))
    with pytest.raises(UpstreamTimeout):
        script.reply(bring(command, Failed(UpstreamTimeout("LightOn", "late"))))


@pytest.mark.parametrize("outcome", [found(LEAVE), found()])
def test_a_search_that_succeeds_is_told_to_the_model_where_a_failed_one_would_end_the_answer(
    outcome: Outcome,
) -> None:
    script = Script(on_search_error="fail")
    script.start()
    second = script.reply(bring(script.reply(turn(call())), outcome))
    (answer,) = told(second)
    assert ("Leave is 27 days." in answer) == (outcome == found(LEAVE))
    assert script.reply(turn(text="27 [1]")) is None
    assert "error" not in script.desk.trace[0]


@pytest.mark.parametrize("retrieval", ["context", "hybrid"])
def test_a_first_search_ends_the_answer_only_if_it_fails(retrieval: str) -> None:
    script = Script(retrieval=retrieval, on_search_error="fail")
    first = asks(script.reply(bring(script.start(), found(LEAVE))))
    systems = [each for each in first.ask.messages if each["role"] == "system"]
    assert "Leave is 27 days." not in str(systems)
    assert "Leave is 27 days." in str(first.ask.messages)
    failing = Script(retrieval=retrieval, on_search_error="fail")
    command = failing.start()
    with pytest.raises(UpstreamTimeout):
        failing.reply(bring(command, Failed(UpstreamTimeout("LightOn", "late"))))


def test_one_failed_search_of_several_ends_the_answer_where_the_setting_says_so() -> None:
    script = Script(on_search_error="fail")
    script.start()
    command = script.reply(turn(call(), call('{"query": "holidays"}', id="s2")))
    failed = Failed(UpstreamTimeout("LightOn", "late"))
    with pytest.raises(UpstreamTimeout):
        script.reply(bring(command, found(LEAVE), failed))


def test_context_mode_searches_first_and_offers_no_tool() -> None:
    script = Script(retrieval="context")
    command = script.start()
    assert searches(command) == ["How many days of leave?"]
    first = asks(script.reply(bring(command, found(LEAVE))))
    assert tools_of(first) == []
    (user,) = first.ask.messages
    assert "Leave is 27 days." in text_of(user["content"])
    assert script.reply(turn(text="27 [1]")) is None


@pytest.mark.parametrize("mode", ["context", "hybrid"])
def test_a_greeting_for_which_nothing_is_found_stays_a_greeting(mode: str) -> None:
    hello: Message = {"role": "user", "content": "Hi there"}
    script = Script({"messages": [hello]}, retrieval=mode)
    first = asks(script.reply(bring(script.start(), found())))
    assert first.ask.messages[-1] == hello
    assert "No results" not in str(first.ask.messages)


def test_a_greeting_hears_of_a_search_that_failed() -> None:
    hello: Message = {"role": "user", "content": "Hi there"}
    script = Script({"messages": [hello]}, retrieval="context")
    failed = Failed(UpstreamTimeout("LightOn", "late"))
    assert "unavailable" in str(asks(script.reply(bring(script.start(), failed))).ask.messages)


def test_hybrid_mode_searches_first_and_offers_the_tool() -> None:
    script = Script(retrieval="hybrid")
    command = script.start()
    first = script.reply(bring(command, found(LEAVE)))
    assert tools_of(first) == ["lighton_search"]
    again = script.reply(turn(call('{"query": "how many days of leave?"}')))
    assert "[1]" in told(again)[-1]


def test_a_failed_first_search_is_told_in_the_users_message() -> None:
    script = Script(retrieval="context")
    failed = Failed(UpstreamTimeout("LightOn", "late"))
    first = asks(script.reply(bring(script.start(), failed)))
    (user,) = first.ask.messages
    assert "unavailable" in text_of(user["content"])


def test_a_forced_search_is_forced_in_the_first_round_only() -> None:
    forced = {"type": "function", "function": {"name": "lighton_search"}}
    script = Script({"tool_choice": forced})
    assert asks(script.start()).ask.tool_choice == forced
    command = script.reply(turn(call()))
    assert asks(script.reply(bring(command, found()))).ask.tool_choice == "auto"


FORCED = {"type": "function", "function": {"name": "lighton_search"}}


def test_a_forced_search_that_the_model_ignores_is_run_with_the_question() -> None:
    script = Script({"tool_choice": FORCED})
    assert asks(script.start()).ask.is_withheld
    command = script.reply(turn(text="I know: 30 days."))
    assert searches(command) == ["How many days of leave?"]
    second = asks(script.reply(bring(command, found(LEAVE))))
    assert not second.ask.is_withheld
    assert "30 days" not in str(second.ask.messages)
    (made,) = calls_in(second.ask.messages[-2])
    assert made["id"] == second.ask.messages[-1]["tool_call_id"]
    assert "Leave is 27 days." in told(second)[0]
    assert script.reply(turn(text="27 [1]")) is None


@pytest.mark.parametrize("vain", [call("{"), call(name="search"), call('{"query": " "}')])
def test_a_call_that_cannot_be_met_is_no_forced_search(vain: ToolCall) -> None:
    script = Script({"tool_choice": FORCED})
    script.start()
    command = script.reply(turn(vain, text="Let me see."))
    assert searches(command) == ["How many days of leave?"]
    second = asks(script.reply(bring(command, found(LEAVE))))
    assert "Leave is 27 days." in told(second)[-1]
    assert len(calls_in(second.ask.messages[-2])) == 1


def test_a_forced_search_beside_a_call_that_cannot_be_met_is_the_models_own() -> None:
    script = Script({"tool_choice": FORCED})
    script.start()
    command = script.reply(turn(call("{", id="s0"), call('{"query": "holiday"}')))
    assert searches(command) == ["holiday"]


def test_where_there_is_no_question_the_client_hears_a_model_that_need_not_search() -> None:
    hello = {"messages": [{"role": "user", "content": ""}], "tool_choice": FORCED}
    script = Script(hello)
    script.start()
    said = turn(text="Hello.")
    assert script.reply(said) == Tell(said)
    assert script.reply(said) is None


def test_a_model_that_refuses_is_not_made_to_search() -> None:
    script = Script({"tool_choice": FORCED})
    script.start()
    refusal = replace(turn(), heard=Heard("", is_refusal=True))
    assert script.reply(refusal) is None


def test_a_question_asked_again_is_not_searched_again() -> None:
    first = Script(search_memory=True, retrieval="context")
    first.reply(bring(first.start(), found(LEAVE)))
    kept = keeps(first.reply(turn(text="27 [1]")))
    again = {"messages": [QUESTION, {"role": "assistant", "content": "27 [1]"}, QUESTION]}
    script = Script(again, search_memory=True, retrieval="context")
    recall = script.start()
    assert isinstance(recall, Recall)
    one, _, two = asks(script.reply({recall.handles[0]: kept})).ask.messages
    assert "Leave is 27 days." in text_of(one["content"])
    assert "Also found, shown before: [1]." in text_of(two["content"])


HOURS = Result("c2", "A day is 8 hours.", 0.7, 7, "Handbook", "h.pdf", "https://docs.test/h")
LATE = Failed(UpstreamTimeout("LightOn", "late"))
FOLLOWED = ["And in hours?", "How many days of leave?\nAnd in hours?"]


def followed(mode: str, **policy: Any) -> tuple[Script, Command]:
    """A follow-up, and the command to search for it."""
    script = Script(LATER, retrieval=mode, **policy)
    return script, script.start()


@pytest.mark.parametrize("mode", ["context", "hybrid"])
def test_a_follow_up_is_searched_twice_at_once_and_shown_as_one_list(mode: str) -> None:
    script, command = followed(mode)
    assert searches(command) == FOLLOWED
    third = LEAVE._replace(chunk_id="c3", content="Ask in time.")
    first = asks(script.reply(bring(command, found(HOURS), found(LEAVE, HOURS, third))))
    shown = str(first.ask.messages)
    assert shown.index("A day is 8 hours.") < shown.index("Leave is 27 days.") < shown.index("Ask")
    assert shown.count("A day is 8 hours.") == 1
    numbers = [[each["passage"] for each in entry["results"]] for entry in script.desk.trace]
    assert numbers == [[2], [2, 3, 4]]  # the history cites [1]
    calls = [each for message in first.ask.messages for each in calls_in(message)]
    assert [each["function"]["arguments"] for each in calls] == (
        ['{"query":"And in hours?"}'] if mode == "hybrid" else []
    )


def test_a_follow_up_is_searched_alone_where_the_setting_says_so() -> None:
    _, command = followed("context", followups="off")
    assert searches(command) == FOLLOWED[:1]


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("fails", [True, False])
def test_one_failed_search_of_a_follow_up_costs_nothing(place: int, *, fails: bool) -> None:
    script, command = followed("context", on_search_error="fail" if fails else "tell_model")
    outcomes: list[Outcome] = [found(LEAVE), found(LEAVE)]
    outcomes[place] = LATE
    first = asks(script.reply(bring(command, *outcomes)))
    assert "Leave is 27 days." in str(first.ask.messages)
    assert "unavailable" not in str(first.ask.messages)
    assert ["error" in each for each in script.desk.trace] == [place == 0, place == 1]


@pytest.mark.parametrize("outcomes", [(found(), found(LEAVE)), (found(LEAVE), found())])
def test_a_question_in_few_words_is_answered_from_what_one_of_its_searches_found(
    outcomes: tuple[Outcome, ...],
) -> None:
    brief = [*LATER["messages"][:-1], {"role": "user", "content": "In hours?"}]
    script = Script({"messages": brief}, retrieval="context")
    first = asks(script.reply(bring(script.start(), *outcomes)))
    assert "Leave is 27 days." in text_of(first.ask.messages[-1]["content"])


def test_two_failed_searches_of_a_follow_up_are_told_or_end_the_answer() -> None:
    script, command = followed("context")
    told_of = str(asks(script.reply(bring(command, LATE, LATE))).ask.messages)
    assert told_of.count("unavailable") == 1
    failing, command = followed("context", on_search_error="fail")
    with pytest.raises(UpstreamTimeout):
        failing.reply(bring(command, LATE, LATE))


@pytest.mark.parametrize("mode", ["context", "hybrid"])
@pytest.mark.parametrize("outcomes", [(found(HOURS), found(LEAVE)), (LATE, found(LEAVE))])
def test_the_searches_of_a_follow_up_are_not_repeated_when_the_client_comes_back(
    mode: str, outcomes: tuple[Outcome, ...]
) -> None:
    script = Script({**LATER, "tools": [WEATHER]}, retrieval=mode)
    first = asks(script.reply(bring(script.start(), *outcomes)))
    kept = keeps(script.reply(turn(call("{}", name="get_weather", id=YOURS))))
    steps = came_back()["messages"][1:]
    back = {"tools": [WEATHER], "messages": [*LATER["messages"], *steps]}
    again = Script(back, retrieval=mode)
    again.start()
    command = asks(again.reply({HANDLE: kept}))
    assert command.ask.messages[: len(first.ask.messages)] == first.ask.messages


def test_a_follow_up_remembers_what_the_question_before_it_found() -> None:
    before = Script(search_memory=True, retrieval="context")
    before.reply(bring(before.start(), found(LEAVE)))
    kept = keeps(before.reply(turn(text=LATER["messages"][1]["content"])))
    script, recall = followed("context", search_memory=True)
    assert isinstance(recall, Recall)
    command = script.reply({recall.handles[0]: kept})
    assert searches(command) == FOLLOWED
    one, _, two = asks(script.reply(bring(command, found(HOURS), found(LEAVE)))).ask.messages
    assert "Leave is 27 days." in text_of(one["content"])
    assert "A day is 8 hours." in text_of(two["content"])
    assert "Also found, shown before: [1]." in text_of(two["content"])


def test_of_a_follow_up_asked_again_only_what_brought_no_passage_is_searched_again() -> None:
    once = Script(LATER, search_memory=True, retrieval="context")
    recall = once.start()
    assert isinstance(recall, Recall)
    command = once.reply({})
    once.reply(bring(command, found(HOURS), LATE))
    kept = keeps(once.reply(turn(text="216 hours.")))
    said = {"role": "assistant", "content": "216 hours."}
    other = {"role": "user", "content": "How many days of leave?"}
    so = {"role": "assistant", "content": "So."}
    messages = [*LATER["messages"], said, other, so, LATER["messages"][-1]]
    script = Script({"messages": messages}, search_memory=True, retrieval="context")
    recall = script.start()
    assert isinstance(recall, Recall)
    command = script.reply({recall.handles[1]: kept})
    assert searches(command) == FOLLOWED[1:]
    *_, last = asks(script.reply(bring(command, found(LEAVE)))).ask.messages
    assert "Leave is 27 days." in text_of(last["content"])
    assert "Also found, shown before" in text_of(last["content"])


def test_required_stays_required_until_the_budget_ends() -> None:
    script = Script({"tools": [WEATHER], "tool_choice": "required"}, max_rounds=1)
    assert asks(script.start()).ask.tool_choice == "required"
    command = script.reply(turn(call()))
    assert asks(script.reply(bring(command, found()))).ask.tool_choice == "auto"


def test_off_mode_is_one_plain_round() -> None:
    script = Script(retrieval="off")
    first = asks(script.start())
    assert first.ask.tools == ()
    assert first.ask.messages == [QUESTION]
    assert script.reply(turn(text="Hi")) is None


def test_what_was_kept_under_another_word_is_shown_under_that_of_the_request() -> None:
    script = Script(came_back())
    script.start()
    passage = Passage(1, LEAVE, "Leave is 27 days.")
    other = Fence("aaaaaaaaaa")
    kept = kept_turn(answers={MINE: f"{other.note(QUOTING)}\n\n{passage.render(other)}"})
    command = script.reply({HANDLE: kept})
    assert told(command)[0] == quoted(passage.render(FENCE))
    assert str(asks(command).ask.messages).count(QUOTING) == 1


def explained(command: Command | None) -> list[str]:
    """The roles of the messages that explain the marks, one for each time."""
    messages = asks(command).ask.messages
    return [each["role"] for each in messages for _ in range(str(each).count(QUOTING))]


@pytest.mark.parametrize("choice", ["auto", "none"])
def test_the_marks_are_explained_where_only_earlier_passages_are_shown(choice: str) -> None:
    first = Script({"tools": [WEATHER]})
    first.start()
    mixed = turn(call(id=MINE), call("{}", name="get_weather", id=YOURS))
    kept = keeps(first.reply(bring(first.reply(mixed), found(LEAVE))))
    script = Script(came_back(tool_choice=choice))
    script.start()
    assert explained(script.reply({HANDLE: kept})) == ["tool"]


def test_in_tool_mode_the_marks_are_explained_with_each_search_and_not_before() -> None:
    script = Script()
    assert explained(script.start()) == []
    two = turn(call(), call('{"query": "hours"}', id="s2"))
    command = script.reply(bring(script.reply(two), found(LEAVE), found(HOURS)))
    assert explained(command) == ["tool", "tool"]
    again = script.reply(turn(call('{"query": "Hours"}', id="s3")))
    assert explained(again) == ["tool", "tool"]


@pytest.mark.parametrize(("mode", "role"), [("context", "user"), ("hybrid", "tool")])
@pytest.mark.parametrize("outcome", [found(LEAVE), found(), LATE])
def test_where_the_proxy_searches_first_the_marks_are_explained_with_what_it_found(
    mode: str, role: str, outcome: Outcome
) -> None:
    script = Script(retrieval=mode)
    first = script.reply(bring(script.start(), outcome))
    assert explained(first) == ([role] if outcome == found(LEAVE) else [])


def test_in_hybrid_mode_a_search_of_the_models_own_explains_the_marks_again() -> None:
    script = Script(retrieval="hybrid")
    script.reply(bring(script.start(), found(LEAVE)))
    command = script.reply(turn(call('{"query": "hours"}', id="s2")))
    assert explained(script.reply(bring(command, found(HOURS)))) == ["tool", "tool"]


def thought(*calls: ToolCall, reasoning: str) -> Turn:
    return Turn("", "tool_calls", calls, reasoning=reasoning)


def reasonings(command: Command | None) -> list[str | None]:
    """Those of the turns that call tools."""
    messages = asks(command).ask.messages
    return [each.get("reasoning_content") for each in messages if calls_in(each)]


def test_the_reasoning_of_hidden_rounds_goes_back_to_the_model() -> None:
    script = Script()
    script.start()
    command = script.reply(thought(call(), reasoning="I must search."))
    assert reasonings(script.reply(bring(command, found(LEAVE)))) == ["I must search."]


@pytest.mark.parametrize(("model", "expected"), [("m", ["One.", "Two."]), ("other", [None, None])])
def test_when_the_client_comes_back_reasoning_goes_only_to_the_model_that_wrote_it(
    model: str, expected: list[str | None]
) -> None:
    script = Script({"tools": [WEATHER]})
    script.start()
    command = script.reply(thought(call(), reasoning="One."))
    script.reply(bring(command, found(LEAVE)))
    mine = call("{}", name="get_weather", id=YOURS)
    kept = keeps(script.reply(thought(mine, reasoning="Two.")))
    again = Script(came_back())
    again.start()
    kept = replace(kept, model=model)
    assert reasonings(again.reply({HANDLE: kept})) == expected


def test_a_turn_that_calls_only_the_clients_tools_is_kept_for_its_reasoning() -> None:
    script = Script({"tools": [WEATHER]})
    script.start()
    mine = call("{}", name="get_weather", id=YOURS)
    kept = keeps(script.reply(thought(mine, reasoning="The weather.")))
    again = Script(came_back())
    again.start()
    assert reasonings(again.reply({HANDLE: kept})) == ["The weather."]


def searched(script: Script) -> Command | None:
    """The command after a first round that searched."""
    script.start()
    return script.reply(bring(script.reply(turn(call())), found(LEAVE)))


def refused(made: Turn) -> Turn:
    return replace(made, heard=made.heard._replace(is_refusal=True))


@pytest.mark.parametrize("text", ["", " \n\n"])
def test_a_model_that_says_nothing_after_its_search_is_asked_once_more(text: str) -> None:
    script = Script()
    searched(script)
    again = script.reply(turn(text=text))
    assert tools_of(again) == []
    assert told(again)[-1].endswith(note(NO_MORE_SEARCHES))
    assert script.reply(turn(text="27 [1]")) is None
    assert script.final == turn(text="27 [1]")


def test_a_model_that_says_nothing_twice_after_its_search_gives_no_answer() -> None:
    script = Script()
    searched(script)
    script.reply(turn())
    with pytest.raises(EmptyAnswerError):
        script.reply(turn(text="\n"))


def test_a_model_that_only_calls_a_missing_tool_to_the_end_gives_an_answer_without_words() -> None:
    script = Script()
    searched(script)
    script.reply(turn())
    assert script.reply(turn(call()._replace(owner=Owner.NOBODY))) is None


def test_an_empty_answer_after_a_first_search_is_asked_once_more() -> None:
    script = Script(retrieval="context")
    first = asks(script.reply(bring(script.start(), found(LEAVE))))
    assert script.reply(turn()) == first
    with pytest.raises(EmptyAnswerError):
        script.reply(turn())


def test_an_empty_answer_is_asked_once_more_when_an_earlier_request_searched_for_it() -> None:
    script = Script(came_back())
    script.start()
    script.reply({HANDLE: kept_turn()})
    assert tools_of(script.reply(turn())) == ["get_weather"]


@pytest.mark.parametrize(
    "silent", [replace(turn(), finish_reason="length"), refused(turn())], ids=["cut", "refused"]
)
def test_a_turn_that_was_cut_or_refuses_ends_the_answer_without_words(silent: Turn) -> None:
    script = Script()
    searched(script)
    assert script.reply(silent) is None
    assert script.final == silent


def test_an_empty_answer_without_a_search_is_an_answer() -> None:
    script = Script()
    script.start()
    assert script.reply(turn()) is None


def test_a_round_of_repeated_calls_alone_makes_the_next_one_the_last() -> None:
    script = Script()
    searched(script)
    again = script.reply(turn(call(id="s2"), call('{"query": "Leave"}', id="s3")))
    assert tools_of(again) == []
    assert told(again)[-1].endswith(note(NO_MORE_SEARCHES))


@pytest.mark.parametrize(
    "other", [call("{", id="s3"), call("{}", name="find_file", id="s3")], ids=["faulty", "unknown"]
)
def test_a_repeated_call_beside_one_that_is_corrected_leaves_the_next_round_its_tools(
    other: ToolCall,
) -> None:
    script = Script()
    searched(script)
    assert tools_of(script.reply(turn(call(id="s2"), other))) == ["lighton_search"]


# A JSON response_format

AS_JSON: dict[str, Any] = {"response_format": {"type": "json_object"}}


def withheld(*calls: ToolCall, text: str = "") -> Turn:
    """A turn of which the client has heard no text."""
    return replace(turn(*calls, text=text), heard=Heard())


def test_json_that_fits_is_told_after_the_search() -> None:
    script = Script(AS_JSON)
    first = asks(script.start()).ask
    assert (first.has_format, first.is_withheld) == (False, True)
    command = script.reply(withheld(call(), text="Let me see."))
    second = asks(script.reply(bring(command, found(LEAVE)))).ask
    assert (second.has_format, second.is_withheld) == (False, True)
    answered = withheld(text='{"days": 27}')
    assert script.reply(answered) == Tell(answered)
    heard = turn(text='{"days": 27}')
    assert script.reply(heard) is None
    assert script.final == heard


def test_words_that_are_no_json_are_followed_by_a_round_with_the_format_and_without_tools() -> None:
    script = Script({"tools": [WEATHER], **AS_JSON})
    searched(script)
    command = asks(script.reply(withheld(text="It is 27 [1]."))).ask
    assert (command.tools, command.has_format, command.is_withheld) == ((), True, False)
    assert text_of(command.messages[-1]["content"]).endswith(note(NO_MORE_SEARCHES))
    assert "It is 27" not in str(command.messages)
    assert script.reply(turn(text='{"days": 27}')) is None


def test_words_that_were_cut_are_no_json_either() -> None:
    script = Script(AS_JSON)
    searched(script)
    cut = replace(withheld(text="It is"), finish_reason="length")
    assert asks(script.reply(cut)).ask.has_format


def test_a_cut_round_without_words_ends_the_answer_also_where_json_is_wanted() -> None:
    script = Script(AS_JSON)
    script.start()
    assert script.reply(replace(withheld(), finish_reason="length")) is None


def test_a_refusal_ends_the_answer_also_where_json_is_wanted() -> None:
    script = Script(AS_JSON)
    script.start()
    assert script.reply(refused(withheld())) is None


def test_the_last_round_without_tools_has_the_format_and_is_heard() -> None:
    script = Script(AS_JSON, max_rounds=1)
    last = asks(searched(script)).ask
    assert (last.tools, last.has_format, last.is_withheld) == ((), True, False)
    assert script.reply(turn(text="It is not JSON, but it was heard.")) is None


def test_a_json_answer_that_stays_empty_is_none() -> None:
    script = Script(AS_JSON)
    searched(script)
    assert asks(script.reply(withheld())).ask.has_format
    with pytest.raises(EmptyAnswerError):
        script.reply(turn())


def test_a_tool_that_is_not_there_changes_nothing_about_json_that_was_heard() -> None:
    script = Script(AS_JSON, retrieval="context")
    script.reply(bring(script.start(), found(LEAVE)))
    stray = call()._replace(owner=Owner.NOBODY)
    assert script.reply(turn(stray, text='{"days": 27}')) is None


def test_words_beside_a_clients_call_are_kept_and_not_told() -> None:
    script = Script({"tools": [WEATHER], **AS_JSON})
    script.start()
    weather = call("{}", name="get_weather", id=YOURS)
    kept = keeps(script.reply(withheld(weather, text="Let me see.")))
    assert (kept.text, kept.heard) == ("Let me see.", "")
    assert script.reply(None) is None


SCHEMA = {"type": "object", "properties": {"days": {"type": "integer", "pattern": "x"}}}
UNCLEAR = {"response_format": {"type": "json_schema", "json_schema": {"schema": SCHEMA}}}


@pytest.mark.parametrize(("with_tools", "is_told"), [(False, False), (True, True)])
def test_json_that_cannot_be_judged_is_told_if_the_model_had_the_format(
    *, with_tools: bool, is_told: bool
) -> None:
    script = Script(UNCLEAR, json_with_tools=with_tools)
    assert asks(script.start()).ask.has_format == with_tools
    command = script.reply(withheld(text='{"days": 27}'))
    assert isinstance(command, Tell) == is_told


def test_a_model_that_has_tools_and_format_but_writes_no_json_is_asked_without_tools() -> None:
    script = Script(AS_JSON, json_with_tools=True)
    assert asks(script.start()).ask.is_withheld
    assert tools_of(script.reply(withheld(text="It is 27."))) == []


def test_with_retrieval_off_nothing_is_withheld_from_a_client_that_wants_json() -> None:
    first = asks(Script({"tools": [WEATHER], **AS_JSON}, retrieval="off").start()).ask
    assert (first.has_format, first.is_withheld) == (True, False)


def refuses(script: Script, command: Command | None) -> Command | None:
    """Let the client hear the refusal. The next command."""
    assert isinstance(command, Refuse)
    assert command.turn.text == REFUSALS["en"]
    return script.reply(replace(command.turn, heard=Heard(command.turn.text)))


def refusing(body: dict[str, Any] | None = None, **policy: Any) -> Script:
    return Script(body, **{"retrieval": "context", "when_nothing_found": "refuse", **policy})


def test_where_nothing_is_found_context_refuses_without_a_model_round() -> None:
    script = refusing()
    assert refuses(script, script.reply(bring(script.start(), found()))) is None
    assert script.final is not None
    assert (script.final.text, script.final.finish_reason) == (REFUSALS["en"], "stop")


@pytest.mark.parametrize("outcome", [found(LEAVE), Failed(UpstreamTimeout("LightOn", "late"))])
def test_what_was_found_or_could_not_be_searched_is_not_refused(outcome: Outcome) -> None:
    script = refusing()
    ask = asks(script.reply(bring(script.start(), outcome))).ask
    assert (ask.is_silent, ask.is_withheld) == (False, False)


FAILED = Failed(UpstreamTimeout("LightOn", "late"))


def unsearched(script: Script, command: Command | None) -> None:
    assert isinstance(command, Refuse)
    assert command.turn.text == UNSEARCHED["en"]
    assert script.reply(command.turn) is None


def test_where_the_first_search_fails_context_refuses_without_a_model_round() -> None:
    script = Script(retrieval="context", on_search_error="refuse")
    unsearched(script, script.reply(bring(script.start(), FAILED)))


def test_where_a_search_fails_the_model_may_search_again_in_silence() -> None:
    for outcome in (FAILED, found(LEAVE)):
        script = Script(on_search_error="refuse", max_rounds=2)
        script.start()
        second = asks(script.reply(bring(script.reply(turn(call())), FAILED)))
        assert (second.ask.is_silent, tools_of(second)) == (True, ["lighton_search"])
        other = turn(call('{"query": "holidays"}', id="s2"))
        command = script.reply(bring(script.reply(other), outcome))
        if outcome is FAILED:
            unsearched(script, command)
        else:
            assert not asks(command).ask.is_silent


def test_a_client_that_wants_json_gets_the_error_of_a_search_where_a_refusal_is_due() -> None:
    script = Script(AS_JSON, retrieval="context", on_search_error="refuse")
    command = script.start()
    outcomes = bring(command, FAILED)
    with pytest.raises(UpstreamTimeout):
        script.reply(outcomes)


def test_hybrid_asks_in_silence_and_refuses_the_text_that_comes() -> None:
    script = refusing(retrieval="hybrid")
    first = asks(script.reply(bring(script.start(), found())))
    assert (first.ask.is_silent, first.ask.is_withheld) == (True, True)
    assert tools_of(first) == ["lighton_search"]
    assert refuses(script, script.reply(replace(turn(text="30 days."), heard=Heard()))) is None


def test_a_later_search_that_finds_ends_the_silence() -> None:
    script = refusing(retrieval="hybrid")
    script.reply(bring(script.start(), found()))
    command = script.reply(turn(call()))
    second = asks(script.reply(bring(command, found(LEAVE))))
    assert not second.ask.is_silent
    assert script.reply(turn(text="27 [1]")) is None


def test_a_round_known_to_be_the_last_is_not_asked() -> None:
    script = refusing(retrieval="tool", max_rounds=2)
    assert not asks(script.start()).ask.is_silent
    command = script.reply(turn(call()))
    assert asks(script.reply(bring(command, found()))).ask.is_silent
    command = script.reply(turn(call('{"query": "holidays"}', id="s2")))
    assert refuses(script, script.reply(bring(command, found()))) is None


def test_a_silent_round_without_a_word_is_refused_not_asked_again() -> None:
    script = refusing(retrieval="tool")
    script.start()
    command = script.reply(turn(call()))
    script.reply(bring(command, found()))
    assert refuses(script, script.reply(turn())) is None


@pytest.mark.parametrize("mode", ["context", "hybrid"])
def test_calls_of_the_clients_tools_pass_where_nothing_was_found(mode: str) -> None:
    script = refusing({"tools": [WEATHER]}, retrieval=mode)
    first = asks(script.reply(bring(script.start(), found())))
    assert first.ask.is_silent
    kept = keeps(script.reply(turn(call("{}", name="get_weather", id=YOURS), text="Hm.")))
    assert kept.text == "Hm."


def test_text_beside_the_clients_unused_tools_is_refused() -> None:
    script = refusing({"tools": [WEATHER]})
    script.reply(bring(script.start(), found()))
    assert refuses(script, script.reply(replace(turn(text="30 days."), heard=Heard()))) is None


def test_a_refused_answer_is_kept_with_its_search_as_the_client_heard_it() -> None:
    script = refusing(search_memory=True)
    command = refuses(script, script.reply(bring(script.start(), found())))
    said: Message = {"role": "assistant", "content": REFUSALS["en"]}
    assert isinstance(command, Keep)
    assert command.handle == handle_of_answer(QUESTION, said)
    kept = command.turn
    assert kept.text == kept.heard == REFUSALS["en"]
    assert kept.context is not None
    assert kept.context.text == note("No results found.")
    assert [Search.of(each.job).query for each in kept.findings.jobs] == [QUESTION["content"]]


def test_what_the_model_said_in_vain_is_not_kept() -> None:
    script = refusing(retrieval="tool", search_memory=True)
    script.start()
    command = script.reply(turn(call(), text="Let me see."))
    script.reply(bring(command, found()))
    kept = keeps(refuses(script, script.reply(replace(turn(text="30 days."), heard=Heard()))))
    assert kept.heard == f"Let me see.\n\n{REFUSALS['en']}"
    assert "30 days." not in str(kept)


def test_a_question_that_was_refused_is_searched_again_when_it_is_asked_again() -> None:
    first = refusing(search_memory=True)
    kept = keeps(refuses(first, first.reply(bring(first.start(), found()))))
    said: Message = {"role": "assistant", "content": REFUSALS["en"]}
    script = refusing({"messages": [QUESTION, said, QUESTION]}, search_memory=True)
    recall = script.start()
    assert isinstance(recall, Recall)
    command = script.reply({recall.handles[0]: kept})
    assert searches(command) == [QUESTION["content"]]
    assert isinstance(script.reply(bring(command, found())), Refuse)


def test_a_search_known_to_be_vain_from_an_earlier_answer_is_refused_too() -> None:
    first = refusing(retrieval="tool", search_memory=True)
    first.start()
    first.reply(bring(first.reply(turn(call())), found()))
    kept = keeps(refuses(first, first.reply(turn(text=""))))
    said: Message = {"role": "assistant", "content": REFUSALS["en"]}
    body = {"messages": [QUESTION, said, QUESTION]}
    script = refusing(body, retrieval="tool", search_memory=True)
    recall = script.start()
    assert isinstance(recall, Recall)
    script.reply({recall.handles[0]: kept})
    assert refuses(script, script.reply(turn(call(id="s2")))) is not None
    assert script.desk.trace == []


def test_an_agents_step_is_never_refused() -> None:
    script = refusing(came_back())
    script.start()
    command = script.reply({})
    ask = asks(script.reply(bring(command, found()))).ask
    assert not ask.is_silent
    assert note("No results found.") in str(ask.messages)
