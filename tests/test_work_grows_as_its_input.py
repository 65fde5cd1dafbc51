"""No work grows faster than its input: twice the input takes at most twice the steps.

Each case is something that comes from outside and can be long, in the shape that costs the most.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import Any

import httpx
import pytest

from proxy.access.clients import PeopleHeaders
from proxy.access.user_headers import UserHeaders, groups_in
from proxy.app import create_app
from proxy.core.call_ids import told_apart
from proxy.core.chat import parse_chat
from proxy.core.desk import Desk
from proxy.core.fold import Fold
from proxy.core.gathering import CallRules
from proxy.core.history import choose, recognise, restore
from proxy.core.json_format import JsonFormat
from proxy.core.kept import Findings, KeptJob, KeptTurn, call_id, handle_of_call
from proxy.core.passages import Passage, PassageBook
from proxy.core.read_call import Reading
from proxy.core.reader import TurnReader
from proxy.core.repeated import refuse_repeated
from proxy.core.responses.free_text import FreeText
from proxy.core.responses.request import read_request
from proxy.core.search_tool import Search
from proxy.core.sse import Decoder
from proxy.core.stores import Workspace
from proxy.core.text import AnswerText, LinkRules, Numbering
from proxy.core.text_calls import TextCalls
from proxy.core.tool_names import ToolNames
from proxy.core.turn import Owner
from proxy.core.wire import Choice, Chunk, Message, MessageCall
from proxy.core.writer import CompletionWriter
from proxy.settings import Settings
from proxy.surfaces.exchange import headers_of
from proxy.surfaces.stores import reached_of
from proxy.upstreams.lighton.file_search import scope_of
from proxy.upstreams.lighton.files import LightOnFiles
from proxy.upstreams.lighton.filters import attributes_of
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.upstreams.lighton.store_terms import STORE_TERMS
from proxy.upstreams.lighton.wish import WISHES
from proxy.upstreams.scaleway.quirks import fit_request
from tests.core.responses.samples import mint
from tests.core.responses.samples import read as request_of
from tests.core.samples import FENCE, TOOLS, result
from tests.support.asgi import Headers, ask
from tests.support.shelves import Shelves
from tests.support.steps import check_linear
from tests.upstreams.lighton.samples import SEARCH, in_file, item, lighton

Work = Callable[[], object]


def feeding(feed: Callable[[Any], object], pieces: Iterable[Any]) -> Work:
    made = list(pieces)

    def work() -> None:
        for piece in made:
            feed(piece)

    return work


# A request


def repeated_headers(size: int) -> Work:
    scope = {"headers": [(b"x-a", b"value" * 20)] * size}
    return lambda: headers_of(scope)


def headers_of_the_search(size: int) -> Work:
    nobody = httpx.MockTransport(lambda _: httpx.Response(500))
    app = create_app(Settings(lighton_api_key="k", scaleway_api_key="k"), nobody)
    more = [(b"x-lighton-%d" % number, b"1") for number in range(size)]
    return lambda: asyncio.run(ask(app, document={}, headers=Headers({}, more)))


def lists_of_the_search(size: int) -> Work:
    ids = list(range(size))
    paths = [f"a:b:{number}" for number in ids]
    wanted = {"workspace_id": ids, "content_type": paths, "attribute": paths}
    allowed = WISHES.read(wanted)
    return lambda: allowed.narrow(WISHES.read(wanted))


def filters_of_a_store(size: int) -> Work:
    alike = [{"type": "eq", "key": "a", "value": number} for number in range(size // 4 + 1)]
    filters: dict[str, Any] = {"type": "or", "filters": alike}
    for _ in range(5):
        filters = {"type": "or", "filters": [filters, alike[0]]}
    each = [{"type": "eq", "key": f"a{number}", "value": number} for number in range(size)]
    both = {"type": "and", "filters": [*each, filters]}
    return lambda: attributes_of(both, "filters")


def workspaces_in_reach(size: int) -> Work:
    found = [Workspace(number, "x") for number in range(size)]
    reach = (LightOnScope(workspace_id=tuple(range(size))),) * 2
    return lambda: reached_of(found, reach, STORE_TERMS)


def turns(size: int) -> Any:
    """So many turns that call one tool each, and their results."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Go on."}]
    for number in range(size):
        made = {"id": minted(number), "type": "function", "function": {"name": "f"}}
        messages += [
            {"role": "assistant", "content": None, "tool_calls": [made]},
            {"role": "tool", "tool_call_id": minted(number), "content": "Done."},
        ]
    return messages


