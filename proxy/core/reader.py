"""The turn reader takes the chunks of one round and passes on what the client may hear.

Reasoning passes at once, and text unless it may be a call (`proxy.core.text_calls`). The name of a
call decides who answers it, so fragments wait until the name is whole (`proxy.core.gathering`). The
client's calls pass, numbered from 0; the reader keeps all others to itself. A hidden call is
complete as soon as its arguments are a whole JSON object, so a search can start while the model
still writes. The reader hands out complete calls in the order in which the model began them,
however it mixed their fragments. At its end, the round becomes a `Turn`.

A call never overtakes text: where text is held back, the client's calls wait until it is told what
the text is. For what follows the reader ends the text at a call, and text whose end came later
would be read otherwise than in a plain reply, where all text comes first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, cast, overload

from proxy.core.call_tags import OPENING
from proxy.core.finish import CUT_SHORT, known_reason
from proxy.core.frames import TextChunk
from proxy.core.gathering import CallRules, Calls
from proxy.core.room import Room
from proxy.core.text_calls import TextCalls
from proxy.core.turn import ToolCall, Turn
from proxy.core.wire import Choice, Chunk, Delta, Fragment, Logprobs, TokenLogprob, Usage
from proxy.errors import BadReply

_WORD: Final = re.compile(r"[\w-]{1,60}", re.ASCII)
"""A finish_reason that a log line may show."""
_READ_APART: Final = frozenset({"role", "content", "tool_calls"})


class UnfinishedTurnError(Exception):
    """The upstream's reply ended without a finish_reason."""


class FailedTurnError(Exception):
    """The upstream's reply ended with a finish_reason that is no end of an answer."""

    def __init__(self, finish_reason: str) -> None:
        super().__init__(finish_reason)
        self.finish_reason = finish_reason


