"""The turn reader takes the chunks of one round and passes on what the client may hear.

Text and reasoning pass at once. The name of a call decides who answers it, so fragments wait until
the name has arrived. The client's calls pass, numbered from 0; the reader keeps all others to
itself. A hidden call is complete as soon as its arguments are a whole JSON object, so a search can
start while the model still writes. The reader hands out complete calls in the order in which the
model began them, however it mixed their fragments. At its end, the round becomes a `Turn`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, cast, overload

from proxy.core.arguments import Arguments
from proxy.core.chat import MAX_NAME_CHARS
from proxy.core.frames import TextChunk
from proxy.core.turn import Owner, ToolCall, Turn
from proxy.core.wire import Choice, Chunk, Delta, Fragment, Function, Logprobs, TokenLogprob, Usage

_CLIENT_ID: Final = re.compile(r"[\w.:-]{1,40}", re.ASCII)
"""Ids that OpenAI's clients accept: opaque, at most 40 characters."""

_MOST_CALLS: Final = 128
"""The most calls in one turn, as OpenAI limits tools. A model that makes more has lost its way."""


class UnfinishedTurnError(Exception):
    """The upstream's reply ended without a finish_reason."""


@dataclass(slots=True)
class _Gathering:
    """A tool call whose fragments are still arriving."""

    number: int
    """Its place among the turn's calls."""
    given_id: str = ""
    """The model's own id for it. The client may get another one."""
    id: str = ""
    name: str = ""
    arguments: Arguments = field(default_factory=Arguments)
    owner: Owner | None = None
    client_index: int | None = None
    is_handed_out: bool = False

    def call(self) -> ToolCall:
        owner = self.owner or Owner.NOBODY
        return ToolCall(self.id, self.name, self.arguments.text, owner)