def minted(number: int) -> str:
    return call_id(f"chatcmpl-{number:032x}", 1, 0)


def messages_of_many_turns(size: int) -> Work:
    document = {"messages": turns(size)}
    return lambda: parse_chat(document, WISHES)


def tools_and_calls(size: int) -> Work:
    tools = [{"type": "function", "function": {"name": f"f{n}"}} for n in range(size)]
    chosen = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": tools}}
    document = {"messages": turns(1), "tools": tools, "tool_choice": chosen}
    return lambda: parse_chat(document, WISHES)


def items_of_many_turns(size: int) -> Work:
    items: list[dict[str, Any]] = [{"role": "user", "content": "Go on."}]
    for number in range(size):
        called = {"call_id": minted(number)}
        items += [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
            {"role": "assistant", "content": "Let me see."},
            {"type": "function_call", "name": "f", "arguments": "{}", **called},
            {"type": "function_call_output", "output": "Done.", **called},
        ]
    return lambda: request_of(input=items).chat()


def items_that_the_assistant_wrote(size: int) -> Work:
    said = [{"role": "assistant", "content": "Let me see."}] * size
    return lambda: request_of(input=said).chat()


def references_to_stored_items(size: int) -> Work:
    history = request_of(input=[{"role": "user", "content": "Go on."}] * size).items()
    asked = request_of(input=[{"type": "item_reference", "id": each["id"]} for each in history])
    return lambda: asked.chat(history)


def tools_in_namespaces(size: int) -> Work:
    inner = [{"type": "function", "name": f"f{n}"} for n in range(size)]
    tools = [{"type": "namespace", "name": "n", "description": "", "tools": inner}]
    named = [{"type": "function", "name": f"f{n}", "namespace": "n"} for n in range(size)]
    chosen = {"type": "allowed_tools", "mode": "auto", "tools": named}
    return lambda: request_of(input="Hi", tools=tools, tool_choice=chosen).chat()


def stores_of_a_file_search(size: int) -> Work:
    stores = [f"ws_{number}" for number in range(size)]
    tools = [{"type": "file_search", "vector_store_ids": stores}]
    body = json.dumps({"input": "Hi", "tools": tools}).encode()

    def work() -> None:
        refuse_repeated(body, json.loads(body), ())
        read_request(json.loads(body), WISHES, frozenset(), scope_of, mint())

    return work


def turns_that_are_put_back(size: int) -> Work:
    messages = turns(size)
    kept = {handle_of_call(minted(number)) or "": kept_turn(number) for number in range(size)}

    def work() -> None:
        at = desk()
        chosen = choose(recognise(messages, earlier=True), kept, 10**9)
        restore(messages, chosen, lambda turn: at.recall(turn.findings, turn.size))

    return work


def answers_to_one_long_question(size: int) -> Work:
    question: Message = {"role": "user", "content": "word " * size}
    answer: Message = {"role": "assistant", "content": "Yes."}
    return lambda: recognise([question, *[answer] * size], earlier=True)


def user_messages_in_a_row(size: int) -> Work:
    messages: list[Message] = [{"role": "user", "content": "word " * 20}] * size
    return lambda: fit_request({"model": "mistral-small", "messages": messages}, frozenset())


# A search and its results


def desk() -> Desk:
    return Desk(TOOLS, Shelves(), PassageBook(10**9), FENCE, max_searches=10**9, query_limit=4_000)


