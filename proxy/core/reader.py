"""The turn reader: one round's chunks in, what the client may hear out, a Turn at the end.

Text and reasoning pass at once. A call belongs to somebody by its name, which comes in its first
fragment: fragments wait until there is one. The client's calls pass, numbered from 0; all other
calls are gathered and never leave. A hidden call is complete as soon as its arguments are a whole
JSON object, so that a search can start while the model still writes. Complete calls are handed out
in the order of the calls, so that it makes no difference how their fragments were mixed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from proxy.core.chat import Chunk
from proxy.core.turn import Owner, ToolCall, Turn, Usage, first_object

_CLIENT_ID: Final = re.compile(r"[\w.:-]{1,40}", re.ASCII)
"""Ids that OpenAI's clients accept: opaque, at most 40 characters."""

_MOST_CALLS: Final = 128
"""The most calls of one turn; a model that makes more has lost its way. OpenAI's limit of tools."""


class UnfinishedTurnError(Exception):
    """The upstream's reply ended without a finish_reason."""


@dataclass(slots=True)
class _Gathering:
    """A tool call of which more fragments may come."""

    number: int
    """Its place among the turn's calls."""
    given_id: str = ""
    """The id the model gave it, which may not be the one it gets."""
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)
    owner: Owner | None = None
    client_index: int | None = None
    is_complete: bool = False
    is_handed_out: bool = False

    def call(self) -> ToolCall:
        owner = self.owner or Owner.NOBODY
        return ToolCall(self.id, self.name, "".join(self.arguments), owner)

    def add(self, arguments: str) -> None:
        self.arguments.append(arguments)
        if not self.is_complete and "}" in arguments:
            self.is_complete = bool(first_object("".join(self.arguments)))


