from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.core.chat import parse_chat
from proxy.core.instructions import ANSWERING, CONTEXT
from proxy.core.plan import Plan, Policy, make_plan
from proxy.core.scope import NOTHING as NO_SCOPE
from proxy.core.scope import Retrieval, Scope, Wish
from proxy.core.search_tool import NAME, Search, definition
from proxy.core.turn import Owner
from proxy.core.wire import Message
from proxy.errors import BadRequest, EmptyScope, RetrievalNotAllowed
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.upstreams.lighton.wish import WISHES
from tests.core.samples import FENCE, TOOLS, tool
from tests.support.shelves import Shelves

QUESTION = "How much leave do I get?"
SEARCH_TOOL = definition(LightOnScope())
SEARCH = {"type": "function", "function": {"name": NAME}}
HIDDEN = frozenset({NAME})
WEATHER = tool("get_weather")
NAMED_WEATHER = {"type": "function", "function": {"name": "get_weather"}}
OWN_SEARCH = tool(NAME)


def plan(policy: Policy | None = None, /, **fields: Any) -> Plan:
    chat = parse_chat(
        {"messages": [{"role": "user", "content": QUESTION}], **fields}, WISHES, {NAME}
    )
    return make_plan(chat, policy or Policy("m", LightOnScope()), chat.wish, TOOLS, FENCE)


def system_of(messages: list[Message]) -> str:
    return str(messages[0]["content"]) if messages[0]["role"] == "system" else ""


def in_mode(retrieval: Retrieval, scope: Scope | None = None, **more: Any) -> Policy:
    within = scope or LightOnScope()
    return Policy("m", within, retrieval, context="Answer.", **more)


@dataclass(frozen=True)
class Row:
    """What the rounds of a request are asked: the tool_choice of the first, a later, the last."""

    first: Any = None
    later: Any = None
    last: Any = None
    offers: bool = True
    searches_first: bool = False


NOTHING = Row(offers=False)
FREE = Row()
FORCED = Row(first=SEARCH, later="auto")


@pytest.mark.parametrize(
    ("tools", "choice", "row"),
    [
        # Without client tools.
        ([], None, FREE),
        ([], "auto", Row("auto", "auto")),
        ([], "none", NOTHING),
        ([], "required", FORCED),
        ([], SEARCH, FORCED),
        # With client tools.
        ([WEATHER], None, FREE),
        ([WEATHER], "auto", Row("auto", "auto", "auto")),
        ([WEATHER], "none", Row("none", "none", "none", offers=False)),
        ([WEATHER], "required", Row("required", "required", "auto")),
        ([WEATHER], SEARCH, Row(SEARCH, "auto", "auto")),
        (
            [WEATHER],
            NAMED_WEATHER,
            Row(NAMED_WEATHER, NAMED_WEATHER, NAMED_WEATHER, offers=False),
        ),
        # With a client tool of the same name.
        ([OWN_SEARCH], None, NOTHING),
        ([OWN_SEARCH], "required", Row("required", "required", "required", offers=False)),
        ([OWN_SEARCH], SEARCH, Row(SEARCH, SEARCH, SEARCH, offers=False)),
    ],
)
def test_tool_choice_in_mode_tool(tools: list[Any], choice: Any, row: Row) -> None:
    check(plan(in_mode("tool"), tools=tools, tool_choice=choice), tools, row)


@pytest.mark.parametrize(
    ("tools", "choice", "row"),
    [
        ([], None, Row(searches_first=True)),
        ([], "none", NOTHING),
        ([], "required", Row("auto", "auto", searches_first=True)),
        ([], SEARCH, Row(SEARCH, "auto", searches_first=True)),
        ([WEATHER], "required", Row("required", "required", "auto", searches_first=True)),
        ([WEATHER], SEARCH, Row(SEARCH, "auto", "auto", searches_first=True)),
        (
            [WEATHER],
            NAMED_WEATHER,
            Row(NAMED_WEATHER, NAMED_WEATHER, NAMED_WEATHER, offers=False, searches_first=True),
        ),
        ([OWN_SEARCH], None, Row(offers=False, searches_first=True)),
    ],
)
def test_tool_choice_in_mode_hybrid(tools: list[Any], choice: Any, row: Row) -> None:
    check(plan(in_mode("hybrid"), tools=tools, tool_choice=choice), tools, row)


