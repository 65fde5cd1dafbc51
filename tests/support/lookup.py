"""A second hidden tool, to show what makes one: `lookup` reads around a passage."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from proxy.core.fence import Fence
from proxy.core.followups import Question
from proxy.core.hidden import CallContext, Found, Job, JobTrace, Order
from proxy.core.passages import Listing, Passage, Result
from proxy.core.scope import Scope
from proxy.core.turn import ToolCall
from proxy.core.wire import Function, Tool
from tests.support.script import Call

NAME = "lookup"
INSTRUCTIONS = "Look around a passage before you quote it."
UNAVAILABLE = "The archive cannot be read."
AROUND = Result("c2", "Ask a month before.", None, 7, "Handbook", "h.pdf", "https://docs.test/h")


class LookupTrace(JobTrace, total=False):
    file_id: object


@dataclass
class Lookup:
    """Takes the number of a passage that the model was shown, and brings `results`."""

    name: ClassVar = NAME
    upstream_name: ClassVar = "Archive"
    trace_name: ClassVar = "lookups"
    failure_may_end_answer: ClassVar = False
    unavailable: ClassVar = UNAVAILABLE
    failure: ClassVar = "The archive is closed."
    instructions: ClassVar = INSTRUCTIONS
    results: tuple[Result, ...] = (AROUND,)
    fault: Exception | None = None
    ran: list[Job] = field(default_factory=list)
    started: asyncio.Event = field(default_factory=asyncio.Event)

    def is_offered(self, passages: Mapping[int, Passage]) -> bool:
        return bool(passages)

    def definition(self, scope: Scope) -> Tool:
        described = f"Reads around a passage; at most {scope.results_limit} more."
        return {"type": "function", "function": {"name": NAME, "description": described}}

    def read_call(self, call: ToolCall, context: CallContext) -> Order:
        number: Any = (call.parse_arguments() or {}).get("n")
        passage = context.passages.get(number)
        if passage is None:
            return Order(fault=f"There is no such passage. Call {NAME} with the number of one.")
        return Order(Job(NAME, (passage.result.file_id,), str(passage.result.file_id)))

    def first_job(self, question: Question, scope: Scope) -> Job | None:  # noqa: ARG002  # the protocol
        return None

    def as_function(self, job: Job) -> Function:
        return {"name": NAME, "arguments": json.dumps({"n": job.asked[0]})}

    def doing(self, job: Job) -> str:
        return f"Looking around file {job.asked[0]}"

    async def run(self, job: Job, scope: Scope) -> Found:  # noqa: ARG002  # the protocol
        self.ran.append(job)
        self.started.set()
        if self.fault is not None:
            raise self.fault
        return Found(self.results)

    def trace(self, job: Job) -> LookupTrace:
        return {"file_id": job.asked[0]}

    def show(self, listing: Listing, fence: Fence) -> str:
        return f"{fence.note('Around it:')}\n\n{listing.render(fence)}"

    def refer(self, listing: Listing) -> str:
        return f"This was looked up before. {listing.refer()}"


def lookup_call(n: int, **more: Any) -> Call:
    return Call(NAME, json.dumps({"n": n, **more}))
