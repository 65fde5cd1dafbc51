"""The reading tool: the model reads on in a document that a search found."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Protocol

import orjson

from proxy.core.fence import Fence
from proxy.core.followups import Question
from proxy.core.hidden import CallContext, Found, Job, JobTrace, Order
from proxy.core.instructions import READING
from proxy.core.names import READ_TOOL
from proxy.core.passages import Listing, Passage
from proxy.core.read_call import MOST_PAGES, Reading, read_call
from proxy.core.scope import Scope
from proxy.core.turn import ToolCall
from proxy.core.wire import Function, FunctionDefinition, Tool

UNAVAILABLE: Final = (
    "The document cannot be read. Answer from the passages that you have, and tell the user if "
    "that is not enough."
)


class ReadTrace(JobTrace, total=False):
    file_id: int
    title: str
    pages: str


class ReadUpstream(Protocol):
    """Reads pages of a document that `scope` reaches. Raises ProxyError, also if it does not."""

    @property
    def name(self) -> str:
        """Its name, as users know it."""

    def read(self, reading: Reading, scope: Scope) -> Awaitable[Found]: ...


@dataclass(frozen=True, slots=True)
class ReadTool:
    """Reading on as a hidden tool: see `HiddenTool`."""

    upstream: ReadUpstream
    name: ClassVar = READ_TOOL
    trace_name: ClassVar = "reads"
    failure_may_end_answer: ClassVar = False
    instructions: ClassVar = READING
    unavailable: ClassVar = UNAVAILABLE
    failure: ClassVar = "The document could not be read."

    @property
    def upstream_name(self) -> str:
        return self.upstream.name

    def is_offered(self, passages: Mapping[int, Passage]) -> bool:
        return any(each.result.file_id is not None for each in passages.values())

    def definition(self, scope: Scope) -> Tool:  # noqa: ARG002  # the protocol
        return definition()

    def read_call(self, call: ToolCall, context: CallContext) -> Order:
        return read_call(call, context.passages)

    def first_job(self, question: Question, scope: Scope) -> Job | None:  # noqa: ARG002
        return None

    def as_function(self, job: Job) -> Function:
        reading = Reading.of(job)
        arguments = {"n": reading.n, "pages": reading.pages}
        return {"name": READ_TOOL, "arguments": orjson.dumps(arguments).decode()}

    def doing(self, job: Job) -> str:
        reading = Reading.of(job)
        return f"Reading: {reading.name}, p. {reading.pages}"

    def run(self, job: Job, scope: Scope) -> Awaitable[Found]:
        return self.upstream.read(Reading.of(job), scope)

    def trace(self, job: Job) -> ReadTrace:
        reading = Reading.of(job)
        return {"file_id": reading.file_id, "title": reading.name, "pages": reading.pages}

    def show(self, listing: Listing, fence: Fence) -> str:
        return listing.render(fence)

    def refer(self, listing: Listing) -> str:
        return f"This was read before. {listing.refer()}"


def definition() -> Tool:
    """The tool as rounds offer it to the model."""
    n = {
        "type": "integer",
        "minimum": 1,
        "description": "The number of a passage of the document.",
    }
    pages = {
        "type": "string",
        "description": (
            f'Such as "3-5" or "7", at most {MOST_PAGES} pages. Without it, the page of the '
            "passage and those beside it."
        ),
    }
    parameters = {
        "type": "object",
        "properties": {"n": n, "pages": pages},
        "required": ["n"],
        "additionalProperties": False,
    }
    function: FunctionDefinition = {
        "name": READ_TOOL,
        "description": (
            "Read more of a document that a search found. Returns its pages as further numbered "
            "passages."
        ),
        "parameters": parameters,
    }
    return {"type": "function", "function": function}