def kept_turn(number: int) -> KeptTurn:
    passage = Passage(number + 1, result(f"c{number}", None))
    search = KeptJob(Search(f"query {number}", 5).job, (number + 1,))
    return KeptTurn("", "", findings=Findings((passage,), (search,), number + 1))


def searches_of_one_answer(size: int) -> Work:
    at = desk()
    at.begin_round()
    reader = hidden_reader()
    for number in range(size):
        arguments = json.dumps({"query": f"query {number}"})
        reader.feed(fragment(arguments, name="lighton_search", index=number))
    calls = reader.take_ready()

    def work() -> None:
        for each in calls:
            at.take(each)

    return work


def results_that_were_shown_before(size: int) -> Work:
    book = PassageBook(10**9)
    results = [result(f"c{number}") for number in range(size)]
    book.add(results)
    return lambda: book.add(results)


def results_with_many_tags(size: int) -> Work:
    source = in_file(7, tags=[{"id": number} for number in range(size)])
    reply = {"results": [item(source=source)]}
    upstream = lighton(httpx.MockTransport(lambda _: httpx.Response(200, json=reply)))
    scope = LightOnScope(file_id=(7,), tag_id=tuple(range(size)))
    return lambda: asyncio.run(upstream.search(SEARCH, scope))


def file_with_many_pages_and_tags(size: int) -> Work:
    pages = [{"index": number, "markdown": "x"} for number in range(size)]
    reply = {"pages": pages, "tags": [*range(1, size), 0]}
    found = {"results": [item(source=in_file(7, tags=[0]))]}
    upstream = lighton(
        httpx.MockTransport(
            lambda request: httpx.Response(200, json=reply if request.method == "GET" else found)
        )
    )
    scope = LightOnScope(tag_id=(*range(size, 2 * size), 0))
    reading = Reading(1, 7, 1, 5, None, None, "lighton://file/7")
    return lambda: asyncio.run(LightOnFiles(upstream).read(reading, scope))


# What a model says


def hidden_reader(*, client_tool: str = "") -> TurnReader:
    rules = CallRules(
        lambda name: Owner.CLIENT if name == client_tool else Owner.HIDDEN,
        mint_id=lambda number: f"call_{number}",
    )
    return TurnReader(rules, room=10**9)


def fragment(arguments: str, *, name: str | None = None, index: int = 0) -> Any:
    function = {"name": name, "arguments": arguments}
    delta = {"tool_calls": [{"index": index, "function": function}]}
    return {"choices": [{"index": 0, "delta": delta}]}


def fragments(reader: TurnReader, name: str, pieces: list[str]) -> Work:
    chunks = [fragment("", name=name), *map(fragment, pieces)]

    def feed(chunk: Chunk) -> None:
        reader.feed(chunk)
        reader.take_ready()

    return feeding(feed, chunks)


def fragments_with_braces(size: int) -> Work:
    pieces = ['{"query": "', *["}}}}}}}}"] * size, '"}']
    return fragments(hidden_reader(), "lighton_search", pieces)


def fragments_with_objects(size: int) -> Work:
    pieces = ['{"query": [', *['{"a": {}}, '] * size, "{}]}"]
    return fragments(hidden_reader(), "lighton_search", pieces)


def fragments_that_are_no_json(size: int) -> Work:
    return fragments(hidden_reader(), "lighton_search", ["{x} "] * size)


def fragments_that_repeat_the_name(size: int) -> Work:
    reader = hidden_reader(client_tool="f")
    return feeding(reader.feed, [fragment("{}", name="f")] * size)


def text_that_may_be_calls(begin: str) -> Callable[[int], Work]:
    own = frozenset({"lighton_search"})

    def work_of_size(size: int) -> Work:
        reader = TextCalls(ToolNames(own, own_in_text=own))
        reader.feed(begin * 500)  # as much as is looked at before a name
        return feeding(reader.feed, [begin * 4] * size)

    return work_of_size


