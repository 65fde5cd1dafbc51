"""Gathers the tool calls of one turn from their fragments, and tells the client's from all others.

Every server has its own way to cut calls into fragments. A fragment belongs to the call of its
index. Some servers send no index, or 0 for every call, and no ids, or the same id twice. What they
all send is a name at the beginning of a call. So a name begins a new call if the call at its index
has its arguments already, or if it is another tool's.

A name may come in pieces. It is whole once it is a declared tool's that no other goes on from, once
arguments begin, or once another call does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from proxy.core.arguments import Arguments
from proxy.core.call_forms import WrittenCall
from proxy.core.chat import MAX_NAME_CHARS
from proxy.core.room import Room
from proxy.core.tool_names import (
    ToolNames,
    goes_on,
    is_whole,
    joined,
    plain_name,
    without_control,
)
from proxy.core.turn import Owner, ToolCall
from proxy.core.wire import Fragment, Function

_CLIENT_ID: Final = re.compile(r"[\w.:-]{1,40}", re.ASCII)
"""Ids that OpenAI's clients accept: opaque, at most 40 characters."""

_MOST_CALLS: Final = 128
"""The most calls in one turn, as OpenAI limits tools. A model that makes more has lost its way."""


class CallRules(NamedTuple):
    """How the calls of one round are named, numbered and shared out."""

    owner_of: Callable[[str], Owner]
    """Who answers calls of the tool with a given name."""
    mint_id: Callable[[int], str]
    """An id for the call with a given number."""
    names: ToolNames = ToolNames()
    keeps_ids: bool = True
    """Whether the model's own ids stand, as far as clients accept them."""
    single_call: bool = False
    """The client hears of one call at most, and the turn leaves out its further calls."""


@dataclass(slots=True)
class _Gathering:
    """A tool call whose fragments are still arriving."""

    number: int
    """Its place among the turn's calls."""
    id: str
    """The model's own, "" if there is none; once it has an owner, the client's."""
    given_id: str
    written: str = ""
    """Its name as the model writes it."""
    name: str = ""
    arguments: Arguments = field(default_factory=Arguments)
    owner: Owner | None = None
    """None until the name is whole."""
    client_index: int | None = None
    is_handed_out: bool = False
    may_repeat: bool = False
    """Its name came again after its arguments. More arguments would be another call's."""

    def call(self) -> ToolCall:
        return ToolCall(self.id, self.name, self.arguments.text, self.owner or Owner.NOBODY)