@pytest.mark.parametrize(
    ("tools", "choice", "row"),
    [
        ([], None, Row(offers=False, searches_first=True)),
        ([], "none", NOTHING),
        ([], "required", Row(offers=False, searches_first=True)),
        ([], SEARCH, Row(offers=False, searches_first=True)),
        ([WEATHER], "auto", Row("auto", "auto", "auto", offers=False, searches_first=True)),
        (
            [WEATHER],
            "required",
            Row("required", "required", "required", offers=False, searches_first=True),
        ),
        ([WEATHER], SEARCH, Row("auto", "auto", "auto", offers=False, searches_first=True)),
        (
            [WEATHER],
            NAMED_WEATHER,
            Row(NAMED_WEATHER, NAMED_WEATHER, NAMED_WEATHER, offers=False, searches_first=True),
        ),
    ],
)
def test_tool_choice_in_mode_context(tools: list[Any], choice: Any, row: Row) -> None:
    check(plan(in_mode("context"), tools=tools, tool_choice=choice), tools, row)


@pytest.mark.parametrize(
    ("tools", "choice", "row"),
    [
        ([], None, NOTHING),
        ([], "auto", NOTHING),
        ([], "required", NOTHING),
        ([WEATHER], "required", Row("required", "required", "required", offers=False)),
        ([WEATHER], None, NOTHING),
    ],
)
def test_tool_choice_in_mode_off(tools: list[Any], choice: Any, row: Row) -> None:
    check(plan(in_mode("off"), tools=tools, tool_choice=choice), tools, row)


def check(made: Plan, tools: list[Any], row: Row) -> None:
    first = made.ask(made.messages, {}, is_first=True, is_last=False)
    later = made.ask(made.messages, {}, is_first=False, is_last=False)
    last = made.ask(made.messages, {}, is_first=False, is_last=True)
    asked = (first.tool_choice, later.tool_choice, last.tool_choice)
    assert asked == (row.first, row.later, row.last)
    assert bool(made.offers) is row.offers
    hidden = HIDDEN if row.offers else frozenset()
    assert (first.hidden, later.hidden, last.hidden) == (hidden, hidden, frozenset())
    offered = (*tools, SEARCH_TOOL) if row.offers else tuple(tools)
    assert (first.tools, later.tools, last.tools) == (offered, offered, tuple(tools))
    assert bool(made.first_jobs) is row.searches_first
    assert ("Search." in system_of(made.messages)) is row.offers


def test_a_first_round_that_is_the_last_is_not_forced_to_search() -> None:
    made = plan(in_mode("tool"), tool_choice=SEARCH, tools=[WEATHER])
    assert made.ask(made.messages, {}, is_first=True, is_last=True).tool_choice == "auto"


def test_without_rounds_of_searching_the_tool_is_not_offered() -> None:
    assert plan(in_mode("tool", max_rounds=1)).offers
    assert not plan(in_mode("tool", max_rounds=0)).offers
    assert plan(in_mode("hybrid", max_rounds=0)).first_jobs


def test_a_chosen_tool_that_nobody_has_is_refused() -> None:
    with pytest.raises(BadRequest, match="'get_weather', which is not in 'tools'") as caught:
        plan(tool_choice=NAMED_WEATHER)
    assert caught.value.param == "tool_choice"


def test_a_chosen_tool_that_the_policy_leaves_out_is_said_to_be_off() -> None:
    policy = in_mode("tool", absent_tools=frozenset({"get_weather"}))
    with pytest.raises(BadRequest, match="names get_weather, but this tool is off") as caught:
        plan(policy, tool_choice=NAMED_WEATHER)
    assert caught.value.param == "tool_choice"
    made = plan(policy, tool_choice=NAMED_WEATHER, tools=[WEATHER])
    assert made.ask([], {}, is_first=True, is_last=False).tool_choice == NAMED_WEATHER


def test_the_search_tool_cannot_be_chosen_when_retrieval_is_off() -> None:
    with pytest.raises(BadRequest, match="retrieval is off") as caught:
        plan(in_mode("off"), tool_choice=SEARCH)
    assert caught.value.param == "tool_choice"
    made = plan(in_mode("off"), tool_choice=SEARCH, tools=[OWN_SEARCH])
    assert made.ask([], {}, is_first=True, is_last=False).tool_choice == SEARCH