def text_of_calls(call: str) -> Callable[[int], Work]:
    own = frozenset({"lighton_search"})

    def work_of_size(size: int) -> Work:
        reader = TextCalls(ToolNames(own, own_in_text=own))
        reader.feed(call * size)
        return reader.close

    return work_of_size


def calls_with_the_same_id(size: int) -> Work:
    call: MessageCall = {"id": "x", "type": "function", "function": {"name": "f"}}
    turn: Message = {"role": "assistant", "tool_calls": [call, call]}
    answer: Message = {"role": "tool", "tool_call_id": "x", "content": "Done."}
    return lambda: told_apart([turn, answer, answer] * size)


def fragments_of_a_clients_call(size: int) -> Work:
    return fragments(hidden_reader(client_tool="f"), "f", ["{x} "] * size)


def fragments_that_wait_for_text(size: int) -> Work:
    own = frozenset({"lighton_search"})
    rules = CallRules(lambda _: Owner.CLIENT, str, names=ToolNames(own, own_in_text=own))
    reader = TurnReader(rules, room=10**9)
    reader.feed({"choices": [{"index": 0, "delta": {"content": "<"}}]})
    return fragments(reader, "f", ["{x} "] * size)


def input_of_a_custom_tool(piece: str) -> Callable[[int], Work]:
    return lambda size: feeding(FreeText().feed, ['{"input": "', *[piece] * size])


def log_probabilities_of_a_hidden_turn(size: int) -> Work:
    reader = hidden_reader()
    chunk = fragment("{}", name="lighton_search")
    (choice,) = chunk["choices"]
    choice["delta"]["content"] = "word " * size
    choice["logprobs"] = {"content": [{"token": "word "}] * size}
    return lambda: reader.feed(chunk)


def log_probabilities_of_a_reply(size: int) -> Work:
    fold = Fold()
    logprobs = {"content": [{"token": "word"}] * 8, "refusal": None}
    choice = {"index": 0, "delta": {}, "logprobs": logprobs}
    return feeding(fold.add, [{"choices": [choice]}] * size)


def rounds_of_one_answer(size: int) -> Work:
    writer = CompletionWriter(id="x", created=1, model="m", include_usage=False)

    def begin_round(text: str) -> None:
        writer.begin_round()
        choice: Choice = {"index": 0, "delta": {"content": text}}
        writer.write({"choices": [choice]})

    return feeding(begin_round, ["some words \n" * 20] * size)


def line_without_end(size: int) -> Work:
    decoder = Decoder()
    return feeding(decoder.feed, [b"data: ", *[b"x" * 8] * size])


def answering(unit: str, *, by_char: bool = False) -> Callable[[int], Work]:
    """An answer of so many units that look like the begin of something."""

    def work_of_size(size: int) -> Work:
        text = AnswerText(numbering=Numbering(), links=LinkRules("sources"))
        text.show({n: f"https://docs.example/{n}" for n in range(1, 4)})
        pieces = list(unit * size) if by_char else [unit * size]

        def work() -> None:
            for piece in pieces:
                text.feed(piece)
            text.flush()

        return work

    return work_of_size


def judging_json(schema: Any, value: Callable[[int], Any]) -> Callable[[int], Work]:
    def work_of_size(size: int) -> Work:
        text = json.dumps(value(size))
        return lambda: JsonFormat(schema).fit(text)

    return work_of_size


ANSWERS = (
    *(
        "[",
        "](",
        "[a](b",
        "[[a](b) ",
        "![",
        "[1]",
        " [9]",
        "【",
        "[[1",
        "`",
        "` `` ",
        "\n```",
        "~~~\n",
    ),
    *("<", "<a ", "<a '", "<!--", "&", "\\", "//a.b ", "http://a ", "[x]: y\n", "[x]:", '](x "'),
    *(
        "row[1][2]",
        "[1] ",
        "x\n```\n---\n",
        "~",
        "www.",
        "[a.b/c](d) ",
        "    [1]\n\n",
        "[n, p. 4, 5] ",
    ),
)


