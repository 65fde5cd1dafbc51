"""The APIs that a subject is asked by: what a request holds, and what a client hears of a reply."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import orjson

from bench.exchange import Event

_DONE: Final = b"[DONE]"


@dataclass(slots=True)
class Heard:
    """What a client hears of one answer."""

    pieces: list[str] = field(default_factory=list)
    """Its text, as it came."""
    times: list[float] = field(default_factory=list)
    """When each piece came."""
    reasons: list[str] = field(default_factory=list)
    """Why it ended, in the words of chat."""
    cited: list[list[Any]] = field(default_factory=list)
    """Its annotations in the form of chat, as often as they came."""


class Api(Protocol):
    """One way to ask for an answer."""

    @property
    def path(self) -> str: ...

    def body(self, model: str, question: str, *, stream: bool) -> dict[str, Any]:
        """The body of a request."""

    def whole(self, reply: Any) -> Heard:
        """What a reply says that is not streamed."""

    def streamed(self, events: list[Event]) -> Heard:
        """What the events of a stream say. Raises ValueError if it does not end as it should."""


class Chat:
    path = "/v1/chat/completions"

    def body(self, model: str, question: str, *, stream: bool) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": model,
            "messages": [{"role": "user", "content": question}],
        }
        if stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        return body

    def whole(self, reply: Any) -> Heard:
        choice = reply["choices"][0]
        message = choice["message"]
        cited = [message["annotations"]] if message.get("annotations") else []
        return Heard([message["content"]], reasons=[choice["finish_reason"]], cited=cited)

    def streamed(self, events: list[Event]) -> Heard:
        if events[-1].data != _DONE:
            raise ValueError(f"the last event is {events[-1].data!r} instead of {_DONE!r}")
        heard = Heard()
        for event in events[:-1]:
            for choice in orjson.loads(event.data)["choices"]:
                delta = choice["delta"]
                if text := delta.get("content"):
                    heard.pieces.append(text)
                    heard.times.append(event.at)
                if noted := delta.get("annotations"):
                    heard.cited.append(noted)
                if reason := choice.get("finish_reason"):
                    heard.reasons.append(reason)
        return heard


class Responses:
    path = "/v1/responses"

    def body(self, model: str, question: str, *, stream: bool) -> dict[str, Any]:
        return {"model": model, "input": question, "stream": stream, "store": False}

    def whole(self, reply: Any) -> Heard:
        parts = list(_parts(reply["output"]))
        cited = [[_as_on_chat(note) for part in parts for note in part["annotations"]]]
        text = "".join(part["text"] for part in parts)
        return Heard([text], reasons=[_reason(reply)], cited=[each for each in cited if each])

    def streamed(self, events: list[Event]) -> Heard:
        heard = Heard()
        noted: list[Any] = []
        for event in events:
            told = orjson.loads(event.data)
            if told["type"] == "response.output_text.delta":
                heard.pieces.append(told["delta"])
                heard.times.append(event.at)
            elif told["type"] == "response.output_text.annotation.added":
                noted.append(_as_on_chat(told["annotation"]))
        last = orjson.loads(events[-1].data)
        heard.reasons.append(_reason(last["response"]))
        heard.cited += [noted] if noted else []
        return heard


CHAT: Final[Api] = Chat()
RESPONSES: Final[Api] = Responses()


def _parts(output: Iterable[Any]) -> Iterator[Any]:
    return (part for item in output if item["type"] == "message" for part in item["content"])


def _as_on_chat(note: Any) -> Any:
    flat = {name: value for name, value in note.items() if name != "type"}
    return {"type": note["type"], note["type"]: flat}


def _reason(response: Any) -> str:
    return "stop" if response["status"] == "completed" else str(response["status"])
