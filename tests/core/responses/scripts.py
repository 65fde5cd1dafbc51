"""What clients of one completion hear: scripts of rounds, played to a chat client and another."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from hypothesis import strategies as st

from proxy.core.citations import Cite
from proxy.core.fold import Fold
from proxy.core.frames import Frame, TextChunk
from proxy.core.hidden import Failed, Found, Job
from proxy.core.passages import Result
from proxy.core.responses.events import Told, whole
from proxy.core.responses.manner import Manner
from proxy.core.responses.objects import Facts
from proxy.core.responses.tools import ClientTool
from proxy.core.responses.writer import ResponseWriter
from proxy.core.search_tool import Search, SearchTool
from proxy.core.turn import Turn
from proxy.core.writer import CompletionWriter
from proxy.errors import Unreachable
from tests.support.openai_responses import fold

ECHO: dict[str, Any] = {
    "background": False,
    "instructions": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
}
SEARCH = SearchTool(upstream=None)  # type: ignore[arg-type]  # no search runs
RESULT = Result("c", "Text.", 0.5, 7, "Handbook", "h.pdf", "https://x/7")
FRAME = Frame({"id": "up", "model": "served"}, {"index": 0})


def called_as(name: str) -> ClientTool:
    """Tools whose names begin with `x_` are custom, and those with `n_` are in a namespace."""
    if name.startswith("x_"):
        return ClientTool("custom", name)
    if name.startswith("n_"):
        return ClientTool("function", name[2:], "n")
    return ClientTool("function", name)


def response_writer(
    cites: Callable[[], Iterable[Cite]] = tuple, echo: Any = ECHO, **manner: Any
) -> ResponseWriter:
    numbers = itertools.count()
    return ResponseWriter(
        Facts("resp_1", 9, "asked", echo),
        Manner(**{"called_as": called_as, **manner}),
        lambda prefix: f"{prefix}_{next(numbers)}",
        cites,
    )


def chunk(delta: dict[str, Any], **choice: Any) -> Any:
    one = {"index": 0, "delta": delta, "finish_reason": None, **choice}
    return {"id": "up", "created": 1, "model": "served", "choices": [one]}


def fragment(index: int, arguments: str, name: str = "") -> Any:
    first = {"id": f"call_{index}", "type": "function"} if name else {}
    function = {"name": name, "arguments": arguments} if name else {"arguments": arguments}
    return chunk({"tool_calls": [{"index": index, **first, "function": function}]})


def search(query: str) -> Job:
    return Search(query, 5).job


@dataclass
class Play:
    """Plays one script to both clients."""

    manner: dict[str, Any] = field(default_factory=dict)
    knows_cites: bool = True
    """Whether citations are known as soon as the text is there."""
    echo: Any = field(default_factory=lambda: ECHO)

    def __post_init__(self) -> None:
        self.completion = CompletionWriter(
            id="chatcmpl-1", created=9, model="asked", include_usage=True
        )
        self.chat = Fold()
        self.cites: list[Cite] = []
        self.writer = response_writer(
            lambda: tuple(self.cites) if self.knows_cites else (), self.echo, **self.manner
        )
        self.told: list[Told] = []

    def hear(self, *chunks: Any) -> None:
        heard = [told for each in chunks if (told := self.completion.write(each)) is not None]
        self._hear(heard)

    def think(self, line: str) -> None:
        self._hear([self.completion.think(line)])

    def cite(self) -> None:
        """The last character cites a source."""
        end = len(self.completion.text)
        if end and not (self.cites and self.cites[-1].end == end):
            self.cites.append(Cite(end - 1, end, "https://x/7", "Handbook", 7))

    def begin_round(self) -> None:
        self.completion.begin_round()

    def begin_search(self, query: str) -> None:
        self.told += self.writer.begin(SEARCH, search(query))

    def end_search(self, query: str, *, has_failed: bool = False) -> None:
        outcome = Failed(Unreachable("LightOn", "Gone.")) if has_failed else Found((RESULT,))
        self.told += self.writer.end(SEARCH, search(query), outcome)

    def heartbeat(self) -> None:
        self.told += self.writer.heartbeat()

    def end(self, finish_reason: str = "stop") -> None:
        usage: Any = {
            "prompt_tokens": 3,
            "completion_tokens": 4,
            "total_tokens": 7,
            "prompt_tokens_details": {"cached_tokens": 1},
        }
        turn = Turn("", finish_reason, usage=usage, closing=chunk({}))
        self.completion.end_round(turn)
        annotations: Any = [
            {
                "type": "url_citation",
                "url_citation": {
                    "url": each.url,
                    "title": each.title,
                    "start_index": each.start,
                    "end_index": each.end,
                },
            }
            for each in self.cites
        ]
        spans = [[each.start, each.end] for each in self.cites]
        citation = {"n": 1, "url": "https://x/7", "title": "Handbook", "file_id": 7}
        report = {"citations": [{**citation, "spans": spans, "passages": []}] if spans else []}
        closing = self.completion.end(turn, annotations=annotations, extras={"lighton": report})
        self._hear(closing)
        self.told += self.writer.finish(11)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [dict(whole(each)) for each in self.told]

    @property
    def types(self) -> list[str]:
        """The types of all events, in short."""
        return [each["type"].removeprefix("response.") for each in self.events]

    @property
    def response(self) -> dict[str, Any]:
        return dict(self.writer.response)

    @property
    def folded(self) -> dict[str, Any]:
        return fold(self.events)

    @property
    def message(self) -> Any:
        """What the chat client got."""
        return self.chat.completion()["choices"][0]["message"]

    def _hear(self, chunks: Sequence[Any]) -> None:
        self.chat.hear(chunks)
        self.told += self.writer.hear(chunks)


def texts_of(response: dict[str, Any]) -> str:
    """All text of a response, as the SDK's `output_text` joins it."""
    return "".join(
        part["text"]
        for item in response["output"]
        if item["type"] == "message"
        for part in item["content"]
        if part["type"] == "output_text"
    )


