"""Requests that are passed on as they are: nothing is searched, and nothing is written.

Keys, limits, retries, queue, usage and errors are those of answers. A request that asks to search
is refused: nobody should believe that something was narrowed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from proxy.access.clients import Client
from proxy.access.grants import Grant
from proxy.core.chat import MAX_NAME_CHARS, fields_of
from proxy.core.checks import check_length, check_type
from proxy.core.effort import Effort
from proxy.core.inflight import Hold, InFlight
from proxy.core.lookalikes import refuse_lookalike
from proxy.core.names import HEADERS
from proxy.core.passed import Passed
from proxy.core.scope import Wish
from proxy.core.spending import costs_nothing, tokens_of_body
from proxy.core.wish import Wishes
from proxy.errors import BadRequest, ModelNotFound, ProxyError, UpstreamError
from proxy.settings import Settings
from proxy.settings.model_names import ModelNames
from proxy.surfaces.disconnect import while_connected
from proxy.surfaces.exchange import exchange_of
from proxy.surfaces.request_body import Document, read_document
from proxy.surfaces.server_timing import timed
from proxy.surfaces.time_limit import in_time
from proxy.telemetry.facts import AnswerFacts

PassOn = Callable[[Client, Effort, Mapping[str, object]], Awaitable[Passed]]
"""Passes a request of a client on, which names its `model`. Raises ProxyError."""
Fields = Mapping[str, tuple[type, ...]]
"""The fields that a request must have, beside `model`, each with its types."""

EMBEDDINGS: Final[Fields] = {"input": (str, list)}
RANKING: Final[Fields] = {"query": (str,), "documents": (list,)}
_MODEL: Final[Fields] = {"model": (str,)}
_NOTHING: Final = Wish()


@dataclass(frozen=True, slots=True)
class Passthrough:
    """The surface of one kind of request, an ASGI application."""

    pass_on: PassOn
    fields: Fields
    settings: Settings
    names: ModelNames
    wishes: Wishes
    inflight: InFlight = field(default_factory=InFlight, repr=False)
    """Counts what all requests hold."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self.inflight.hold() as held:
            await self._answer(scope, receive, send, held)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, held: Hold) -> None:
        exchange = exchange_of(scope)
        effort = Effort(timeline=exchange.timeline)
        limits = self.settings
        document = await read_document(scope, receive, held, limits, self.wishes)
        effort.until = asyncio.get_running_loop().time() + limits.answer_timeout_s
        if self.wishes.read_headers(exchange.headers) != _NOTHING:
            wish = next(name for name in exchange.headers if name.startswith(HEADERS.lower()))
            raise _searches_nothing(exchange.path, wish)
        asking = self._asking(document, exchange.path, exchange.client, effort)
        if exchange.slot is not None:
            await exchange.slot.reserve(asking.prompt, None, searches=False)
            exchange.slot.follow(asking.facts)
        reply = self._reply(asking, scope, receive, send, held)
        try:
            making = in_time(reply, effort.until, limits.answer_timeout_s)
            await while_connected(receive, making)
        finally:
            exchange.answer = asking.facts()

    def _asking(self, document: Document, path: str, client: Client, effort: Effort) -> _Asking:
        content = fields_of(document.content)
        self._refuse_wishes(content, path)
        for name, types in {**_MODEL, **self.fields}.items():
            if content.get(name) is None:
                raise BadRequest(f"'{name}' is required.", param=name)
            if content[name] == "":
                raise BadRequest(f"'{name}' must not be empty.", param=name)
            check_type(name, content[name], types)
        check_length("model", content["model"], MAX_NAME_CHARS)
        self._check_model(content["model"], client.allowed)
        return _Asking(content, tokens_of_body(document.size, ()), client, effort)

    def _refuse_wishes(self, content: Mapping[str, object], path: str) -> None:
        for name, value in content.items():
            if name in _MODEL or name in self.fields:
                continue
            try:
                refuse_lookalike(name, value, self.wishes.narrowing)
            except BadRequest as error:
                raise _searches_nothing(path, str(error.param)) from None

    def _check_model(self, model: str, grant: Grant) -> None:
        if self.names.is_profile(model, grant):
            raise ModelNotFound.of(
                model, "It is a profile, which answers chats. GET /v1/models lists the models."
            )

    async def _reply(
        self, asking: _Asking, scope: Scope, receive: Receive, send: Send, held: Hold
    ) -> None:
        passed = await asking.through(self.pass_on)
        held.add(len(passed.body))
        reply = Response(passed.body, media_type="application/json")
        await timed(reply, asking.effort.timeline)(scope, receive, send)


def _searches_nothing(path: str, name: str) -> BadRequest:
    return BadRequest(
        f"{path} searches nothing, so nothing can be narrowed: leave out {name!r}.", param=name
    )


@dataclass(slots=True)
class _Asking:
    """One request that is passed on, and what has become of it so far."""

    document: Mapping[str, object]
    prompt: int
    """About how many tokens it takes."""
    client: Client
    effort: Effort
    _passed: Passed | None = field(init=False, default=None)
    _has_asked: bool = field(init=False, default=False)
    _is_free: bool = field(init=False, default=False)

    async def through(self, pass_on: PassOn) -> Passed:
        self._has_asked = True
        noted = self.effort.timeline.round(_now(), str(self.document["model"]))
        try:
            passed = self._passed = await pass_on(self.client, self.effort, self.document)
        except ProxyError as error:
            noted.fail(_now(), error)
            self._is_free = costs_nothing(error) or not isinstance(error, UpstreamError)
            raise
        noted.ended, noted.usage, noted.answered_by = _now(), passed.usage, passed.model
        return passed

    def facts(self) -> AnswerFacts:
        """As `Run.facts`. Without a count from the upstream, the estimate stands for it."""
        usage = {} if self._passed is None else self._passed.usage
        is_uncounted = self._has_asked and not self._is_free and not usage
        model = str(self.document["model"])
        return AnswerFacts(
            model=model,
            answered_by="" if self._passed is None else self._passed.model,
            stream=False,
            rounds=int(self._has_asked),
            searches=0,
            tokens=usage.get("total_tokens", 0),
            prompt_tokens=usage.get("prompt_tokens", 0),
            completion_tokens=usage.get("completion_tokens", 0),
            estimated_tokens=self.prompt if is_uncounted else 0,
            upstream_model=model,
            uncounted_rounds=int(is_uncounted),
            timeline=self.effort.timeline,
        )


def _now() -> float:
    return asyncio.get_running_loop().time()
