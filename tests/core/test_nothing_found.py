"""To whom it matters that nothing was found, what the model is told, and how the proxy refuses."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.core.chat import parse_chat
from proxy.core.desk import Desk
from proxy.core.fence import Fence
from proxy.core.followups import Question
from proxy.core.hidden import Failed, Found, Outcome
from proxy.core.instructions import NOTHING, OWN_KNOWLEDGE
from proxy.core.nothing_found import (
    REFUSALS,
    UNSEARCHED,
    fails,
    is_hopeless,
    matters,
    refusal,
    refuses,
    told,
)
from proxy.core.passages import PassageBook
from proxy.core.plan import Ask, Plan, Policy, make_plan
from proxy.errors import RateLimited
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.upstreams.lighton.wish import WISHES
from tests.core.samples import FENCE, TOOLS, result, tool

ASKED = {"role": "user", "content": "How many days of leave?"}
CALLED = {"role": "assistant", "tool_calls": [{"id": "w1", "function": {"name": "get_weather"}}]}
BROUGHT = {"role": "tool", "tool_call_id": "w1", "content": "sunny"}
CHORE = {"role": "user", "content": "### Task:\nGenerate a concise, 3-5 word title."}
JSON = {"response_format": {"type": "json_object"}}
BRIEF = {"role": "user", "content": "Notice period?"}
NAMED = {"type": "function", "function": {"name": "get_weather"}}


def plan(*messages: Any, body: dict[str, Any] | None = None, **policy: Any) -> Plan:
    chat = parse_chat({"messages": [*messages] or [ASKED], **(body or {})}, WISHES)
    rules = Policy("m", LightOnScope(), **{"retrieval": "context", **policy})
    return make_plan(chat, rules, chat.wish, TOOLS, FENCE)


def searched(made: Plan, outcome: Found | Failed | None = None) -> Desk:
    """The desk once the first search has brought `outcome`, which is nothing by default."""
    desk = Desk(TOOLS, made.scope, PassageBook(9_000), FENCE, max_searches=8, query_limit=99)
    job = TOOLS[0].first_job(Question("How many days of leave?", 5), made.scope)
    assert job is not None
    desk.record({job: outcome or Found()})
    return desk


def case(*messages: Any, outcome: Outcome | None = None, **policy: Any) -> tuple[Plan, Desk]:
    """A plan, and its desk once the first search has brought `outcome`."""
    made = plan(*messages, **policy)
    return made, searched(made, outcome)


def test_it_matters_to_a_question() -> None:
    assert matters(plan())


@pytest.mark.parametrize(
    "messages",
    [
        (ASKED, CALLED, BROUGHT),
        (ASKED, CALLED, BROUGHT, {"role": "system", "content": "Be brief."}),
        (ASKED, {"role": "assistant", "content": "You have"}),
        (CHORE,),
        ({"role": "user", "content": "Ça va ?"},),
        ({"role": "user", "content": "Merci beaucoup pour votre aide !"},),
        ({"role": "system", "content": "Be brief."},),
    ],
)
def test_it_matters_neither_to_steps_nor_to_chores_nor_to_small_talk(messages: Any) -> None:
    for policy in ("model", "own_knowledge", "refuse"):
        made = plan(*messages, when_nothing_found=policy)
        assert not matters(made)
        assert told(made) == ""
        assert not refuses(made, searched(made))


@pytest.mark.parametrize("text", ["Leave days?", "Les congés ?", "Kündigungsfrist"])
def test_a_question_of_one_or_two_words_is_never_refused_but_the_model_is_told(text: str) -> None:
    asked = {"role": "user", "content": text}
    for policy in ("model", "refuse"):
        made = plan(asked, when_nothing_found=policy)
        assert told(made) == NOTHING
        assert not refuses(made, searched(made))
    assert told(plan(asked, when_nothing_found="own_knowledge")) == OWN_KNOWLEDGE


def test_it_matters_again_when_the_user_asks_on_after_a_step() -> None:
    assert matters(plan(ASKED, CALLED, BROUGHT, {"role": "assistant", "content": "Sun."}, ASKED))
    assert matters(plan(ASKED, {"role": "system", "content": "Be brief."}))


def test_the_model_is_told_by_policy() -> None:
    assert told(plan()) == NOTHING
    assert told(plan(when_nothing_found="own_knowledge")) == OWN_KNOWLEDGE
    assert told(plan(when_nothing_found="refuse")) == ""
    assert told(plan(retrieval="off")) == ""


@pytest.mark.parametrize(
    "body", [JSON, {"tools": [tool("get_weather")], "tool_choice": NAMED}], ids=["json", "call"]
)
def test_a_client_that_could_not_read_a_refusal_gets_the_model_told_instead(body: Any) -> None:
    made = plan(body=body, when_nothing_found="refuse")
    assert told(made) == NOTHING
    assert not refuses(made, searched(made))


def test_only_an_empty_search_is_refused_and_only_where_the_policy_says_so() -> None:
    made = plan(when_nothing_found="refuse")
    assert refuses(made, searched(made))
    assert not refuses(made, searched(made, Found((result(),))))
    assert not refuses(made, searched(made, Failed(RateLimited("LightOn", "Full."))))
    assert not refuses(plan(), searched(made))


DOWN = Failed(RateLimited("LightOn", "Full."))


def test_a_failed_search_is_refused_where_the_policy_says_so() -> None:
    assert refuses(*case(outcome=DOWN, on_search_error="refuse"))
    assert refuses(*case(BRIEF, outcome=DOWN, on_search_error="refuse"))
    assert not refuses(*case(outcome=DOWN))
    assert not refuses(*case(outcome=Found(), on_search_error="refuse"))
    assert not refuses(*case(outcome=Found((result(),)), on_search_error="refuse"))


@pytest.mark.parametrize(
    "messages", [(CHORE,), ({"role": "user", "content": "Ça va ?"},), (ASKED, CALLED, BROUGHT)]
)
def test_a_failed_search_matters_neither_to_steps_nor_to_chores_nor_to_small_talk(
    messages: Any,
) -> None:
    made, desk = case(*messages, outcome=DOWN, on_search_error="refuse")
    assert not refuses(made, desk)
    assert not fails(made)
    assert not fails(plan(*messages, body=JSON, on_search_error="refuse"))


@pytest.mark.parametrize(
    "body", [JSON, {"tools": [tool("get_weather")], "tool_choice": NAMED}], ids=["json", "call"]
)
def test_a_client_that_could_not_read_a_refusal_of_a_failed_search_gets_the_error(
    body: Any,
) -> None:
    made, desk = case(body=body, outcome=DOWN, on_search_error="refuse")
    assert fails(made)
    assert not refuses(made, desk)
    assert not fails(plan(body=body))


def test_an_error_ends_the_answer_only_where_the_policy_says_so() -> None:
    assert fails(plan(on_search_error="fail"))
    assert not fails(plan(on_search_error="refuse"))
    assert not fails(plan())


def test_a_refusal_does_not_say_that_nothing_was_found_where_nobody_could_search() -> None:
    french = {"role": "user", "content": "Combien de jours de congé ai-je ?"}
    assert refusal(*case(french, outcome=DOWN)).text == UNSEARCHED["fr"]
    assert refusal(*case(french, outcome=DOWN, refusals={"fr": "Non."})).text == "Non."
    assert set(UNSEARCHED) == set(REFUSALS)


def test_a_silent_round_that_can_call_nothing_is_hopeless() -> None:
    assert is_hopeless(Ask([], is_silent=True))
    assert not is_hopeless(Ask([], (tool("get_weather"),), is_silent=True))
    assert not is_hopeless(Ask([]))


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("How many days of leave?", "en"),
        ("Combien de jours de congé ai-je ?", "fr"),
        ("Wie viele Urlaubstage habe ich?", "de"),
        ("¿Cuántos días de vacaciones tengo?", "es"),
        ("Quanti giorni di ferie ho?", "it"),
        ("Hoeveel vakantiedagen heb ik?", "en"),
    ],
)
def test_a_refusal_speaks_the_language_of_the_question(question: str, language: str) -> None:
    turn = refusal(*case({"role": "user", "content": question}))
    assert turn.text == {**REFUSALS}[language]  # type: ignore[index]  # a table of the test
    assert (turn.finish_reason, turn.calls, turn.usage) == ("stop", (), {})


def test_where_the_question_does_not_tell_its_language_the_conversation_does() -> None:
    said = [
        {"role": "user", "content": "Wie lange ist die Kündigungsfrist?"},
        {"role": "assistant", "content": "Three months, and that is the rule for all of you."},
        {"role": "user", "content": "Berlin Mitte 2025?"},
    ]
    assert refusal(*case(*said)).text == REFUSALS["de"]


def test_the_operators_words_replace_those_of_their_language() -> None:
    french = {"role": "user", "content": "Combien de jours de congé ai-je ?"}
    assert refusal(*case(french, refusals={"fr": "Non."})).text == "Non."
    assert refusal(*case(refusals={"fr": "Non."})).text == REFUSALS["en"]


def test_what_is_told_is_inert_between_the_marks_of_a_note() -> None:
    for text in (NOTHING, OWN_KNOWLEDGE):
        assert Fence("0123456789").note(text) == f"<note-0123456789>{text}</note-0123456789>"