def test_tools_that_are_not_allowed_are_not_passed_on() -> None:
    allowed = {"mode": "required", "tools": [NAMED_WEATHER]}
    made = plan(
        in_mode("tool"),
        tools=[tool("get_time"), WEATHER],
        tool_choice={"type": "allowed_tools", "allowed_tools": allowed},
    )
    ask = made.ask([], {}, is_first=True, is_last=False)
    assert ask.tools == (WEATHER, SEARCH_TOOL)
    assert ask.tool_choice == "required"
    assert made.owner_of("get_time", hidden=HIDDEN) is Owner.NOBODY


def test_the_request_chooses_the_retrieval_mode_over_the_policy() -> None:
    made = plan(in_mode("tool"), lighton={"retrieval": "context"})
    assert made.first_jobs == (Search(QUESTION, 5).job,)
    assert not made.offers
    assert not plan(in_mode("hybrid"), lighton={"retrieval": "off"}).first_jobs
    assert plan(in_mode("off"), lighton={"retrieval": "tool"}).offers


def test_progress_that_only_a_chat_can_hold_is_shown_to_no_other_client() -> None:
    for progress, shown in (("open-webui", "off"), ("reasoning", "reasoning")):
        policy = in_mode("tool", progress=progress)
        chat = plan(policy, stream=True).chat
        assert plan(policy, stream=True).progress == progress
        other = make_plan(chat._replace(has_asides=False), policy, Wish(), (), FENCE)
        assert other.progress == shown


def test_progress_is_shown_in_streams_that_may_search() -> None:
    shows = in_mode("tool", progress="reasoning")
    assert plan(shows, stream=True).progress == "reasoning"
    assert plan(shows, stream=True, lighton={"progress": "off"}).progress == "off"
    assert plan(in_mode("tool"), stream=True, lighton={"progress": "reasoning"}).progress != "off"
    assert plan(shows).progress == "off"
    assert plan(shows, stream=True, lighton={"retrieval": "off"}).progress == "off"


@pytest.mark.parametrize(
    ("mode", "grounded"), [("tool", True), ("context", True), ("hybrid", True), ("off", False)]
)
def test_only_a_reply_without_retrieval_says_nothing_of_searches(
    mode: Retrieval, *, grounded: bool
) -> None:
    assert plan(in_mode(mode)).grounded is grounded


def test_the_scope_is_what_policy_and_request_both_allow() -> None:
    policy = in_mode("context", scope=LightOnScope(workspace_id=(1, 2), max_results=9))
    made = plan(policy, lighton={"workspace_id": [2, 3], "max_results": 20})
    assert made.scope == LightOnScope(workspace_id=(2,), max_results=9)
    assert made.first_jobs == (Search(QUESTION, 9).job,)
    for mode in ("tool", "context", "hybrid", "off"):
        with pytest.raises(EmptyScope):
            plan(policy, lighton={"workspace_id": [3], "retrieval": mode})


def test_the_scope_is_no_wider_than_the_clients_key() -> None:
    policy = in_mode("context", scope=LightOnScope(workspace_id=(1, 2, 3)))
    policy = replace(policy, granted=(LightOnScope(workspace_id=(2, 3, 4)),))
    assert plan(policy).scope == LightOnScope(workspace_id=(2, 3))
    assert plan(policy, lighton={"workspace_id": [3, 4]}).scope == LightOnScope(workspace_id=(3,))
    with pytest.raises(EmptyScope):
        plan(policy, lighton={"workspace_id": [1]})


@pytest.mark.parametrize("mode", ["tool", "context", "hybrid"])
@pytest.mark.parametrize("wish", [{}, {"workspace_id": [1]}])
def test_a_key_that_opens_nothing_can_only_do_without_search(
    mode: Retrieval, wish: dict[str, Any]
) -> None:
    policy = replace(in_mode(mode), granted=(NO_SCOPE,))
    with pytest.raises(EmptyScope):
        plan(policy, lighton=wish)
    made = plan(policy, lighton={**wish, "retrieval": "off"})
    assert made.scope is NO_SCOPE
    assert not made.offers
    assert not made.first_jobs


def test_the_mode_is_one_that_the_clients_key_allows() -> None:
    policy = replace(in_mode("tool"), modes=frozenset({"context"}))
    assert plan(policy).first_jobs
    assert not plan(policy).offers
    with pytest.raises(RetrievalNotAllowed):
        plan(policy, lighton={"retrieval": "off"})


