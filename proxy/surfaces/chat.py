"""POST /v1/chat/completions: the request in, one completion out, streamed or not."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson
from starlette.types import Receive, Scope, Send

from proxy.access.clients import Client
from proxy.core import json_text
from proxy.core.available import available
from proxy.core.chat import Chat, first_user_text, parse_chat
from proxy.core.effort import Effort
from proxy.core.evidence.shelf import Shelf
from proxy.core.fence import Fence, fence_word
from proxy.core.fold import Fold
from proxy.core.hidden import HiddenTool
from proxy.core.inflight import BODY_COST, Hold, InFlight
from proxy.core.lookalikes import refuse_lookalike
from proxy.core.names import HEADERS, SEARCH_COUNT
from proxy.core.plan import Plan, Policy, make_plan
from proxy.core.ports import ModelUpstream
from proxy.core.refused import refuse_listed
from proxy.core.repeated import refuse_repeated
from proxy.core.spending import tokens_of_body
from proxy.core.wish import Wishes
from proxy.core.writer import CompletionWriter
from proxy.engine import Run
from proxy.errors import AnswerTimeout, BadRequest, ProxyError, ShuttingDown, UnsupportedMedia
from proxy.settings import Settings
from proxy.settings.policies import Policies
from proxy.state.turns import KeptTurns
from proxy.surfaces.client_end import client_end_of
from proxy.surfaces.disconnect import ClientGoneError, read_body, while_connected
from proxy.surfaces.exchange import Exchange, exchange_of
from proxy.surfaces.replies import JSONReply, internal_error
from proxy.surfaces.server_timing import server_timing
from proxy.surfaces.streaming import EventStream, Patience
from proxy.surfaces.time_limit import in_time
from proxy.telemetry.facts import Failure

_CERTAINLY_WRITABLE_DEPTH: Final = 200
_OUR_HEADERS: Final = HEADERS.lower().encode()
_SEARCH_COUNT: Final = SEARCH_COUNT.lower().encode()


ToolsOf = Callable[[Client, Effort], tuple[HiddenTool, ...]]
"""The hidden tools of one answer, as its client may use them. Raises ProxyError."""
ModelOf = Callable[[Client, Policy, Effort], ModelUpstream]
"""The model upstream of one answer. It may remember what has become of earlier rounds."""


@dataclass(frozen=True, slots=True)
class ChatCompletions:
    """The chat surface, an ASGI application."""

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
        chat, plan = await self._read(scope, receive, effort, held)
        turns = self.turns.of(exchange.client, plan.scope)
        model = self.model_of(exchange.client, plan.policy, effort)
        run = Run(plan, model, turns, _writer(plan), self.shelf, self.closing, effort)
        if exchange.slot is not None:
            exchange.slot.follow(run.facts)
        try:
            if chat.stream:
                await self._stream(run, scope, receive, send, held)
            else:
                work = _reply(run, scope, receive, send)
                await while_connected(receive, self._in_time(work, run))
        finally:
            exchange.answer = run.facts()
            if self.keeps_trails:
                exchange.trail = run.trail()

    async def _read(
        self, scope: Scope, receive: Receive, effort: Effort, held: Hold
    ) -> tuple[Chat, Plan]:
        exchange = exchange_of(scope)
        headers = exchange.headers
        _refuse_repeated_headers(scope)
        _refuse_query(scope["query_string"], self.wishes)
        _refuse_encoded(headers)
        limits = self.settings
        body = await read_body(
            receive,
            headers.get("content-length"),
            limits.max_body_bytes,
            limits.body_timeout_s,
            lambda size: held.take(size * BODY_COST),
        )
        effort.until = asyncio.get_running_loop().time() + limits.answer_timeout_s
        document = _decode(body, self.wishes)
        tools = self.tools_of(exchange.client, effort)
        chat = parse_chat(document, self.wishes, {tool.name for tool in tools})
        refuse_listed(document, limits.refused_params)
        wish = self.wishes.read_headers(headers).narrow(chat.wish)
        policy = self.policies.of(chat.model, exchange.client)
        fence = Fence(fence_word(self.fence_secret, first_user_text(chat.messages)))
        tools = available(tools, chat, absent=policy.absent_tools)
        plan = make_plan(chat, policy, wish, tools, fence)
        if exchange.slot is not None:
            prompt = tokens_of_body(len(body), chat.messages)
            await exchange.slot.reserve(prompt, _most(chat), searches=plan.grounded)
        return chat, plan

    def _in_time(self, work: Awaitable[None], run: Run) -> Coroutine[Any, Any, None]:
        return in_time(work, run.effort.until, self.settings.answer_timeout_s)

    async def _stream(
        self, run: Run, scope: Scope, receive: Receive, send: Send, held: Hold
    ) -> None:
        stream = EventStream(
            send,
            run.writer,
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
    except Exception as fault:
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


async def _reply(run: Run, scope: Scope, receive: Receive, send: Send) -> None:
    fold = Fold()
    await run.drive(fold)
    reply = JSONReply(fold.completion())
    reply.raw_headers += _late_headers(run, is_whole=True)
    await reply(scope, receive, send)


def _late_headers(run: Run, *, is_whole: bool) -> list[tuple[bytes, bytes]]:
    """What the reply's head tells of the answer, which may be whole by then."""
    now = asyncio.get_running_loop().time()
    timing = server_timing(run.effort.timeline, now, is_whole=is_whole)
    return [(_SEARCH_COUNT, b"%d" % run.searches), timing]


def _refuse_repeated_headers(scope: Scope) -> None:
    """If a client sends two X-LightOn headers of one name, nobody knows which one should narrow."""
    seen: set[bytes] = set()
    for raw_name, _ in scope["headers"]:
        if raw_name.startswith(_OUR_HEADERS):
            if raw_name in seen:
                name = raw_name.decode("latin-1")
                raise BadRequest(f"The header '{name}' was sent more than once.", param=name)
            seen.add(raw_name)


def _refuse_query(query: bytes, wishes: Wishes) -> None:
    """The path takes no parameters. A client that put a wish there would not get it."""
    for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True) if query else ():
        try:
            refuse_lookalike(name, None, wishes.narrowing)
        except BadRequest as error:
            what = "The address takes no parameters. Put the field into the request body."
            raise BadRequest(what, param=error.param) from None


def _refuse_encoded(headers: Mapping[str, str]) -> None:
    coding = headers.get("content-encoding", "identity")
    if coding.lower() != "identity":
        raise UnsupportedMedia("Send the request body without a content-encoding.")


def _writer(plan: Plan) -> CompletionWriter:
    return CompletionWriter(
        id=f"chatcmpl-{os.urandom(16).hex()}",
        created=int(time.time()),
        model=plan.policy.model,
        include_usage=plan.chat.include_usage or not plan.chat.stream,
    )


def _most(chat: Chat) -> int | None:
    """The most tokens that the client wants its answer to have."""
    return chat.body.get("max_completion_tokens") or chat.body.get("max_tokens")


def _decode(body: bytes, wishes: Wishes) -> Any:
    try:
        document = json_text.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The request body is not valid JSON: {error}.") from error
    if body.count(b"{") + body.count(b"[") > _CERTAINLY_WRITABLE_DEPTH:
        _check_depth(document)
    refuse_repeated(body, document, wishes.in_body)
    return document


def _check_depth(document: Any) -> None:
    """The reader accepts JSON nested 1,024 deep, but the writer only about 250."""
    try:
        orjson.dumps(document)
    except orjson.JSONEncodeError as error:
        raise BadRequest("The request body is nested too deeply.") from error