def stray_ticks(size: int) -> str:
    return "a ` b `` c ``` d ```` " * size


def citing(text_of_size: Callable[[int], str]) -> Callable[[int], Work]:
    def work_of_size(size: int) -> Work:
        text = AnswerText(numbering=Numbering(), links=None)
        text.show({n: f"https://docs.example/{n}" for n in range(1, 4)})
        return feeding(text.feed, text_of_size(size))

    return work_of_size


def groups_of_a_person(unit: str) -> Callable[[int], Work]:
    return lambda size: lambda: groups_in(unit * size)


def headers_beside_the_persons(size: int) -> Work:
    raw = [*[(b"x-other", b"x")] * size, (b"x-user", b"ann")]
    return lambda: UserHeaders(lambda _: None).person(PeopleHeaders("X-User"), raw)


@pytest.mark.parametrize(
    ("work_of_size", "size"),
    [
        *((groups_of_a_person(unit), 400) for unit in ("a,", "%C3%BC", "%C3,", "%", " ")),
        (headers_beside_the_persons, 400),
        (repeated_headers, 400),
        (headers_of_the_search, 1_000),
        (lists_of_the_search, 200),
        (filters_of_a_store, 200),
        (workspaces_in_reach, 500),
        (messages_of_many_turns, 300),
        (tools_and_calls, 64),
        (items_of_many_turns, 200),
        (items_that_the_assistant_wrote, 400),
        (references_to_stored_items, 400),
        (tools_in_namespaces, 64),
        (stores_of_a_file_search, 400),
        (turns_that_are_put_back, 200),
        (answers_to_one_long_question, 400),
        (user_messages_in_a_row, 400),
        (searches_of_one_answer, 60),
        (results_that_were_shown_before, 200),
        (results_with_many_tags, 400),
        (file_with_many_pages_and_tags, 1_000),
        (fragments_with_braces, 600),
        (fragments_with_objects, 600),
        (fragments_that_are_no_json, 600),
        (fragments_of_a_clients_call, 600),
        (fragments_that_repeat_the_name, 60),
        (fragments_that_wait_for_text, 600),
        *((input_of_a_custom_tool(each), 400) for each in ("x", "\\n", "\\ud83e", "\\")),
        (text_that_may_be_calls("<tool_call>"), 60),
        (text_that_may_be_calls('{"arguments":'), 20),
        (text_that_may_be_calls("[[ ```\n"), 60),
        (text_of_calls('{"name": "lighton_search", "description": '), 60),
        (text_of_calls('<tool_call>{"name": "lighton_search"} '), 60),
        (text_of_calls("<function=lighton_search><parameter=a>"), 60),
        (calls_with_the_same_id, 200),
        (log_probabilities_of_a_hidden_turn, 2_000),
        (log_probabilities_of_a_reply, 800),
        (rounds_of_one_answer, 400),
        (line_without_end, 3_000),
        *((answering(unit), 80) for unit in ANSWERS),
        *((answering(unit, by_char=True), 50) for unit in ("[x] ", "word [1]. ", "<b> `x` ")),
        (judging_json({"items": {"type": "integer"}}, lambda size: [1] * size), 500),
        (judging_json({"items": {"enum": [1, 2]}}, lambda size: [["x" * 50]] * size), 500),
        (judging_json({"anyOf": [{"type": "null"}] * 9}, lambda size: ["x"] * size), 500),
        (citing("x [1] `[1]` ".__mul__), 60),
        (citing(stray_ticks), 60),
        (citing("```\nx\n~~~\n".__mul__), 60),
    ],
)
def test_twice_the_input_takes_at_most_twice_the_steps(
    work_of_size: Callable[[int], Work], size: int
) -> None:
    check_linear(work_of_size, size=size)