def test_the_scope_may_be_that_of_any_search_vendor() -> None:
    policy = in_mode("context", Shelves(("a", "b"), 9))
    chat = parse_chat({"messages": [{"role": "user", "content": QUESTION}]}, WISHES)
    made = make_plan(chat, policy, Wish(Shelves(("b", "c"), 20)), TOOLS, FENCE)
    assert made.scope == Shelves(("b",), 9)
    assert made.first_jobs == (Search(QUESTION, 9).job,)
    with pytest.raises(EmptyScope):
        make_plan(chat, policy, Wish(Shelves(("c",))), TOOLS, FENCE)


def test_the_tool_is_offered_within_the_scope() -> None:
    made = plan(in_mode("tool"), lighton={"max_results": 3})
    ask = made.ask(made.messages, {}, is_first=True, is_last=False)
    assert ask.tools == (definition(LightOnScope(max_results=3)),)


def test_the_question_is_trimmed_to_what_lighton_accepts() -> None:
    messages = [
        {"role": "user", "content": "before"},
        {"role": "user", "content": "  " + "x" * 9 + " " + "y" * 9},
        {"role": "assistant", "content": "after"},
    ]
    made = plan(in_mode("context", query_chars=10), messages=messages)
    assert made.first_jobs == (Search("x" * 9, 5).job,)


@pytest.mark.parametrize(
    "content",
    [
        "",
        " \n",
        None,
        [{"type": "image_url", "image_url": {}}],
    ],
)
def test_without_a_question_nothing_is_searched_first(content: Any) -> None:
    made = plan(in_mode("hybrid"), messages=[{"role": "user", "content": content}])
    assert made.first_jobs == ()
    assert made.offers


FOLLOWED = [
    {"role": "user", "content": "How much leave?"},
    {"role": "assistant", "content": "27 days."},
    {"role": "user", "content": "and for managers?"},
]


@pytest.mark.parametrize("mode", ["context", "hybrid"])
def test_a_follow_up_gets_two_searches_with_fewer_results_unless_they_are_off(
    mode: Retrieval,
) -> None:
    policy = in_mode(mode, LightOnScope(max_results=10))
    both = ("and for managers?", "How much leave?\nand for managers?")
    made = plan(policy, messages=FOLLOWED)
    assert made.first_jobs == tuple(Search(each, 6).job for each in both)
    off = plan(replace(policy, followups="off"), messages=FOLLOWED)
    assert off.first_jobs == (Search(both[0], 10).job,)


def test_a_search_that_the_model_is_made_to_call_is_one() -> None:
    made = plan(in_mode("tool"), messages=FOLLOWED, tool_choice=SEARCH)
    assert made.forced_job == Search("and for managers?", 5).job
    assert made.first_jobs == ()


def test_a_required_search_is_left_to_the_model_when_there_is_no_question() -> None:
    made = plan(
        in_mode("hybrid"), messages=[{"role": "user", "content": ""}], tool_choice="required"
    )
    assert made.ask([], {}, is_first=True, is_last=False).tool_choice == SEARCH


def test_instructions_are_added_to_the_clients_system_message() -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    texts = ["Be brief.", "House rules.", "Search."]
    made = plan(in_mode("tool", instructions="House rules."), messages=messages)
    assert system_of(made.messages) == "\n\n".join(texts)
    off = plan(in_mode("off", instructions="House rules."), messages=messages)
    assert system_of(off.messages) == "\n\n".join(texts[:2])
    assert plan(in_mode("off"), messages=messages).messages == messages
    assert messages[0]["content"] == "Be brief."


@pytest.mark.parametrize("mode", ["tool", "hybrid"])
def test_a_model_that_could_search_again_is_asked_to_answer_if_it_can(mode: Retrieval) -> None:
    assert plan(in_mode(mode, citing="Cite.")).citing == f"{ANSWERING} Cite."
    assert plan(in_mode(mode, citing="")).citing == ""
    assert plan(in_mode(mode, citing="Cite.", max_rounds=0)).citing == "Cite."


@pytest.mark.parametrize(("mode", "said"), [("context", CONTEXT), ("hybrid", "")])
def test_only_a_model_that_cannot_search_is_told_to_answer_from_passages(
    mode: Retrieval, said: str
) -> None:
    policy = Policy("m", LightOnScope(), mode)
    assert plan(policy).before == said
    for own in ("Mine.", ""):
        assert plan(replace(policy, context=own)).before == own


def test_arguments_that_the_client_forces_need_no_citations() -> None:
    policy = in_mode("context", citing="Cite.")
    assert plan(policy, tools=[WEATHER], tool_choice=NAMED_WEATHER).citing == ""
    assert plan(policy, tools=[WEATHER], tool_choice=SEARCH).citing == "Cite."
    assert plan(policy).citing == "Cite."