def thoughts_of(response: dict[str, Any]) -> str:
    return "".join(
        part["text"]
        for item in response["output"]
        if item["type"] == "reasoning"
        for part in (*item["summary"], *item.get("content", ()))
    )


def calls_of(response: dict[str, Any]) -> list[dict[str, Any]]:
    return [item for item in response["output"] if item["type"].endswith(("n_call", "l_call"))]


# Arbitrary scripts

_STEPS = st.one_of(
    st.tuples(st.just("text"), st.text(min_size=1, max_size=4)),
    st.tuples(st.just("framed"), st.text(min_size=1, max_size=4)),
    st.tuples(st.just("thought"), st.text(min_size=1, max_size=4)),
    st.tuples(st.just("all"), st.text(min_size=1, max_size=3)),
    st.tuples(st.just("line"), st.just("Searching")),
    st.tuples(st.just("refusal"), st.text(min_size=1, max_size=3)),
    st.tuples(st.just("token"), st.text(max_size=3)),
    st.tuples(st.just("call"), st.sampled_from(["get", "x_run", "n_get"])),
    st.tuples(st.just("arguments"), st.integers(0, 2)),
    st.tuples(st.just("cite"), st.none()),
    st.tuples(st.just("round"), st.none()),
    st.tuples(st.just("beat"), st.none()),
    st.tuples(st.just("begin"), st.sampled_from("pq")),
    st.tuples(st.just("end"), st.sampled_from("pq")),
    st.tuples(st.just("fail"), st.sampled_from("pq")),
)
_PIECES = ('{"input"', ': "a', "\\n", '"}')
"""The arguments of each call."""

steps = st.lists(_STEPS, max_size=25)
manners = st.fixed_dictionaries(
    {
        "has_file_search": st.booleans(),
        "has_results": st.booleans(),
        "thoughts_as_summary": st.booleans(),
    }
)


def play(one: Play, script: list[tuple[str, Any]], *, is_cut: bool = False) -> None:
    """Play all of a script but for its end. A cut one leaves calls as they are."""
    left: list[Iterator[str]] = []
    running: set[str] = set()
    for what, value in script:
        match what:
            case "call":
                left.append(iter(_PIECES))
                one.hear(fragment(len(left) - 1, "", value))
            case "arguments" if value < len(left) and (piece := next(left[value], "")):
                one.hear(fragment(value, piece))
            case "begin" if value not in running:
                running.add(value)
                one.begin_search(value)
            case "end" | "fail" if value in running:
                running.remove(value)
                one.end_search(value, has_failed=what == "fail")
            case _:
                _say(one, what, value)
    for index, pieces in enumerate(left):
        if not is_cut:
            one.hear(*(fragment(index, piece) for piece in pieces))


def _say(one: Play, what: str, value: Any) -> None:
    match what:
        case "line":
            one.think(value)
        case "cite":
            one.cite()
        case "round":
            one.begin_round()
        case "beat":
            one.heartbeat()
        case _ if what in _CHUNKS:
            one.hear(_CHUNKS[what](value))


def _with_logprobs(text: str) -> Any:
    token = {"token": text, "logprob": -0.5, "bytes": None, "top_logprobs": []}
    return chunk({"content": text}, logprobs={"content": [token]})


_CHUNKS: dict[str, Callable[[str], Any]] = {
    "text": lambda text: chunk({"content": text}),
    "framed": lambda text: TextChunk(FRAME, text, orjson.dumps(text)[1:-1]),
    "thought": lambda text: chunk({"reasoning_content": text}),
    "all": lambda text: chunk({"reasoning_content": text, "content": text}),
    "refusal": lambda text: chunk({"refusal": text}),
    "token": _with_logprobs,
}
