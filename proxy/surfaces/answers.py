"""POST to an API of answers: the request in, one answer out, streamed or not.

What differs from API to API is in `proxy.surfaces.api`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.types import Receive, Scope, Send

from proxy.access.clients import Client
from proxy.core.available import available
from proxy.core.chat import Chat, first_user_text
from proxy.core.effort import Effort
from proxy.core.evidence.shelf import Shelf
from proxy.core.fence import Fence, fence_word
from proxy.core.hidden import HiddenTool
from proxy.core.inflight import Hold, InFlight
from proxy.core.names import SEARCH_COUNT
from proxy.core.plan import Plan, Policy, make_plan
from proxy.core.ports import ModelUpstream
from proxy.core.refused import refuse_listed
from proxy.core.spending import tokens_of_body
from proxy.core.wish import Wishes
from proxy.core.writer import CompletionWriter
from proxy.engine import Run
from proxy.errors import AnswerTimeout, ProxyError, ShuttingDown
from proxy.settings import Settings
from proxy.settings.policies import Policies
from proxy.state.turns import KeptTurns
from proxy.surfaces.api import Api, Asked, Events, Reply
from proxy.surfaces.client_end import client_end_of
from proxy.surfaces.disconnect import ClientGoneError, while_connected
from proxy.surfaces.exchange import Exchange, exchange_of
from proxy.surfaces.replies import JSONReply, internal_error
from proxy.surfaces.request_body import read_document
from proxy.surfaces.server_timing import server_timing
from proxy.surfaces.streaming import EventStream, Patience
from proxy.surfaces.time_limit import in_time
from proxy.telemetry.facts import Failure

_SEARCH_COUNT: Final = SEARCH_COUNT.lower().encode()

ToolsOf = Callable[[Client, Effort], tuple[HiddenTool, ...]]
"""The hidden tools of one answer, as its client may use them. Raises ProxyError."""
ModelOf = Callable[[Client, Policy, Effort], ModelUpstream]
"""The model upstream of one answer. It may remember what has become of earlier rounds."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The surface of one API, an ASGI application."""

    api: Api
    settings: Settings
    policies: Policies
    model_of: ModelOf
    tools_of: ToolsOf
    wishes: Wishes
    turns: KeptTurns
    fence_secret: bytes = field(repr=False)
    """What the words of fences are made with: nobody who writes a document knows it."""
    shelf: Shelf = field(default_factory=Shelf, repr=False)
    """The cited passages that have been read, for all answers."""
    closing: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)
    """Held by the answer whose citations are weighed."""
    inflight: InFlight = field(default_factory=InFlight, repr=False)
    """Counts what all requests hold."""
    keeps_trails: bool = False
    """Whether there is an audit, which wants to know what each answer rested on."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self.inflight.hold() as held:
            await self._answer(scope, receive, send, held)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, held: Hold) -> None:
        exchange = exchange_of(scope)
        effort = Effort(timeline=exchange.timeline)
        asked, plan = await self._read(scope, receive, effort, held)
        if plan.chat.stream:
            held.begin_stream()
            events = asked.events(plan)
            run = self._run(plan, events.writer, exchange, effort)
            work = self._stream(run, events, scope, receive, send, held)
        else:
            reply = asked.reply(plan)
            run = self._run(plan, reply.writer, exchange, effort)
            making = self._in_time(_reply(run, reply, scope, receive, send), run)
            work = while_connected(receive, making)
        try:
            await work
        finally:
            exchange.answer = run.facts()
            if self.keeps_trails:
                exchange.trail = run.trail()

    def _run(self, plan: Plan, writer: CompletionWriter, exchange: Exchange, effort: Effort) -> Run:
        turns = self.turns.of(exchange.client, plan.scope, plan.chat.earlier)
        model = self.model_of(exchange.client, plan.policy, effort)
        run = Run(plan, model, turns, writer, self.shelf, self.closing, effort)
        if exchange.slot is not None:
            exchange.slot.follow(run.facts)
        return run

    async def _read(
        self, scope: Scope, receive: Receive, effort: Effort, held: Hold
    ) -> tuple[Asked, Plan]:
        exchange = exchange_of(scope)
        limits = self.settings
        document = await read_document(scope, receive, held, limits, self.wishes)
        effort.until = asyncio.get_running_loop().time() + limits.answer_timeout_s
        tools = self.tools_of(exchange.client, effort)
        names = {tool.name for tool in tools}
        asked = await self.api.read(document.content, exchange.client, names, held)
        refuse_listed(document.content, limits.refused_params)
        chat = asked.chat
        wish = self.wishes.read_headers(exchange.headers).narrow(chat.wish)
        policy = self.policies.of(chat.model, exchange.client)
        fence = Fence(fence_word(self.fence_secret, first_user_text(chat.messages)))
        tools = available(tools, chat, absent=policy.absent_tools)
        tools = asked.tools(tools, policy, effort)
        plan = make_plan(chat, policy, wish, tools, fence)
        if exchange.slot is not None:
            prompt = tokens_of_body(document.size, chat.messages)
            await exchange.slot.reserve(prompt, _most(chat), searches=plan.grounded)
        return asked, plan

    def _in_time(self, work: Awaitable[None], run: Run) -> Coroutine[Any, Any, None]:
        return in_time(work, run.effort.until, self.settings.answer_timeout_s)

    async def _stream(  # noqa: PLR0913, PLR0917 - ASGI's three among them
        self, run: Run, events: Events, scope: Scope, receive: Receive, send: Send, held: Hold
    ) -> None:
        stream = EventStream(
            send,
            events,
            lambda: _late_headers(run, is_whole=False),
            Patience(
                self.settings.commit_after_s,
                self.settings.heartbeat_s,
                run.effort.timeline.before_first_s,
            ),
            held,
        )
        async with stream:
            try:
                work = self._in_time(_make_answer(run, stream), run)
                await while_connected(receive, _send_answer(work, stream, exchange_of(scope)))
            except AnswerTimeout:
                if stream.has_ended and (end := client_end_of(scope)) is not None:
                    end.cut()  # it has not even taken the end, so no event can tell it
                raise
            except asyncio.CancelledError:
                if stream.is_open:
                    await stream.fail(ShuttingDown("The proxy is shutting down. Try again."))
                raise


async def _make_answer(run: Run, stream: EventStream) -> None:
    await run.drive(stream)
    await stream.finish()


async def _send_answer(work: Awaitable[None], stream: EventStream, exchange: Exchange) -> None:
    """Let `work` send an answer. An error before the first byte, or after the last, is raised."""
    try:
        await work
    except ClientGoneError:
        raise
    except ProxyError as error:
        stream.stop_beating()  # a beat would begin the reply
        if not stream.is_open:
            raise
        failure = error.with_traceback(None)  # the traceback refers to this frame
    except Exception as fault:  # raised or logged, and told as the last event
        stream.stop_beating()  # a beat would begin the reply
        if not stream.is_open:
            raise
        failure = internal_error(fault)
    else:
        return
    exchange.failure = Failure.of(failure, in_stream=True)
    try:
        await stream.fail(failure)
    finally:
        del failure  # from Python 3.12 on, the tracebacks of its causes refer to this frame


async def _reply(run: Run, whole: Reply, scope: Scope, receive: Receive, send: Send) -> None:
    await run.drive(whole)
    reply = JSONReply(await whole.finish())
    reply.raw_headers += _late_headers(run, is_whole=True)
    await reply(scope, receive, send)


def _late_headers(run: Run, *, is_whole: bool) -> list[tuple[bytes, bytes]]:
    """What the reply's head tells of the answer, which may be whole by then."""
    now = asyncio.get_running_loop().time()
    timing = server_timing(run.effort.timeline, now, is_whole=is_whole)
    return [(_SEARCH_COUNT, b"%d" % run.searches), timing]


def _most(chat: Chat) -> int | None:
    """The most tokens that the client wants its answer to have."""
    return chat.body.get("max_completion_tokens") or chat.body.get("max_tokens")
