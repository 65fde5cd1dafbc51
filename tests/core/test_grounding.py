"""What the reader of an answer is shown of its sources, through the whole loop."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.core.chat import parse_chat
from proxy.core.grounding import Grounding
from proxy.core.hidden import Found
from proxy.core.passages import Result
from proxy.core.plan import Policy, make_plan
from proxy.core.scope import Scope
from proxy.core.search_tool import Search, SearchTool
from proxy.core.writer import CompletionWriter
from proxy.engine import Run
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.upstreams.lighton.wish import WISHES
from tests.core.samples import FENCE, result
from tests.support.parts import Listener, Model, Turns
from tests.support.script import Call, Round, delta_chunk, search_call

QUESTION = {"role": "user", "content": "How long is the notice period?"}
WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": {}}}
DOCUMENTS = ("lease", "handbook", "lease", "minutes", "plan")
"""Of the passages 1 to 5."""


class Library:
    """Finds five passages of four documents."""

    name = "LightOn"

    async def search(self, search: Search, scope: Scope) -> Found:
        del scope
        return Found(tuple(passage(n, search.query) for n in range(1, 6)))


def passage(n: int, query: str = "leave") -> Result:
    name = DOCUMENTS[n - 1]
    return result(f"{query}-{n}", f"Passage {n} of {name}.", url=address(name), title=name.title())


def address(name: str) -> str:
    return f"https://docs.test/{name}"


async def ask(
    *rounds: Round,
    messages: tuple[Any, ...] = (QUESTION,),
    turns: Turns | None = None,
    body: dict[str, Any] | None = None,
    cites: list[Any] | None = None,
    **policy: Any,
) -> Any:
    """The completion that a scripted model makes of its rounds.

    `cites` takes in what is cited each time that something is heard.
    """
    document = {"messages": list(messages), "stream": True, **(body or {})}
    chat = parse_chat(document, WISHES)
    rules = Policy("m", LightOnScope(), **policy)
    plan = make_plan(chat, rules, chat.wish, (SearchTool(Library()),), FENCE)
    writer = CompletionWriter(id="chatcmpl-" + "a" * 32, created=1, model="m", include_usage=True)
    listener = Listening(lambda: None if cites is None else cites.append(list(writer.cites())))
    await Run(plan, Model(*rounds), turns or Turns(), writer).drive(listener)
    return listener.fold.completion()


class Listening(Listener):
    """Looks at something whenever it hears."""

    def __init__(self, look: Callable[[], None]) -> None:
        super().__init__()
        self.look = look

    def hear(self, chunks: Any) -> Any:
        self.look()
        return super().hear(chunks)


async def ask_after_search(text: str, **more: Any) -> Any:
    searching = Round(calls=(search_call("leave"),), finish_reason="tool_calls")
    return await ask(searching, Round(text), **more)


def message_of(completion: Any) -> Any:
    return completion["choices"][0]["message"]


def cited(completion: Any) -> list[tuple[str, str]]:
    """Each annotation: the part of the text, and the address."""
    message = message_of(completion)
    return [
        (message["content"][each["start_index"] : each["end_index"]], each["url"])
        for each in (annotation["url_citation"] for annotation in message["annotations"])
    ]


async def test_a_number_is_the_place_of_its_source_by_first_appearance() -> None:
    completion = await ask_after_search("A [2]. B [1]. C [2].")
    assert message_of(completion)["content"] == "A [1]. B [2]. C [1]."
    assert cited(completion) == [
        ("[1]", address("handbook")),
        ("[2]", address("lease")),
        ("[1]", address("handbook")),
    ]


async def test_what_is_cited_is_known_as_soon_as_it_is_heard() -> None:
    looks: list[Any] = []
    completion = await ask_after_search("A [2]. B [3][1].", cites=looks)
    annotated = [
        (each["start_index"], each["end_index"], each["url"], each["title"])
        for each in (a["url_citation"] for a in message_of(completion)["annotations"])
    ]
    assert [each[:4] for each in looks[-1]] == annotated
    assert all(look == looks[-1][: len(look)] for look in looks)


async def test_two_passages_of_one_document_are_one_number() -> None:
    completion = await ask_after_search("A [4]. B [3][1].")
    assert message_of(completion)["content"] == "A [1]. B [2]."
    (_, lease) = completion["lighton"]["citations"]
    assert [each["passage"] for each in lease["passages"]] == [3, 1]


async def test_the_report_tells_number_and_passage_of_each_result() -> None:
    completion = await ask_after_search("A [2]. B [3].")
    (search,) = completion["lighton"]["searches"]
    assert [(each["passage"], each["n"]) for each in search["results"]] == [
        (1, 2),  # not cited itself, but its document is
        (2, 1),
        (3, 2),
        (4, None),
        (5, None),
    ]


async def test_a_number_nobody_was_shown_is_taken_out() -> None:
    completion = await ask_after_search("It is so [9]. And so [2].")
    assert message_of(completion)["content"] == "It is so. And so [1]."


async def test_passages_keep_their_numbers_where_the_setting_says_so() -> None:
    completion = await ask_after_search("A [2]. B [3].", citation_numbers="passage")
    assert message_of(completion)["content"] == "A [2]. B [3]."
    assert cited(completion) == [("[2]", address("handbook")), ("[3]", address("lease"))]
    assert [each["n"] for each in completion["lighton"]["citations"]] == [2, 3]


async def test_passages_keep_their_numbers_beside_sources_of_the_clients_own() -> None:
    own = {"role": "system", "content": '<Source id="1">Mine.</Source>'}
    completion = await ask_after_search("A [2]. B [3].", messages=(own, QUESTION))
    assert message_of(completion)["content"] == "A [2]. B [3]."


async def test_passages_keep_their_numbers_where_log_probabilities_are_asked_for() -> None:
    completion = await ask_after_search("A [2]. B [3].", body={"logprobs": True})
    assert message_of(completion)["content"] == "A [2]. B [3]."


@pytest.mark.parametrize("stream", [True, False])
async def test_log_probabilities_stay_beside_the_text_that_they_are_of(
    stream: bool,  # noqa: FBT001  # pytest passes it
) -> None:
    tokens = ["A", " [", "2", "]", ". B", " [", "3", "]."] * 500
    spoken = delta_chunk({"content": "".join(tokens)})
    logprobs = [{"token": each, "logprob": -0.5} for each in tokens]
    spoken["choices"][0]["logprobs"] = {"content": logprobs, "refusal": None}
    model = Model(Round())
    model.extra[1] = spoken
    document = {"messages": [QUESTION], "stream": stream, "logprobs": True}
    chat = parse_chat(document, WISHES)
    rules = Policy("m", LightOnScope(), retrieval="context")
    plan = make_plan(chat, rules, chat.wish, (SearchTool(Library()),), FENCE)
    writer = CompletionWriter(id="chatcmpl-" + "b" * 32, created=1, model="m", include_usage=True)
    listener = Listener()
    await Run(plan, model, Turns(), writer).drive(listener)
    completion: Any = listener.fold.completion()
    assert message_of(completion)["content"] == "".join(tokens)
    assert completion["choices"][0]["logprobs"]["content"] == logprobs
    assert len(cited(completion)) == 1_000
    assert cited(completion)[:2] == [("[2]", address("handbook")), ("[3]", address("lease"))]


async def test_without_passages_text_passes_as_it_is() -> None:
    text = "A [2]. See https://evil.test/?q=1 ![x](https://evil.test)"
    completion = await ask(Round(text))
    assert message_of(completion)["content"] == text
    assert cited(completion) == []


async def test_a_poisoned_link_goes_and_a_source_stays() -> None:
    text = f"A ![x](https://evil.test/?d=1) b https://evil.test c {address('lease')} [1]."
    completion = await ask_after_search(text)
    assert message_of(completion)["content"] == (f"A x b [link removed] c {address('lease')} [1].")
    allowed = await ask_after_search(text, answer_links="all")
    assert message_of(allowed)["content"] == text


async def test_hosts_that_the_user_or_the_operator_names_may_be_linked() -> None:
    question = {"role": "user", "content": "Compare with https://wiki.test/a."}
    text = "A https://wiki.test/b https://more.test/c https://evil.test/d"
    completion = await ask_after_search(
        text, messages=(question,), link_hosts=frozenset({"more.test"})
    )
    assert message_of(completion)["content"] == (
        "A https://wiki.test/b https://more.test/c [link removed]"
    )


@pytest.mark.parametrize("kind", ["json_object", "json_schema"])
async def test_a_json_answer_stays_as_it_is_and_its_strings_are_listed(kind: str) -> None:
    text = '{"a": [3], "b": "so [2]", "c": "https://evil.test"}'
    completion = await ask_after_search(text, body={"response_format": {"type": kind}})
    assert message_of(completion)["content"] == text
    assert cited(completion) == []
    (source,) = completion["lighton"]["citations"]
    assert (source["n"], source["url"]) == (2, address("handbook"))
    assert [text[start:end] for start, end in source["spans"]] == ["[2]"]


async def test_numbers_go_on_over_a_call_of_the_clients_tool() -> None:
    turns = Turns()
    searching = Round(calls=(search_call("leave"),), finish_reason="tool_calls")
    calling = Round("A [2].", calls=(Call("get_weather", "{}"),), finish_reason="tool_calls")
    first = await ask(searching, calling, turns=turns, body={"tools": [WEATHER]})
    said = message_of(first)
    assert said["content"] == "A [1]."
    (call,) = said["tool_calls"]
    back = {"role": "tool", "tool_call_id": call["id"], "content": "Rain."}
    messages = (QUESTION, said, back)
    second = await ask(
        Round("B [1]. C [2]."), messages=messages, turns=turns, body={"tools": [WEATHER]}
    )
    assert message_of(second)["content"] == "B [2]. C [1]."
    assert cited(second) == [("[2]", address("lease")), ("[1]", address("handbook"))]
    gone = await ask_after_search("B [4].", messages=messages)
    assert message_of(gone)["content"] == "B [2]."


async def test_the_next_answer_begins_at_one_and_passages_above_what_was_cited() -> None:
    before = {"role": "assistant", "content": "It was so [2]."}
    messages = (QUESTION, before, {"role": "user", "content": "And now?"})
    completion = await ask_after_search("As said [2]. Now [4].", messages=messages)
    (search,) = completion["lighton"]["searches"]
    assert [each["passage"] for each in search["results"]] == [3, 4, 5, 6, 7]
    assert message_of(completion)["content"] == "As said. Now [1]."


async def test_the_model_gets_its_own_numbers_back_also_in_edited_text() -> None:
    turns = Turns()
    searching = Round(calls=(search_call("leave"),), finish_reason="tool_calls")
    calling = Round("A [2].", calls=(Call("get_weather", "{}"),), finish_reason="tool_calls")
    first = message_of(await ask(searching, calling, turns=turns, body={"tools": [WEATHER]}))
    back = {"role": "tool", "tool_call_id": first["tool_calls"][0]["id"], "content": "Rain."}
    edited = {**first, "content": "Rather B [1]."}
    model = Model(Round("So [2]."))
    document = {"messages": [QUESTION, edited, back], "tools": [WEATHER], "stream": True}
    chat = parse_chat(document, WISHES)
    plan = make_plan(chat, Policy("m", LightOnScope()), chat.wish, (SearchTool(Library()),), FENCE)
    writer = CompletionWriter(id="chatcmpl-" + "b" * 32, created=1, model="m", include_usage=True)
    await Run(plan, model, turns, writer).drive(Listener())
    (asked,) = model.asked
    assert [each["content"] for each in asked["messages"] if each["role"] == "assistant"][-1] == (
        "Rather B [2]."
    )


MARKER = re.compile(r"\[(\d+)\]")
PIECES = st.lists(
    st.sampled_from(
        [
            "It is so",
            " [1]",
            "[2]",
            " [3, 1]",
            "【4†x】",
            "So it is [9]",
            ". ",
            "\n",
            "`[1]`",
            " ",
            "[[2]]",
            " see https://evil.test/x ",
            "[here](https://evil.test)",
            "[3-5]",
            "So [4\u20139]",
            "![",
            "<img src=x>",
        ]
    ),
    max_size=12,
)


@settings(max_examples=150)
@given(PIECES)
async def test_every_number_has_its_annotation_and_the_other_way_round(pieces: list[str]) -> None:
    completion = await ask_after_search("Well, " + "".join(pieces))
    message = message_of(completion)
    text = re.sub(r"`[^`\n]*`", lambda match: "x" * len(match[0]), message["content"])
    found = [(match.start(), match.end()) for match in MARKER.finditer(text)]
    spans = [
        (each["url_citation"]["start_index"], each["url_citation"]["end_index"])
        for each in message["annotations"]
    ]
    assert set(spans) <= set(found)
    bare = [
        text[start:end]
        for start, end in set(found) - set(spans)
        if not text.endswith("-5]", 0, start)  # a range that stays, as in [[3-5], and its index
    ]
    assert all(int(each[1:-1]) > len(DOCUMENTS) for each in bare)
    order = list(dict.fromkeys(url for _, url in cited(completion)))
    for written, url in cited(completion):
        assert written == f"[{order.index(url) + 1}]"
    assert "evil" not in message["content"]


def test_what_the_proxy_says_itself_shows_the_model_nothing() -> None:
    chat = parse_chat({"messages": [QUESTION]}, WISHES)
    plan = make_plan(chat, Policy("m", LightOnScope()), chat.wish, (), FENCE)
    writer = CompletionWriter(id="c", created=1, model="m", include_usage=True)
    run = Run(plan, Model(), Turns(), writer)
    run.desk.book.add([passage(1), passage(2)])
    grounding = Grounding(plan, run.desk)
    grounding.begin_round(has_model=False)
    assert list(grounding.shown) == []
    grounding.begin_round()
    run.desk.book.add([passage(3)])
    assert [each.n for each in grounding.shown] == [1, 2]