class TurnReader:
    """Reads one round. `owner_of` says who answers calls of the tool with a given name."""

    def __init__(
        self,
        owner_of: Callable[[str], Owner],
        *,
        mint_id: Callable[[int], str],
        room: int,
        keeps_ids: bool = True,
        single_call: bool = False,
    ) -> None:
        """`room` is how many characters the client may still hear in this answer.

        `mint_id` makes an id for the call with a given number. With `keeps_ids`, the reader uses
        it only if clients would not accept the model's own id. With `single_call`, the client
        hears of one call at most, and the turn leaves out its further calls.
        """
        self._owner_of = owner_of
        self._mint_id = mint_id
        self.room = room
        self.is_full = False
        """The model said more than `room` allows, so the turn ends here."""
        self._keeps_ids = keeps_ids
        self._single_call = single_call
        self._text: list[str] = []
        self._usage: Usage = {}
        self._calls: list[_Gathering] = []
        self._by_key: dict[int | str | None, _Gathering] = {}
        """By index, or by id if the upstream sends no index."""
        self._newest: int | str | None = None
        self._ids: set[str] = set()
        self._closing: Chunk | None = None
        self._finish_reason = ""
        self._client_calls = 0
        self.has_calls = False

    @overload
    def feed(self, chunk: Chunk) -> Chunk | None: ...

    @overload
    def feed(self, chunk: Chunk | TextChunk) -> Chunk | TextChunk | None: ...

    def feed(self, chunk: Chunk | TextChunk) -> Chunk | TextChunk | None:
        """The part of `chunk` that the client may hear, or None. Changes `chunk`."""
        if isinstance(chunk, TextChunk):
            size = len(chunk.text)
            if size <= self.room:
                self.room -= size
                self._text.append(chunk.text)
                return chunk
            chunk = chunk.whole()
        if usage := chunk.get("usage"):
            # Some upstreams report the running total in every chunk: the last one counts.
            self._usage = usage
        choices = chunk.get("choices")
        if not choices:
            return None
        choice = choices[0]
        delta = choice.get("delta") or {}
        heard = self._hear(choice, delta)
        if finish_reason := choice.get("finish_reason"):
            self._finish_reason = finish_reason
            self._closing = {**chunk, "choices": [{**choice, "delta": {}, "logprobs": None}]}
        if not heard and not choice.get("logprobs"):
            return None
        choice["delta"] = heard
        return chunk

    def take_ready(self) -> list[ToolCall]:
        """The hidden calls that have become complete since the last `take_ready`."""
        ready = []
        for call in self._calls:
            if call.owner is Owner.CLIENT or call.is_handed_out:
                continue
            if call.owner is None or not call.arguments.is_object:
                break
            call.is_handed_out = True
            ready.append(call.call())
        return ready

    def close(self) -> Turn:
        """The turn, once the upstream's reply has ended or the answer is full.

        Raises UnfinishedTurnError.
        """
        if self._closing is None and not self.is_full:
            raise UnfinishedTurnError
        return Turn(
            text="".join(self._text),
            finish_reason="length" if self.is_full else self._finish_reason,
            calls=tuple(self._heard_calls() if self.is_full else self._finished_calls()),
            usage=self._usage,
            closing=self._closing or {"choices": [{"index": 0, "delta": {}}]},
        )

    def _hear(self, choice: Choice, delta: Delta) -> Delta:
        """The part of a delta that the client may hear. The writer adds the role."""
        fragments = delta.get("tool_calls")
        heard: Delta = {  # type: ignore[assignment]  # mypy knows no part of a TypedDict
            name: value
            for name, value in delta.items()
            if value is not None and value != "" and name not in {"role", "tool_calls"}
        }
        said = 0
        for value in heard.values():
            said += len(value) if type(value) is str else _size(value)
        if said > self.room:
            self._cut(heard)
        else:
            self.room -= said
        text = heard.get("content") or ""
        if text:
            self._text.append(text)
        are_all_heard = True
        if fragments:
            passed = [
                part for each in fragments if not self.is_full and (part := self._fragment(each))
            ]
            if passed:
                heard["tool_calls"] = passed
            are_all_heard = len(passed) == len(fragments)
        if self.is_full or not are_all_heard:
            choice["logprobs"] = _logprobs_of(text, choice.get("logprobs"))
        return heard

    def _cut(self, heard: Delta) -> None:
        """Cut a delta to the room that is left. Reasoning takes its share first: it comes first."""
        said = cast("dict[str, object]", heard)
        for name in sorted(said, key="reasoning_content".__ne__):
            value = said[name]
            if type(value) is str:
                said[name] = self._within(value)
                if not said[name]:
                    del said[name]
            elif _size(value) > self.room:
                self.is_full = True
                del said[name]
            else:
                self.room -= _size(value)

    def _within(self, text: str) -> str:
        """As much of `text` as there is room for."""
        if len(text) > self.room:
            self.is_full = True
            text = text[: self.room]
        self.room -= len(text)
        return text

    def _fragment(self, fragment: Fragment) -> Fragment | None:
        """Take in one fragment of a call. Returns the fragment that the client hears, if any."""
        call = self._gathering(fragment)
        if call is None:
            return None
        function = fragment.get("function") or {}
        call.id = call.id or fragment.get("id") or ""
        call.name = call.name or function.get("name") or ""
        arguments = function.get("arguments") or ""
        is_first = call.owner is None
        if is_first and (call.name or call.arguments.is_too_long):
            self._settle(call)
        if call.client_index is None:
            call.arguments.add(arguments)
            return None
        if is_first:
            arguments = call.arguments.text + arguments
            call.arguments = Arguments()
        arguments = self._within(arguments)
        call.arguments.pass_on(arguments)
        if not is_first:
            return _more(call.client_index, arguments)
        return _first(call.client_index, call, arguments)

    def _gathering(self, fragment: Fragment) -> _Gathering | None:
        """The call that a fragment belongs to; None if the turn has its most calls already.

        The index decides. Some upstreams send no index, or 0 for every call. With those, a new id
        together with a name begins a new call.
        """
        index, given_id = fragment.get("index"), fragment.get("id")
        key = given_id or self._newest if index is None else index
        call = self._by_key.get(key)
        is_other = given_id and (fragment.get("function") or {}).get("name")
        if call is None or (is_other and given_id not in (call.given_id, "")):
            if len(self._calls) >= _MOST_CALLS:
                return None
            call = self._by_key[key] = _Gathering(len(self._calls), given_id or "")
            self._calls.append(call)
            self._newest = key
            self.has_calls = True
        call.given_id = call.given_id or given_id or ""
        return call

    def _settle(self, call: _Gathering) -> None:
        """Decide whose call it is, now that its name is known."""
        call.owner = self._owner_of(call.name)
        can_serve = self._keeps_ids and _CLIENT_ID.fullmatch(call.id) and call.id not in self._ids
        if not can_serve:
            call.id = self._mint_id(call.number)
        self._ids.add(call.id)
        if call.owner is Owner.NOBODY:
            call.name = call.name[:MAX_NAME_CHARS]  # the correction tells it to the model
        if call.owner is Owner.CLIENT and not (self._single_call and self._client_calls):
            call.client_index = self._client_calls
            self._client_calls += 1

    def _heard_calls(self) -> list[ToolCall]:
        """The calls that the client has heard of."""
        return [call.call() for call in self._calls if call.client_index is not None]

    def _finished_calls(self) -> list[ToolCall]:
        """All calls, except those that a client of single calls does not get."""
        for call in self._calls:
            if call.owner is None:
                self._settle(call)
        return [
            call.call()
            for call in self._calls
            if call.owner is not Owner.CLIENT or call.client_index is not None
        ]


def _size(value: object) -> int:
    """About how many characters a list, an object or a number in a delta takes."""
    return len(str(value))


def _first(index: int, call: _Gathering, arguments: str) -> Fragment:
    """The first fragment of a call that the client hears."""
    function: Function = {"name": call.name, "arguments": arguments}
    return {"index": index, "id": call.id, "type": "function", "function": function}


def _more(index: int, arguments: str) -> Fragment | None:
    return {"index": index, "function": {"arguments": arguments}} if arguments else None


def _logprobs_of(text: str, logprobs: Logprobs | None) -> Logprobs | None:
    """The log probabilities of `text` alone. Those of hidden calls would give the calls away."""
    if not logprobs:
        return None
    told: list[TokenLogprob] = []
    place = 0
    for token in logprobs.get("content") or ():
        piece = token.get("token", "")
        if not piece or not text.startswith(piece, place):
            break
        place += len(piece)
        told.append(token)
    return {"content": told, "refusal": logprobs.get("refusal")} if told else None