@pytest.mark.parametrize("mode", ["tool", "context", "hybrid"])
def test_a_chore_gets_no_tool_no_search_and_no_word_about_it(mode: Retrieval) -> None:
    chore = [{"role": "user", "content": "### Task:\nGenerate 1-3 broad tags"}]
    made = plan(in_mode(mode), messages=chore, tools=[WEATHER])
    ask = made.ask(made.messages, {}, is_first=True, is_last=False)
    assert (made.first_jobs, made.offers, made.messages) == ((), (), chore)
    assert (ask.tools, ask.is_withheld) == ((WEATHER,), False)


def test_calls_belong_to_the_client_the_search_or_nobody() -> None:
    made = plan(in_mode("tool"), tools=[WEATHER, {"type": "custom", "custom": {"name": "grep"}}])
    assert made.owner_of("get_weather", hidden=HIDDEN) is Owner.CLIENT
    assert made.owner_of(NAME, hidden=HIDDEN) is Owner.HIDDEN
    assert made.owner_of(NAME, hidden=frozenset()) is Owner.NOBODY
    assert made.owner_of("grep", hidden=HIDDEN) is Owner.NOBODY


def test_a_client_tool_of_the_same_name_is_the_clients() -> None:
    made = plan(in_mode("tool"), tools=[OWN_SEARCH])
    assert made.owner_of(NAME, hidden=HIDDEN) is Owner.CLIENT


def test_a_model_that_calls_an_unknown_tool_is_told_which_there_are() -> None:
    made = plan(in_mode("tool"), tools=[WEATHER])
    told = made.correction("web", hidden=HIDDEN)
    assert told == "There is no tool named 'web'. There are: get_weather, lighton_search."
    assert made.correction("web", hidden=frozenset()).endswith("There are: get_weather.")
    assert plan().correction("web", hidden=frozenset()).endswith("There are no tools.")


@given(
    mode=st.sampled_from(["tool", "context", "hybrid", "off"]),
    tools=st.lists(st.sampled_from([WEATHER, OWN_SEARCH]), max_size=2),
    choice=st.sampled_from([None, "none", "auto", "required", SEARCH, NAMED_WEATHER]),
    is_first=st.booleans(),
    is_last=st.booleans(),
)
@settings(deadline=None)
def test_what_a_round_is_asked_always_fits_together(
    mode: Retrieval,
    tools: list[Any],
    choice: Any,
    *,
    is_first: bool,
    is_last: bool,
) -> None:
    try:
        made = plan(in_mode(mode), tools=tools, tool_choice=choice)
    except BadRequest:
        return
    ask = made.ask(made.messages, {}, is_first=is_first, is_last=is_last)
    names = [each["function"]["name"] for each in ask.tools]
    assert names.count(NAME) <= 1 or OWN_SEARCH in tools
    assert (NAME in ask.hidden) == (SEARCH_TOOL in ask.tools)
    assert names or ask.tool_choice is None
    if isinstance(ask.tool_choice, dict):
        assert ask.tool_choice["function"]["name"] in names
    if choice == "none" or mode == "off":
        assert made.first_jobs == ()
        assert not ask.hidden


# The names of tools


def test_calls_in_text_are_those_of_hidden_tools_and_of_the_tools_a_client_offers() -> None:
    names = plan(tools=[WEATHER]).tool_names
    assert names.declared == {NAME, "get_weather"}
    assert (names.own_in_text, names.client_in_text) == (HIDDEN, frozenset({"get_weather"}))


def test_the_setting_says_whose_calls_are_read_in_text() -> None:
    own = plan(in_mode("tool", text_calls="own"), tools=[WEATHER]).tool_names
    assert (own.own_in_text, own.client_in_text) == (HIDDEN, frozenset())
    off = plan(in_mode("tool", text_calls="off"), tools=[WEATHER]).tool_names
    assert (off.own_in_text, off.client_in_text) == (frozenset(), frozenset())
    assert off.declared == {NAME, "get_weather"}


def test_a_round_that_offers_no_hidden_tool_reads_its_calls_in_text_all_the_same() -> None:
    assert plan(in_mode("context")).tool_names.own_in_text == {NAME}


def test_a_clients_tool_of_a_hidden_name_is_the_clients() -> None:
    names = plan(tools=[OWN_SEARCH]).tool_names
    assert (names.own_in_text, names.client_in_text) == (frozenset(), HIDDEN)