class TurnReader:
    """Reads one round. `rules` say who answers its calls."""

    def __init__(self, rules: CallRules, *, room: int) -> None:
        """`room` is how many characters the client may still hear in this answer."""
        self.room = Room(room)
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._text_calls = TextCalls(rules.names)
        self.usage: Usage = {}
        """What the upstream has told of the round's tokens so far."""
        self._calls = Calls(rules, self.room)
        self._waiting: list[Fragment] = []
        """What the client hears of its calls once the text before them has passed."""
        self.has_calls = False
        self._closing: Chunk | None = None
        self._finish_reason = ""
        self._held_tokens: list[TokenLogprob] = []
        """The log probabilities of text that is held back."""

    @overload
    def feed(self, chunk: Chunk) -> Chunk | None: ...

    @overload
    def feed(self, chunk: Chunk | TextChunk) -> Chunk | TextChunk | None: ...

    def feed(self, chunk: Chunk | TextChunk) -> Chunk | TextChunk | None:
        """The part of `chunk` that the client may hear, or None. Changes `chunk`."""
        if isinstance(chunk, TextChunk):
            text = chunk.text
            if not self._text_calls.is_idle or OPENING.search(text) is not None:
                text = self._text_calls.feed(text)
            size = len(text)
            if text is chunk.text and size <= self.room.left:
                self.room.left -= size
                self._text.append(text)
                return chunk
            return self._feed_text(chunk.whole(), text)
        if usage := chunk.get("usage"):
            # Some upstreams report the running total in every chunk: the last one counts.
            self.usage = usage
        choices = chunk.get("choices")
        if not choices:
            return None
        choice = choices[0]
        delta = choice.get("delta") or {}
        text = self._text_calls.feed(delta.get("content") or "")
        if finish_reason := choice.get("finish_reason"):
            self._finish_reason = finish_reason
            self._closing = {**chunk, "choices": [{**choice, "delta": {}, "logprobs": None}]}
        choice["delta"] = self._hear(choice, delta, text)
        return chunk if choice["delta"] or choice.get("logprobs") else None

    def take_ready(self) -> list[ToolCall]:
        """The hidden calls that have become complete since the last `take_ready`."""
        return self._calls.take_ready()

    def close(self) -> Turn:
        """The turn, once the upstream's reply has ended or the answer is full.

        The model gets no answer to the hidden calls of a turn that was cut short, as it may have
        lost others. Raises UnfinishedTurnError and FailedTurnError.
        """
        if self._closing is None and not self.room.is_full:
            raise UnfinishedTurnError
        finish_reason = "length" if self.room.is_full else known_reason(self._finish_reason)
        if finish_reason is None:
            raise FailedTurnError(self._finish_reason)
        is_cut = finish_reason in CUT_SHORT
        return Turn(
            text="".join(self._text),
            finish_reason=finish_reason,
            calls=self._calls.heard() if is_cut else self._calls.all(),
            usage=self.usage,
            reasoning="".join(self._reasoning),
            closing=self._closing or {"choices": [{"index": 0, "delta": {}}]},
        )

    def _feed_text(self, chunk: Chunk, text: str) -> Chunk | None:
        """The chunk of a frame, of whose text the client hears something else."""
        choice = chunk["choices"][0]
        choice["delta"] = self._hear(choice, {}, text)
        return chunk if choice["delta"] else None

    def _hear(self, choice: Choice, delta: Delta, text: str) -> Delta:
        """The part of a delta that the client may hear. The writer adds the role.

        `text` is the part of its text that is no call.
        """
        heard: Delta = {  # type: ignore[assignment]  # mypy knows no part of a TypedDict
            name: value
            for name, value in delta.items()
            if value is not None and value != "" and name not in _READ_APART
        }
        if text:
            heard["content"] = text
        said = 0
        for value in heard.values():
            said += len(value) if type(value) is str else _size(value)
        if said > self.room.left:
            self._cut(heard)
        else:
            self.room.left -= said
        passed = self._calls.hear(delta.get("tool_calls") or ())
        is_all = self._calls.are_heard
        if self._finish_reason and not self.room.is_full:
            is_all = self._hear_end(heard, passed) and is_all
        self.has_calls = len(self._calls) > 0
        if due := self._due(passed):
            heard["tool_calls"] = due
        if text := heard.get("content") or "":
            self._text.append(text)
        if reasoning := heard.get("reasoning_content"):
            self._reasoning.append(reasoning)
        if choice.get("logprobs") or self._held_tokens:
            is_all = is_all and not self.room.is_full
            choice["logprobs"] = self._tell(choice.get("logprobs"), text, is_all=is_all)
        return heard

    def _hear_end(self, heard: Delta, passed: list[Fragment]) -> bool:
        """Add what the client hears only now that the turn has ended; False if that is not all.

        Of the room that is left, the calls before it take their share first, as in a stream.
        """
        rest, written = self._text_calls.close()
        passed += self._calls.settle()
        if rest := self.room.cut(rest):
            heard["content"] = heard.get("content", "") + rest
        passed += self._calls.add_written(written)
        return not written

    def _due(self, passed: list[Fragment]) -> list[Fragment]:
        """The fragments that the client hears now: none while text before them is held back."""
        if self._text_calls.is_holding and not self.room.is_full:
            self._waiting += passed
            return []
        if self._waiting:
            passed, self._waiting = _joined([*self._waiting, *passed]), []
        return passed

    def _tell(self, logprobs: Logprobs | None, text: str, *, is_all: bool) -> Logprobs | None:
        """The log probabilities of `text`. Those of text that is held back wait with it."""
        held, is_holding = self._held_tokens, self._text_calls.is_holding
        if is_all and not held and not is_holding:
            return logprobs
        logprobs = logprobs or {}
        tokens = [*held, *(logprobs.get("content") or ())]
        told = tokens if is_all and not is_holding else _tokens_of(text, tokens)
        self._held_tokens = tokens[len(told) :] if is_all else []
        return {"content": told, "refusal": logprobs.get("refusal")} if told else None

    def _cut(self, heard: Delta) -> None:
        """Cut a delta to the room that is left. Reasoning takes its share first: it comes first."""
        said = cast("dict[str, object]", heard)
        for name in sorted(said, key="reasoning_content".__ne__):
            value = said[name]
            if type(value) is str:
                said[name] = self.room.cut(value)
                if not said[name]:
                    del said[name]
            elif _size(value) > self.room.left:
                self.room.is_full = True
                del said[name]
            else:
                self.room.left -= _size(value)


def _joined(fragments: Iterable[Fragment]) -> list[Fragment]:
    """One fragment for each call: clients cannot join two that come in one delta."""
    firsts: dict[int, Fragment] = {}
    arguments: dict[int, list[str]] = {}
    for each in fragments:
        firsts.setdefault(each["index"], each)
        arguments.setdefault(each["index"], []).append(each["function"].get("arguments", ""))
    return [
        {**first, "function": {**first["function"], "arguments": "".join(arguments[index])}}
        for index, first in firsts.items()
    ]


def _size(value: object) -> int:
    """About how many characters a list, an object or a number in a delta takes."""
    return len(str(value))


def _tokens_of(text: str, tokens: list[TokenLogprob]) -> list[TokenLogprob]:
    """The tokens of `text` alone. Those of hidden calls would give the calls away."""
    place = count = 0
    for token in tokens:
        piece = token.get("token", "")
        if not piece or not text.startswith(piece, place):
            break
        place += len(piece)
        count += 1
    return tokens[:count]


def turn_of(reader: TurnReader, upstream: str) -> Turn:
    """The turn that has been read. Raises BadReply if it did not end as an answer does."""
    try:
        return reader.close()
    except UnfinishedTurnError as error:
        what = f"{upstream}'s reply broke off before its end."
        raise BadReply(upstream, what, cause="broke_off") from error
    except FailedTurnError as error:
        what = f"{upstream} gave up before the end of its answer. Try again."
        said = error.finish_reason if _WORD.fullmatch(error.finish_reason) else ""
        raise BadReply(upstream, what, cause="finish_reason", said=said) from error
