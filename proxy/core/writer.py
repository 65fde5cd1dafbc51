"""The completion writer turns any number of model rounds into one completion.

The completion has one id, one `created`, one role and one finish_reason. It sums the usage of all
rounds, and a blank line sets the text of a later round off from the text before. Both kinds of
client get the same chunks: one as a stream, the other as their fold (`proxy.core.fold`).

The model's text passes through a `Prose`, which may change it and hold some of it back. Whatever it
holds goes out before anything that must not overtake it: a tool call, or the next round.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Literal, Protocol, cast

import orjson

from proxy.core.chat import MAX_NAME_CHARS
from proxy.core.citations import Cite
from proxy.core.frames import Frame, TextChunk
from proxy.core.turn import Turn, add_usage, whole_usage
from proxy.core.wire import Annotation, Choice, Chunk, Delta, Usage

_Text = Literal["content", "reasoning_content"]


class Prose(Protocol):
    """The text of an answer on its way from the model to the client."""

    def feed(self, piece: str) -> str:
        """What the client hears now. It is `piece` itself wherever nothing is changed."""

    def flush(self) -> str:
        """What is still held, because a round has ended."""


class Verbatim:
    """Prose that passes as it comes."""

    def feed(self, piece: str) -> str:
        return piece

    def flush(self) -> str:
        return ""


class CompletionWriter:
    """Writes the chunks of one completion. It changes the chunks that it gets."""

    def __init__(
        self,
        *,
        id: str,  # noqa: A002  # OpenAI's name
        created: int,
        model: str,
        include_usage: bool,
    ) -> None:
        """The client sees `model` until the upstream says which model answers."""
        self.prose: Prose = Verbatim()
        self.citing: Callable[[], Iterable[Cite]] = tuple
        """What knows the citations of the text so far."""
        self.id = id
        self.model = model
        self._created = created
        self._include_usage = include_usage
        self._knows_model = self._is_named = False
        """Whether the upstream has said which model answers: at all, and in this round."""
        self._has_begun = False
        self.has_ended = False
        """The closing chunks are written. Nothing may follow them."""
        self._heard: dict[_Text, _Heard] = {"content": _Heard(), "reasoning_content": _Heard()}
        self._gaps: dict[_Text, str] = {}
        self._line = ""
        """The proxy's latest line among the model's thoughts."""
        self._round_begins = 0
        """The first piece of text of the round."""
        self._heard_call = False
        self.has_refused = False
        """The client has heard the model refuse."""
        self._frame = self._dressed = Frame({}, {})
        """The upstream's latest frame of text, and the client's version of it."""
        self.usage: Usage = {}

    @property
    def reported_model(self) -> str:
        """The model that the upstream says answers; "" until it has said so."""
        return self.model if self._knows_model else ""

    @property
    def text(self) -> str:
        """All text the client has heard so far."""
        return "".join(self._heard["content"].pieces)

    @property
    def round_text(self) -> str:
        """The text of this round as the client has heard it."""
        return "".join(self._heard["content"].pieces[self._round_begins :])

    def cites(self) -> Iterable[Cite]:
        """The citations of the text so far."""
        return self.citing()

    def begin_round(self) -> None:
        """Set the coming round's text off from what was heard before."""
        self._is_named = False  # another model may answer
        self._round_begins = len(self._heard["content"].pieces)
        self._gaps = {name: heard.gap() for name, heard in self._heard.items()}

    def write(self, chunk: Chunk | TextChunk) -> Chunk | TextChunk | None:
        """What the client hears of a chunk from the turn reader; None if it is nothing yet."""
        if isinstance(chunk, TextChunk):
            if self._has_begun and "content" not in self._gaps:
                if chunk.frame is not self._frame:
                    self._frame, self._dressed = chunk.frame, self._dress_frame(chunk.frame)
                if (text := self.prose.feed(chunk.text)) is chunk.text:
                    written = chunk.written
                elif text:
                    written = orjson.dumps(text)[1:-1]
                else:
                    return None
                self._heard["content"].pieces.append(text)
                return TextChunk(self._dressed, text, written)
            chunk = chunk.whole()
        if not self._is_named:
            self._is_named = self._knows_model = True
            self.model = (chunk.get("model") or self.model)[:MAX_NAME_CHARS]
        choice = chunk["choices"][0]
        self._write_delta(choice["delta"])
        if not choice["delta"] and not choice.get("logprobs"):
            return None
        return self._dress(chunk, choice)

    def _write_delta(self, delta: Delta) -> None:
        """Make of a delta what the client hears of it, which may be nothing."""
        if "refusal" in delta:
            self.has_refused = True
        for name in self._heard:
            if name in delta and name in self._gaps:
                delta[name] = self._gaps.pop(name) + delta[name]
        if "tool_calls" in delta:
            self._heard_call = True
            delta["content"] = self.prose.feed(delta.get("content", "")) + self.prose.flush()
        elif "content" in delta:
            delta["content"] = self.prose.feed(delta["content"])
        for name, heard in self._heard.items():
            if text := delta.get(name):
                heard.pieces.append(text)
            elif name in delta:
                del delta[name]

    def _dress_frame(self, frame: Frame) -> Frame:
        """The client's version of `frame`."""
        chunk = frame.around("")
        choice = chunk["choices"][0]
        return Frame(self._dress(chunk, choice), choice)

    def heartbeat(self) -> Chunk:
        """A chunk without words, to keep the connection of a waiting client open."""
        return self._chunk({"content": ""})

    def think(self, line: str) -> Chunk:
        """A line of the proxy's own among the model's thoughts, set off from those before it."""
        thoughts = self._heard["reasoning_content"]
        gap = "" if self._line and thoughts.pieces[-1] is self._line else thoughts.gap()
        self._line = f"{gap}{line}\n"
        thoughts.pieces.append(self._line)
        if "reasoning_content" in self._gaps:
            self._gaps["reasoning_content"] = thoughts.gap()
        return self._chunk({"reasoning_content": self._line})

    def aside(self, fields: Mapping[str, object]) -> Chunk:
        """A chunk without words, with top-level keys for a client that knows them."""
        return cast("Chunk", {**self._chunk({}), **fields})

    def end_round(self, turn: Turn) -> Chunk | None:
        """Take in what the round cost. What the client hears of text that was held, if any."""
        self.usage = add_usage(self.usage, turn.usage)
        text = self.prose.flush()
        if not text:
            return None
        self._heard["content"].pieces.append(text)
        return self._chunk({"content": text})

    def say(self, text: str) -> Chunk:
        """The proxy's own words, as they are. A blank line sets them off from what was heard."""
        text = self._gaps.pop("content", "") + text
        self._heard["content"].pieces.append(text)
        return self._chunk({"content": text})

    def end(
        self, turn: Turn, *, annotations: list[Annotation], extras: Mapping[str, object]
    ) -> list[Chunk]:
        """The closing chunks: annotations, the finish_reason, and usage if the client wants it.

        `extras` are top-level keys of the reply. Annotations come in exactly one delta, because
        clients that assemble a stream cannot join two.
        """
        self.has_ended = True
        chunks = []
        if annotations or extras:
            late = self._chunk({"annotations": annotations} if annotations else {})
            chunks.append(cast("Chunk", {**late, **extras}))
        chunks.append(self._finish(turn))
        if self._include_usage:
            last = self._chunk({})
            chunks.append({**last, "choices": [], "usage": whole_usage(self.usage)})
        return chunks

    def _finish(self, turn: Turn) -> Chunk:
        is_empty = not self._heard["content"].pieces and not self._heard_call
        delta: Delta = {"content": ""} if is_empty else {}
        choice: Choice = {**turn.closing["choices"][0], "delta": delta}
        closing = self._dress({**turn.closing, "choices": [choice]}, choice)
        choice["finish_reason"] = self._finish_reason(turn)
        return closing

    def _finish_reason(self, turn: Turn) -> str:
        """The turn's reason, true to what the client heard: the upstream may say it otherwise.

        Beside that of a turn that was cut, it only says whether the model called a tool.
        """
        if turn.is_cut:
            return turn.finish_reason
        return "tool_calls" if self._heard_call else "stop"

    def _chunk(self, delta: Delta) -> Chunk:
        choice: Choice = {"index": 0, "delta": delta}
        return self._dress({"choices": [choice]}, choice)

    def _dress(self, chunk: Chunk, choice: Choice) -> Chunk:
        """Give a chunk the completion's own fields, in the shape of OpenAI's schema."""
        chunk["id"] = self.id
        chunk["object"] = "chat.completion.chunk"
        chunk["created"] = self._created
        chunk["model"] = self.model
        if self._include_usage:
            chunk["usage"] = None
        else:
            chunk.pop("usage", None)
        choice["index"] = 0
        choice["finish_reason"] = None
        if logprobs := choice.setdefault("logprobs", None):
            choice["logprobs"] = {"content": None, "refusal": None, **logprobs}
        if chunk.get("system_fingerprint", "") is None:
            del chunk["system_fingerprint"]
        if len(chunk["choices"]) > 1:
            chunk["choices"] = [choice]
        if not self._has_begun:
            self._has_begun = True
            choice["delta"] = {"role": "assistant", **choice["delta"]}
        return chunk


class _Heard:
    """The text, or the reasoning, that the client has heard so far."""

    __slots__ = ("_is_blank", "_line_ends", "_seen", "pieces")

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._seen = 0
        """How many of the pieces `gap` has read."""
        self._is_blank = True
        self._line_ends = 0
        """How many line ends the text so far ends in."""

    def gap(self) -> str:
        """The line ends that complete a blank line after the text so far; none if that is blank."""
        new = "".join(self.pieces[self._seen :])
        self._seen = len(self.pieces)
        body = new.rstrip("\n")
        self._line_ends = len(new) - len(body) + (0 if body else self._line_ends)
        self._is_blank = self._is_blank and not body.strip()
        return "" if self._is_blank else "\n" * max(0, 2 - self._line_ends)