def test_calls_of_a_client_that_wants_none_are_text() -> None:
    names = plan(tools=[WEATHER], tool_choice="none").tool_names
    assert (names.own_in_text, names.client_in_text) == (HIDDEN, frozenset())


def test_without_retrieval_all_named_calls_are_the_clients() -> None:
    off = plan(in_mode("off"), tools=[WEATHER])
    assert off.tool_names.declared == {"get_weather"}
    assert (off.tool_names.own_in_text, off.tool_names.client_in_text) == (
        frozenset(),
        frozenset({"get_weather"}),
    )
    assert off.owner_of("who_knows", hidden=frozenset()) is Owner.CLIENT
    assert off.owner_of("", hidden=frozenset()) is Owner.NOBODY


def test_schemas_of_all_tools_say_which_arguments_are_strings() -> None:
    assert plan(tools=[WEATHER]).tool_names.takes_string(NAME, "query")


AS_JSON = {"type": "json_object"}


@pytest.mark.parametrize(
    ("mode", "fields", "has_format", "is_withheld"),
    [
        ("tool", {}, False, True),
        ("hybrid", {"tools": [WEATHER]}, False, True),
        ("tool", {"tool_choice": "none"}, True, False),
        ("tool", {"tools": [WEATHER], "tool_choice": "none"}, True, False),
        ("context", {}, True, False),
        ("context", {"tools": [WEATHER]}, True, True),
        ("off", {"tools": [WEATHER]}, True, False),
    ],
)
def test_where_json_is_wanted_only_rounds_without_a_hidden_tool_have_the_format(
    mode: Retrieval, fields: dict[str, Any], *, has_format: bool, is_withheld: bool
) -> None:
    asked = plan(in_mode(mode), response_format=AS_JSON, **fields).ask(
        [], {}, is_first=True, is_last=False
    )
    assert (asked.has_format, asked.is_withheld) == (has_format, is_withheld)


def test_a_model_that_can_do_both_has_tools_and_format_in_one_round() -> None:
    policy = in_mode("tool", json_with_tools=True)
    asked = plan(policy, response_format=AS_JSON).ask([], {}, is_first=True, is_last=False)
    assert (asked.has_format, asked.is_withheld, asked.hidden) == (True, True, HIDDEN)


def test_a_bare_round_offers_no_tool_and_is_heard() -> None:
    made = plan(in_mode("tool"), response_format=AS_JSON, tools=[WEATHER], tool_choice="auto")
    asked = made.ask([], {}, is_first=False, is_last=True, is_bare=True)
    assert (asked.tools, asked.tool_choice) == ((), None)
    assert (asked.has_format, asked.is_withheld) == (True, False)


def test_where_text_is_wanted_nothing_is_withheld() -> None:
    asked = plan(in_mode("tool"), response_format={"type": "text"}).ask(
        [], {}, is_first=True, is_last=False
    )
    assert (asked.has_format, asked.is_withheld) == (True, False)


def searching(policy: Policy, wish: Wish | None = None, **fields: Any) -> Plan:
    """The plan of a request that asks for the search itself."""
    chat = parse_chat({"messages": [{"role": "user", "content": QUESTION}]}, WISHES, {NAME})
    asked = (wish or Wish()).narrow(Wish(must_search=True))
    return make_plan(chat._replace(**fields), policy, asked, TOOLS, FENCE)


def test_who_asks_for_the_search_has_it_whatever_the_profile_says() -> None:
    made = searching(in_mode("off"))
    assert (made.retrieval, made.grounded) == ("tool", True)
    assert [each.tool.name for each in made.offers] == [NAME]
    assert searching(in_mode("context")).retrieval == "context"


def test_who_asks_for_the_search_gets_no_scope_that_the_key_lacks() -> None:
    with pytest.raises(EmptyScope):
        searching(in_mode("off", granted=(NO_SCOPE,)))
    with pytest.raises(RetrievalNotAllowed):
        searching(in_mode("off", modes=frozenset({"off"})))


@pytest.mark.parametrize(("most", "jobs"), [(None, 2), (5, 2), (1, 1)])
def test_the_searches_for_a_question_count_as_jobs_of_the_answer(
    most: int | None, jobs: int
) -> None:
    said = ["What is the notice period?", "And for managers?"]
    messages: list[Message] = [{"role": "user", "content": each} for each in said]
    made = searching(in_mode("context"), messages=messages, max_jobs=most)
    assert len(made.first_jobs) == jobs