class Calls:
    """The calls of one turn."""

    def __init__(self, rules: CallRules, room: Room) -> None:
        """`room` is what the client may still hear, of text too."""
        self._rules = rules
        self._declared = rules.names.declared
        self._room = room
        self._calls: list[_Gathering] = []
        self._unnamed: list[_Gathering] = []
        """Those whose name is not whole yet."""
        self._by_key: dict[int | str | None, _Gathering] = {}
        """By index, or by id if the upstream sends no index."""
        self._newest: int | str | None = None
        """The key of the last fragment: one without index and id goes on with its call."""
        self._ids: set[str] = set()
        self._named_now: list[_Gathering] = []
        """The calls that have got a name in this delta."""
        self._client_calls = 0
        self.are_heard = True
        """The client has heard all fragments of the last delta, or will."""

    def __len__(self) -> int:
        return len(self._calls)

    def hear(self, fragments: Iterable[Fragment]) -> list[Fragment]:
        """Take in the fragments of a delta. Returns those that the client hears."""
        self._named_now = []
        self.are_heard = True
        passed: list[Fragment] = []
        for fragment in fragments:
            if self._room.is_full:
                self.are_heard = False
                break
            passed += self._take(fragment)
        return passed

    def add_written(self, written: Iterable[WrittenCall]) -> list[Fragment]:
        """Take in calls that were written as text. Returns what the client hears of them.

        Some servers send a call twice, parsed and as text. The client must not run it twice.
        """
        known = [_meaning(each.name, each.arguments.text) for each in self._calls]
        passed: list[Fragment] = []
        for each in written:
            is_clients = self._rules.owner_of(each.name) is Owner.CLIENT
            is_known = is_clients and _meaning(each.name, each.arguments) in known
            if is_known or len(self._calls) >= _MOST_CALLS:
                continue
            call = self._begin(None, "")
            call.written = each.name
            passed += self._settle(call, each.arguments)
        return passed

    def settle(self) -> list[Fragment]:
        """Decide whose calls the rest are, now that the turn has ended."""
        return [part for each in tuple(self._unnamed) for part in self._settle(each)]

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

    def heard(self) -> tuple[ToolCall, ...]:
        """The calls that the client has heard of."""
        return tuple(call.call() for call in self._calls if call.client_index is not None)

    def all(self) -> tuple[ToolCall, ...]:
        """All calls, except those that a client of single calls does not get."""
        return tuple(
            call.call()
            for call in self._calls
            if call.owner is not Owner.CLIENT or call.client_index is not None
        )

    def _take(self, fragment: Fragment) -> Iterator[Fragment]:
        function = fragment.get("function") or {}
        name, arguments = function.get("name") or "", function.get("arguments") or ""
        index, given_id = fragment.get("index"), fragment.get("id") or ""
        key = (given_id or self._newest) if index is None else index
        call = self._by_key.get(key)
        if call is None or self._is_another(call, name, arguments, given_id):
            if len(self._calls) >= _MOST_CALLS:
                self.are_heard = False
                return
            if call is not None and call.may_repeat:  # then its name was the other call's
                is_more = not name or goes_on(call.written, name, self._declared)
                name = call.written + name if is_more else name
            yield from self._settle_named()
            call = self._begin(key, given_id)
        self._newest = key
        call.given_id = call.given_id or given_id
        if name:
            self._named_now.append(call)
        yield from self._gather(call, name, arguments, given_id)
        self.are_heard = self.are_heard and call.client_index is not None

    def _begin(self, key: int | str | None, given_id: str) -> _Gathering:
        call = _Gathering(len(self._calls), given_id, given_id)
        self._calls.append(call)
        self._unnamed.append(call)
        self._by_key[key] = call
        return call

    def _is_another(self, call: _Gathering, name: str, arguments: str, given_id: str) -> bool:
        """Whether a fragment at the place of `call` begins another call."""
        has_arguments = bool(arguments.strip())
        if not (name and call.written):
            return not name and call.may_repeat and has_arguments
        has_other_id = bool(given_id and call.given_id) and given_id != call.given_id
        if has_other_id or any(call is each for each in self._named_now):
            return True
        is_same = name in (call.written, call.name)
        if call.arguments.is_object:
            is_again = is_same and not has_arguments
            call.may_repeat = call.may_repeat or is_again
            return not is_again
        is_named = call.owner is not None
        return is_named and not is_same and plain_name(name, self._declared) in self._declared

    def _gather(
        self, call: _Gathering, name: str, arguments: str, given_id: str
    ) -> Iterator[Fragment]:
        if call.owner is not None:
            yield from self._more(call, arguments)
            return
        call.id = call.id or given_id
        if name:
            call.written = joined(call.written, name, self._declared)[: 2 * MAX_NAME_CHARS]
        has_arguments = bool(arguments) or call.arguments.has_begun
        is_named = has_arguments or is_whole(call.written, self._declared)
        if (call.written and is_named) or call.arguments.is_too_long:
            yield from self._settle(call, arguments)
        else:
            call.arguments.add(arguments)

    def _settle_named(self) -> Iterator[Fragment]:
        for each in tuple(self._unnamed):
            if each.written:
                yield from self._settle(each)

    def _settle(self, call: _Gathering, arguments: str = "") -> Iterator[Fragment]:
        """Decide whose call it is, now that its name is known, and take in more arguments."""
        rules = self._rules
        self._unnamed = [each for each in self._unnamed if each is not call]
        call.name = plain_name(call.written, self._declared)
        call.owner = rules.owner_of(call.name)
        can_serve = rules.keeps_ids and _CLIENT_ID.fullmatch(call.id) and call.id not in self._ids
        if not can_serve:
            call.id = rules.mint_id(call.number)
        self._ids.add(call.id)
        if call.owner is Owner.NOBODY:  # the correction, and the history, tell it to the model
            call.name = (without_control(call.name) or call.name)[:MAX_NAME_CHARS]
        is_left_out = self._room.is_full or (rules.single_call and self._client_calls > 0)
        if call.owner is not Owner.CLIENT or is_left_out:
            yield from self._more(call, arguments)
            return
        call.client_index = self._client_calls
        self._client_calls += 1
        arguments = self._room.cut(call.arguments.text + arguments)
        call.arguments = Arguments()
        call.arguments.pass_on(arguments)
        yield _first(call.client_index, call, arguments)

    def _more(self, call: _Gathering, arguments: str) -> Iterator[Fragment]:
        if call.client_index is None:
            call.arguments.add(arguments)
        elif arguments := self._room.cut(arguments):
            call.arguments.pass_on(arguments)
            yield {"index": call.client_index, "function": {"arguments": arguments}}


def _first(index: int, call: _Gathering, arguments: str) -> Fragment:
    """The first fragment of a call that the client hears."""
    function: Function = {"name": call.name, "arguments": arguments}
    return {"index": index, "id": call.id, "type": "function", "function": function}


def _meaning(name: str, arguments: str) -> tuple[str, object]:
    """What a call asks for, however its JSON is laid out."""
    parsed = ToolCall("", name, arguments, Owner.NOBODY).parse_arguments()
    return name, arguments if parsed is None else parsed
