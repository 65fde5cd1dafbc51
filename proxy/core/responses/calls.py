"""The calls of the client's tools, as items of the output.

One call goes on at a time, and ends as soon as its arguments are a whole JSON object: what comes
after that is too late, see `first_object`. Clients can tell calls apart whose events are mixed, but
LangChain makes broken calls of them. So where a model mixes the arguments of its calls, the others
wait for the first. A call that has no arguments when a later one is whole gets none any more: some
servers send nothing for a tool without parameters.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import cast

from proxy.core.arguments import Arguments
from proxy.core.responses.free_text import FreeText
from proxy.core.responses.output import Output
from proxy.core.responses.tools import ClientTool
from proxy.core.responses.wire import CustomToolCall, Event, FunctionCall, Status
from proxy.core.wire import Fragment

CalledAs = Callable[[str], ClientTool]
"""The client's tool behind a function that the model was offered."""


class Calls:
    """The calls of one response."""

    def __init__(self, output: Output, called_as: CalledAs) -> None:
        self._output = output
        self._called_as = called_as
        self._calls: dict[int, _Call] = {}
        self._current: _Call | None = None
        self._waiting: deque[_Call] = deque()

    def __len__(self) -> int:
        return len(self._calls)

    @property
    def is_open(self) -> bool:
        """Whether a call goes on."""
        return self._current is not None

    @property
    def is_waiting(self) -> bool:
        """Whether another call can begin."""
        return bool(self._waiting)

    def hear(self, fragment: Fragment) -> None:
        """Take in a fragment. It may end the call that goes on, but begins none."""
        function = fragment.get("function") or {}
        call = self._calls.get(fragment["index"])
        if call is None:
            called = self._called_as(function.get("name", ""))
            call = _Call(self._output, called, fragment.get("id", ""))
            self._calls[fragment["index"]] = call
            self._waiting.append(call)
        call.add(function.get("arguments", ""))
        self._look()

    def begin(self) -> None:
        """Begin the call that has waited longest. It may be whole already, and end."""
        self._current = self._waiting.popleft()
        self._current.begin()
        self._look()

    def end(self, status: Status) -> None:
        """End the call that goes on, if one does."""
        if self._current is not None:
            self._current.end(status)
        self._current = None

    def _look(self) -> None:
        call = self._current
        if call is None:
            return
        if call.is_whole or (call.is_bare and any(each.is_whole for each in self._waiting)):
            self.end("completed")


class _Call:
    """One call. It is an item from `begin` on."""

    def __init__(self, output: Output, called: ClientTool, call_id: str) -> None:
        self._output = output
        self._called = called
        self._input = FreeText() if called.kind == "custom" else None
        """Of a custom tool, what it is called with."""
        self._call_id = call_id
        self._id = ""
        self._index: int | None = None
        self._arguments = Arguments()
        self._status: Status = "in_progress"

    @property
    def is_whole(self) -> bool:
        return self._arguments.is_object

    @property
    def is_bare(self) -> bool:
        """Whether it has no arguments so far."""
        return not self._arguments.has_begun

    def begin(self) -> None:
        early, self._arguments = self._arguments.text, Arguments()
        self._id = self._output.mint("fc" if self._input is None else "ctc")
        self._index = self._output.begin(self)
        self.add(early)

    def add(self, arguments: str) -> None:
        """Add to the arguments. They are told from `begin` on."""
        if not arguments or self._status != "in_progress":
            return
        self._arguments.pass_on(arguments)
        if self._index is None:
            return
        if self._input is None:
            self._tell("response.function_call_arguments.delta", delta=arguments)
        else:
            self._tell_input(self._input.feed(arguments))

    def end(self, status: Status) -> None:
        self._status = status
        arguments = self._arguments.text
        if self._input is None:
            done = {"name": self._called.name, "arguments": arguments}
            self._tell("response.function_call_arguments.done", **done)
        else:
            self._tell_input(self._input.close(arguments))
            self._tell("response.custom_tool_call_input.done", input=self._input.text)
        if self._index is not None:
            self._output.end(self._index)

    def item(self) -> FunctionCall | CustomToolCall:
        call: dict[str, str] = {
            "type": "function_call" if self._input is None else "custom_tool_call",
            "id": self._id,
            "call_id": self._call_id,
            "name": self._called.name,
        }
        if self._called.namespace is not None:
            call["namespace"] = self._called.namespace
        if self._input is None:
            call["arguments"] = self._arguments.text
        else:
            call["input"] = self._input.text
        return cast("FunctionCall | CustomToolCall", {**call, "status": self._status})

    def _tell_input(self, text: str) -> None:
        if text:
            self._tell("response.custom_tool_call_input.delta", delta=text)

    def _tell(self, type_: str, **fields: object) -> None:
        place = {"item_id": self._id, "output_index": self._index}
        self._output.log.tell(cast("Event", {"type": type_, **place, **fields}))
