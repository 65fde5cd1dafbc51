"""The order in which a client hears progress and the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from proxy.core.chat import parse_chat
from proxy.core.citations import MAX_ANNOTATIONS
from proxy.core.frames import Frame, TextChunk
from proxy.core.hidden import Found, HiddenTool
from proxy.core.passages import Result
from proxy.core.plan import Policy, make_plan
from proxy.core.scope import Scope
from proxy.core.search_tool import Search, SearchTool
from proxy.core.wire import Chunk
from proxy.core.writer import CompletionWriter
from proxy.engine import Run
from proxy.errors import BadReply, Overloaded
from proxy.tasks import Behind
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.upstreams.lighton.wish import WISHES
from tests.core.samples import FENCE, result
from tests.support.lookup import Lookup, lookup_call
from tests.support.parts import Listener, Model, Played, Searcher, Turns, open_searcher
from tests.support.script import Call, Round, search_call
from tests.support.times import untimed
from tests.upstreams.raw_server import PATIENCE_S

QUESTION = {"role": "user", "content": "How many days of leave?"}
WEATHER = {"type": "function", "function": {"name": "get_weather"}}
DOCUMENTS = ("lease", "handbook", "lease", "minutes")
"""Of the passages 1 to 4."""


def calling(*calls: Call, text: str = "") -> Round:
    return Round(text, calls=calls, finish_reason="tool_calls")


SEARCH = calling(search_call("leave"))
ANSWER = Round("It is 27.")


class Library:
    """Finds four passages of three documents."""

    name = "LightOn"

    async def search(self, search: Search, scope: Scope) -> Found:
        del scope
        return Found(tuple(passage(n, search.query) for n in range(1, 5)))


def passage(n: int, query: str = "leave") -> Result:
    name = DOCUMENTS[n - 1]
    url = f"https://docs.test/{name}"
    return result(f"{query}-{n}", f"Passage {n} of {name}.", url=url, title=name.title())


@dataclass
class Client(Listener):
    """Notes what it hears, in short: `said`, thoughts, and events."""

    heard_all: list[Any] = field(default_factory=list)
    roles: list[int] = field(default_factory=list)
    """The places of chunks with a role."""

    def hear(self, chunks: Sequence[Chunk | TextChunk]) -> Behind:
        for chunk in chunks:
            self._note(chunk.whole() if isinstance(chunk, TextChunk) else chunk)
        return super().hear(chunks)

    def _note(self, chunk: Any) -> None:
        delta = chunk["choices"][0]["delta"] if chunk["choices"] else {}
        if "role" in delta:
            self.roles.append(len(self.heard_all))
        if event := chunk.get("event"):
            data = event["data"]
            told = (data["description"], data["done"]) if event["type"] == "status" else data
            self.heard_all.append(told)
        elif text := delta.get("content") or delta.get("reasoning_content"):
            self.heard_all.append(text)


def run(
    model: Model,
    progress: str,
    *tools: HiddenTool,
    body: dict[str, Any] | None = None,
    turns: Turns | None = None,
    **policy: Any,
) -> Run:
    tools = tools or (SearchTool(open_searcher()),)
    document = {"messages": [QUESTION], "stream": True, **(body or {})}
    chat = parse_chat(document, WISHES)
    rules = Policy("m", LightOnScope(), progress=progress, **policy)  # type: ignore[arg-type]
    plan = make_plan(chat, rules, chat.wish, tools, FENCE)
    writer = CompletionWriter(id="chatcmpl-" + "a" * 32, created=1, model="m", include_usage=True)
    return Run(plan, model, turns or Turns(), writer)


async def hear(model: Model, progress: str, *tools: HiddenTool, **more: Any) -> Client:
    client = Client()
    await run(model, progress, *tools, **more).drive(client)
    assert client.roles == [0]
    return client


def message_of(client: Client) -> Any:
    return client.fold.completion()["choices"][0]["message"]


def sources(client: Client) -> list[tuple[str, str]]:
    """The sources in their order: name and text."""
    told = [each for each in client.heard_all if isinstance(each, dict)]
    return [(each["source"]["name"], each["document"][0]) for each in told]


# What is told, and when


async def test_thoughts_tell_of_a_search_of_the_models() -> None:
    client = await hear(Model(SEARCH, ANSWER), "reasoning")
    assert client.heard_all == ["▸ Searching: leave\n", "▸ Found 1 passage.\n", "It is 27."]


async def test_events_tell_of_a_search_of_the_models() -> None:
    client = await hear(Model(SEARCH, ANSWER), "open-webui")
    assert client.heard_all == [
        ("Searching: leave", False),
        ("Found 1 passage.", True),
        "It is 27.",
    ]


async def test_nothing_is_told_where_nobody_asks() -> None:
    client = await hear(Model(SEARCH, ANSWER), "off")
    assert client.heard_all == ["It is 27."]


@pytest.mark.parametrize("progress", ["reasoning", "open-webui"])
async def test_a_plain_reply_is_as_ever(progress: str) -> None:
    plain = {"stream": False}
    replies = []
    for shown in ("off", progress):
        one, listener = run(Model(SEARCH, Round("It is 27 [1].")), shown, body=plain), Listener()
        await one.drive(listener)
        reply: dict[str, Any] = {**listener.fold.completion()}
        replies.append({**reply, "lighton": untimed(reply["lighton"])})
    assert replies[0] == replies[1]


@pytest.mark.parametrize("retrieval", ["context", "hybrid"])
async def test_the_search_before_the_first_round_is_told_while_it_runs(retrieval: str) -> None:
    searcher, client = Searcher(), Client()
    one = run(Model(ANSWER), "reasoning", SearchTool(searcher), retrieval=retrieval)
    driving = asyncio.create_task(one.drive(client))
    await asyncio.wait_for(searcher.started.wait(), PATIENCE_S)
    assert client.heard_all == ["▸ Searching: How many days of leave?\n"]
    searcher.gate.set()
    await asyncio.wait_for(driving, PATIENCE_S)
    assert client.heard_all[1:] == ["▸ Found 1 passage.\n", "It is 27."]


async def test_a_search_that_starts_early_is_told_while_its_round_still_streams() -> None:
    model, client = Model(SEARCH, ANSWER), Client()
    gate = model.gates[len(SEARCH.chunks()) - 1] = asyncio.Event()
    searcher = open_searcher()
    driving = asyncio.create_task(run(model, "open-webui", SearchTool(searcher)).drive(client))
    await asyncio.wait_for(searcher.started.wait(), PATIENCE_S)
    assert ("Searching: leave", False) in client.heard_all
    gate.set()
    await asyncio.wait_for(driving, PATIENCE_S)


async def test_a_status_is_done_once_no_search_runs() -> None:
    searcher = open_searcher()
    searcher.expect_together(2)
    model = Model(calling(search_call("one"), search_call("two")), ANSWER)
    client = await hear(model, "open-webui", SearchTool(searcher))
    assert [done for _, done in client.heard_all[:-1]] == [False, False, False, True]


async def test_a_search_that_failed_is_told_without_its_cause() -> None:
    searcher = open_searcher()
    searcher.fault = Overloaded("LightOn", "LightOn is busy.")
    client = await hear(Model(SEARCH, ANSWER), "reasoning", SearchTool(searcher))
    assert client.heard_all[1] == "▸ The search failed.\n"


async def test_a_search_that_ends_the_answer_is_told_first() -> None:
    searcher, client = open_searcher(), Client()
    searcher.fault = Overloaded("LightOn", "LightOn is busy.")
    one = run(Model(SEARCH), "open-webui", SearchTool(searcher), on_search_error="fail")
    with pytest.raises(Overloaded):
        await one.drive(client)
    assert client.heard_all[-1] == ("The search failed.", True)


async def test_a_model_that_does_not_answer_is_refused_before_anything_is_told() -> None:
    model, client = Model(), Client()
    model.refusal = BadReply("Scaleway", "No such model.")
    with pytest.raises(BadReply):
        await run(model, "reasoning", retrieval="context").drive(client)
    assert client.heard_all == []


async def test_other_hidden_tools_are_told_in_their_own_words() -> None:
    lookup = Lookup()
    model = Model(SEARCH, calling(lookup_call(1)), ANSWER)
    client = await hear(model, "reasoning", SearchTool(open_searcher()), lookup)
    assert client.heard_all[2:4] == ["▸ Looking around file 7\n", "▸ Found 1 passage.\n"]
    lookup.fault = Overloaded("Archive", "It is closed.")
    model = Model(SEARCH, calling(lookup_call(1)), ANSWER)
    client = await hear(model, "open-webui", SearchTool(open_searcher()), lookup)
    assert client.heard_all[3] == ("The archive is closed.", True)


async def test_a_search_that_is_known_is_not_told_again() -> None:
    client = await hear(Model(SEARCH, SEARCH, ANSWER), "reasoning")
    assert client.heard_all == ["▸ Searching: leave\n", "▸ Found 1 passage.\n", "It is 27."]


async def test_a_status_does_not_wait_for_a_search_that_nobody_waits_for() -> None:
    cut = Round(calls=(search_call("leave"), Call("get_weather", "{}")), finish_reason="length")
    model, client, searcher = Model(cut), Client(), Searcher()
    model.gates[len(cut.chunks()) - 1] = searcher.started
    one = run(model, "open-webui", SearchTool(searcher), body={"tools": [WEATHER]})
    await asyncio.wait_for(one.drive(client), PATIENCE_S)
    assert client.heard_all[-2:] == [("Searching: leave", False), ("Searching: leave", True)]


# Among the model's thoughts


async def test_lines_stand_apart_from_the_models_thoughts() -> None:
    search = Played("", "I must search.", SEARCH.calls, finish_reason="tool_calls")
    rounds = (search, Played("27.", "I see."))
    client = await hear(Model(*rounds), "reasoning")
    assert client.heard_all == [
        "I must search.",
        "\n\n▸ Searching: leave\n",
        "▸ Found 1 passage.\n",
        "\nI see.",
        "27.",
    ]


async def test_lines_do_not_count_towards_the_answer() -> None:
    client = await hear(Model(SEARCH, ANSWER), "reasoning", max_answer_chars=len("It is 27."))
    choice = client.fold.completion()["choices"][0]
    assert choice["message"]["content"] == "It is 27."
    assert choice["finish_reason"] == "stop"


@pytest.mark.parametrize("progress", ["off", "reasoning", "open-webui"])
async def test_what_is_kept_of_an_answer_holds_no_progress(progress: str) -> None:
    search = Played("", "Hm.", SEARCH.calls, finish_reason="tool_calls")
    rounds = (search, Played("27 [1].", "I see."))
    kept = Turns()
    await hear(Model(*rounds), progress, turns=kept, search_memory=True)
    ((handle, turn),) = kept.kept.items()
    without = Turns()
    await hear(Model(*rounds), "off", turns=without, search_memory=True)
    assert without.kept == {handle: turn}


async def test_no_model_reads_what_a_client_sends_back_of_it() -> None:
    calls = (search_call("leave"), Call("get_weather", "{}"))
    model = Model(Played("", "Hm.", calls, finish_reason="tool_calls"))
    turns = Turns()
    client = await hear(model, "reasoning", turns=turns, body={"tools": [WEATHER]})
    message = message_of(client)
    assert message["reasoning_content"].count("▸") == 2
    (call,) = message["tool_calls"]
    messages = [QUESTION, message, {"role": "tool", "tool_call_id": call["id"], "content": "Sun."}]
    for known in (turns, Turns()):
        later = Model(ANSWER)
        await hear(later, "off", turns=known, body={"messages": messages, "tools": [WEATHER]})
        (sent,) = (each for each in later.asked[0]["messages"] if each["role"] == "assistant")
        assert sent["reasoning_content"] == "Hm."


# Sources


async def test_each_source_comes_right_before_the_text_that_cites_it_first() -> None:
    said = ("It is [4]", " and [2],", " but [4]", " not [3] nor [1].")
    model = Model(SEARCH, Played(pieces=said))
    client = await hear(model, "open-webui", SearchTool(Library()))
    text = [each for each in client.heard_all if isinstance(each, str)]
    assert "".join(text) == "It is [1] and [2], but [1] not [3] nor [3]."
    assert sources(client) == [
        ("Minutes", "Passage 4 of minutes."),
        ("Handbook", "Passage 2 of handbook."),
        ("Lease", "Passage 3 of lease."),
        ("Lease", "Passage 1 of lease."),
    ]
    for number, document in enumerate(("minutes", "handbook", "lease"), 1):
        first = next(
            place
            for place, each in enumerate(client.heard_all)
            if isinstance(each, str) and f"[{number}]" in each
        )
        told = [each["source"]["id"] for each in client.heard_all[:first] if isinstance(each, dict)]
        assert list(dict.fromkeys(told))[number - 1].endswith(document)


async def test_the_answer_has_no_annotations_beside_its_sources() -> None:
    for progress, count in (("open-webui", 0), ("reasoning", 2), ("off", 2)):
        client = await hear(Model(SEARCH, Round("A [1]. B [2].")), progress, SearchTool(Library()))
        completion: Any = client.fold.completion()
        assert len(completion["choices"][0]["message"]["annotations"]) == count
        assert [each["n"] for each in completion["lighton"]["citations"]] == [1, 2]
        assert len(sources(client)) == (2 if progress == "open-webui" else 0)


async def test_a_number_in_a_tool_call_or_held_to_the_end_of_a_round_has_its_source() -> None:
    first = calling(search_call("more"), text="So far [1")
    model = Model(SEARCH, Round("Yes [2]", calls=(Call("get_weather", "{}"),)), Round("End [1]"))
    client = await hear(
        model, "open-webui", SearchTool(Library()), body={"tools": [WEATHER]}, turns=Turns()
    )
    assert sources(client) == [("Handbook", "Passage 2 of handbook.")]
    client = await hear(Model(SEARCH, first, Round("End [3]")), "open-webui", SearchTool(Library()))
    assert [name for name, _ in sources(client)] == ["Lease"]


async def test_a_passage_that_joins_a_marker_later_joins_its_source() -> None:
    pieces = ("It is [1]", "[3]", " so.")
    model = Model(SEARCH, Played(pieces=pieces))
    client = await hear(model, "open-webui", SearchTool(Library()))
    assert [each for each in client.heard_all if isinstance(each, str)] == ["It is", " [1]", " so."]
    assert sources(client) == [
        ("Lease", "Passage 1 of lease."),
        ("Lease", "Passage 3 of lease."),
    ]


async def test_the_role_comes_before_a_source_that_opens_the_stream() -> None:
    turns = Turns()
    call = Call("get_weather", "{}")
    tools = {"tools": [WEATHER]}
    client = await hear(
        Model(SEARCH, calling(call)), "open-webui", SearchTool(Library()), body=tools, turns=turns
    )
    message = message_of(client)
    (made,) = message["tool_calls"]
    messages = [QUESTION, message, {"role": "tool", "tool_call_id": made["id"], "content": "Sun."}]
    answer = Played("[2] says so.", opens_with_role=True)
    body = {"messages": messages, **tools}
    client = await hear(Model(answer), "open-webui", body=body, turns=turns)
    assert sources(client) == [("Handbook", "Passage 2 of handbook.")]


async def test_an_answer_has_as_many_sources_as_it_would_have_annotations() -> None:
    model = Model(SEARCH, Round(f"{'So [1]. ' * MAX_ANNOTATIONS}But [2]."))
    client = await hear(model, "open-webui", SearchTool(Library()))
    assert [name for name, _ in sources(client)] == ["Lease"]


async def test_json_has_no_sources() -> None:
    body = {"response_format": {"type": "json_object"}}
    model = Model(SEARCH, Round('{"days": "27 [1]"}'))
    client = await hear(model, "open-webui", SearchTool(Library()), body=body)
    assert sources(client) == []
    assert message_of(client)["content"] == '{"days": "27 [1]"}'


TEXT = TextChunk(Frame({"id": "x", "model": "m"}, {"index": 0}), " so [2]", b" so [2]")


async def test_text_in_a_frame_has_its_source_before_it() -> None:
    place = len(SEARCH.chunks())  # only the second round gets so far
    model, client = Model(SEARCH, Played(pieces=("word ",) * place)), Client()
    model.extra[place] = TEXT
    await run(model, "open-webui", SearchTool(Library())).drive(client)
    cited = next(i for i, each in enumerate(client.heard_all) if "[1]" in each)
    assert client.heard_all[cited - 1]["source"]["name"] == "Handbook"