class TurnReader:
    """Reads one round. `owner_of` says who answers a tool of a given name."""

    def __init__(
        self,
        owner_of: Callable[[str], Owner],
        *,
        mint_id: Callable[[int], str],
        keeps_ids: bool = True,
        single_call: bool = False,
    ) -> None:
        """`mint_id` makes an id for the call of a given number.

        It does so for every call, or with `keeps_ids` when the model's own id cannot serve.

        With `single_call` the client hears of at most one call; the turn holds no further ones.
        """
        self._owner_of = owner_of
        self._mint_id = mint_id
        self._keeps_ids = keeps_ids
        self._single_call = single_call
        self._text: list[str] = []
        self._usage: Usage = {}
        self._calls: list[_Gathering] = []
        self._by_key: dict[Any, _Gathering] = {}
        self._newest: Any = None
        self._ids: set[str] = set()
        self._closing: Chunk | None = None
        self._finish_reason = ""
        self._client_calls = 0

    def feed_text(self, text: str) -> None:
        """Take in a chunk that says `text` and nothing else: the client may hear all of it."""
        self._text.append(text)

    def feed(self, chunk: Chunk) -> Chunk | None:
        """What the client may hear of `chunk`, which is consumed; None if it is nothing."""
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

    def hides(self, chunk: Chunk) -> bool:
        """Whether `chunk` is but a further part of hidden calls: the client hears nothing of it."""
        choices: list[dict[str, Any]] = chunk.get("choices") or []
        if len(choices) != 1 or chunk.get("usage"):
            return False
        choice = choices[0]
        said = {name for name, value in (choice.get("delta") or {}).items() if value}
        if said != {"tool_calls"} or choice.get("finish_reason") or choice.get("logprobs"):
            return False
        return all(map(self._is_of_hidden_call, choice["delta"]["tool_calls"]))

    def _is_of_hidden_call(self, fragment: dict[str, Any]) -> bool:
        call = None if fragment.get("id") else self._by_key.get(fragment.get("index"))
        return call is not None and call.owner in (Owner.SEARCH, Owner.NOBODY)

    def take_ready(self) -> list[ToolCall]:
        """The hidden calls that became complete since the last time, each once."""
        ready = []
        for call in self._calls:
            if call.owner is Owner.CLIENT or call.is_handed_out:
                continue
            if call.owner is None or not call.is_complete:
                break
            call.is_handed_out = True
            ready.append(call.call())
        return ready

    def close(self) -> Turn:
        """The turn, once the upstream's reply has ended. Raises UnfinishedTurnError."""
        if self._closing is None:
            raise UnfinishedTurnError
        return Turn(
            text="".join(self._text),
            finish_reason=self._finish_reason,
            calls=tuple(self._finished_calls()),
            usage=self._usage,
            closing=self._closing,
        )

    def _hear(self, choice: dict[str, Any], delta: dict[str, Any]) -> dict[str, Any]:
        """The part of a delta that the client may hear; the role is the writer's."""
        fragments = delta.get("tool_calls")
        heard = {
            name: value
            for name, value in delta.items()
            if value is not None and value != "" and name not in {"role", "tool_calls"}
        }
        if text := heard.get("content"):
            self._text.append(text)
        if fragments:
            passed = [part for each in fragments if (part := self._fragment(each))]
            if passed:
                heard["tool_calls"] = passed
            if len(passed) < len(fragments):
                choice["logprobs"] = _logprobs_of(text or "", choice.get("logprobs"))
        return heard

    def _fragment(self, fragment: dict[str, Any]) -> dict[str, Any] | None:
        """Take in one fragment of a call; the fragment the client hears, if any."""
        call = self._gathering(fragment)
        if call is None:
            return None
        function = fragment.get("function") or {}
        call.id = call.id or fragment.get("id") or ""
        call.name = call.name or function.get("name") or ""
        arguments = function.get("arguments") or ""
        call.add(arguments)
        is_first = call.owner is None
        if is_first:
            if not call.name:
                return None
            self._settle(call)
        if call.owner is Owner.CLIENT:
            return self._client_fragment(call, arguments, is_first=is_first)
        return None

    def _gathering(self, fragment: dict[str, Any]) -> _Gathering | None:
        """The call a fragment belongs to; None for one beyond the most calls a turn may have.

        It goes by the index. Some upstreams send none, or 0 for every call: then a new id with a
        name begins a new call.
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
        call.given_id = call.given_id or given_id or ""
        return call

    def _settle(self, call: _Gathering) -> None:
        """Decide whose call it is, now that its name is known."""
        call.owner = self._owner_of(call.name)
        can_serve = self._keeps_ids and _CLIENT_ID.fullmatch(call.id) and call.id not in self._ids
        if not can_serve:
            call.id = self._mint_id(call.number)
        self._ids.add(call.id)
        if call.owner is Owner.CLIENT and not (self._single_call and self._client_calls):
            call.client_index = self._client_calls
            self._client_calls += 1

    def _client_fragment(
        self, call: _Gathering, arguments: str, *, is_first: bool
    ) -> dict[str, Any] | None:
        if call.client_index is None:
            return None
        if not is_first:
            if not arguments:
                return None
            return {"index": call.client_index, "function": {"arguments": arguments}}
        function = {"name": call.name, "arguments": "".join(call.arguments)}
        return {
            "index": call.client_index,
            "id": call.id,
            "type": "function",
            "function": function,
        }

    def _finished_calls(self) -> list[ToolCall]:
        """All calls but those kept from a client that takes only one."""
        for call in self._calls:
            if call.owner is None:
                self._settle(call)
        return [
            call.call()
            for call in self._calls
            if call.owner is not Owner.CLIENT or call.client_index is not None
        ]


def _logprobs_of(text: str, logprobs: dict[str, Any] | None) -> dict[str, Any] | None:
    """The log probabilities of `text` alone: those of hidden calls would tell what was called."""
    if not logprobs:
        return None
    told = []
    for token in logprobs.get("content") or ():
        piece = token.get("token", "")
        if not piece or not text.startswith(piece):
            break
        text = text[len(piece) :]
        told.append(token)
    return {"content": told, "refusal": logprobs.get("refusal")} if told else None
