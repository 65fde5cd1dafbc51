"""Tries Scaleway as requests do: the list of models, a completion, a client's tool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from proxy.commands.advice import Place, explain
from proxy.commands.probing import ProbeError, Step
from proxy.core.frames import TextChunk
from proxy.core.wire import ChatRequest, Choice, Chunk, Tool
from proxy.errors import (
    BadCredentials,
    BadReply,
    ProxyError,
    RateLimited,
    Unreachable,
    UpstreamError,
    UpstreamTimeout,
)
from proxy.settings.checks import SCALEWAY_CONSOLE
from proxy.upstreams.scaleway.client import Scaleway

_MAX_TOKENS: Final = 512
_REDIRECTS: Final = frozenset({"301", "302", "303", "307", "308"})
_ELSEWHERE: Final = _REDIRECTS | {"404"}
_TOOL: Final = "current_time"
_TOOLS: Final[tuple[Tool, ...]] = (
    {
        "type": "function",
        "function": {
            "name": _TOOL,
            "description": "The current time of day.",
            "parameters": {"type": "object", "properties": {}},
        },
    },
)


@dataclass(slots=True)
class ScalewayProbe:
    """`models` are those that the settings name. The probe asks the first one."""

    client: Scaleway
    models: Sequence[str]
    place: Place
    _listed: Sequence[str] = field(init=False, default=())
    _refusal: BadCredentials | None = field(init=False, default=None)

    def steps(self) -> tuple[Step, ...]:
        return (
            Step("Scaleway is reachable", self._reach),
            Step("Scaleway accepts the key", self._identify),
            Step("Scaleway lists the model", self._find_models),
            Step("Scaleway answers", self._answer),
            Step("Scaleway calls a client's tool", self._call_tool),
        )

    async def _reach(self) -> str:
        try:
            listed = await self.client.models.all()
        except BadCredentials as refusal:
            self._refusal = refusal
        except ProxyError as error:
            raise self._failure(error) from error
        else:
            self._listed = [model["id"] for model in listed]
        return self.place.shown

    async def _identify(self) -> str:
        if self._refusal is not None:
            raise self._failure(self._refusal)
        return ""

    async def _find_models(self) -> str:
        missing = [model for model in self.models if model not in self._listed]
        if missing:
            raise ProbeError(
                f"{', '.join(missing)} is not served. Set RAG_PROXY_DEFAULT_MODEL, or the "
                f"profile's model, to one of: {', '.join(self._listed)}."
            )
        return ", ".join(self.models)

    async def _answer(self) -> str:
        has_answered, _ = await self._ask("Answer with one word: what colour is the sky?", ())
        if not has_answered:
            raise ProbeError("the reply holds no answer. Try again, or choose another model.")
        return ""

    async def _call_tool(self) -> str:
        _, has_called = await self._ask(f"What time is it? Call the tool {_TOOL}.", _TOOLS)
        if not has_called:
            raise ProbeError(
                f"{self.models[0]} did not call it. Choose a model that calls tools, or set "
                "RAG_PROXY_RETRIEVAL to context."
            )
        return ""

    async def _ask(self, question: str, tools: Sequence[Tool]) -> tuple[bool, bool]:
        """Whether the model answered, and whether it called a tool. The probe asks for a stream.

        Raises ProbeError.
        """
        body: ChatRequest = {
            "model": self.models[0],
            "messages": [
                {"role": "system", "content": "You are a helpful assistant."},
                {"role": "user", "content": question},
            ],
            "max_tokens": _MAX_TOKENS,
            "stream": True,
        }
        if tools:
            body["tools"] = list(tools)
        choices: list[Choice] = []

        def hear(chunks: list[Chunk | TextChunk]) -> None:
            for chunk in chunks:
                whole = chunk.whole() if isinstance(chunk, TextChunk) else chunk
                choices.extend(whole["choices"])

        try:
            await self.client.ask(body, hear)
        except ProxyError as error:
            raise self._failure(error) from error
        return bool(choices), any(choice["delta"].get("tool_calls") for choice in choices)

    def _failure(self, error: ProxyError) -> ProbeError:
        if not isinstance(error, UpstreamError):
            return ProbeError(error.message)
        if isinstance(error, (Unreachable, UpstreamTimeout)) and not _status(error):
            return ProbeError(explain(error, self.place))
        return ProbeError(f"{_said(error)}. {self._advice(error)}")

    def _advice(self, error: UpstreamError) -> str:
        if isinstance(error, BadCredentials):
            return (
                f"Check SCALEWAY_API_KEY (a secret key from {SCALEWAY_CONSOLE}), its permission "
                "GenerativeApisModelAccess, and SCW_DEFAULT_PROJECT_ID."
            )
        if isinstance(error, RateLimited):
            return "The quota is used up: try again later, or raise it in Scaleway's console."
        is_elsewhere = _status(error) in _ELSEWHERE
        if is_elsewhere or isinstance(error, BadReply):
            return f"Check SCALEWAY_BASE_URL, with /v1 at its end: {self.place.url}."
        return "Try again later."


def _status(error: UpstreamError) -> str:
    """The status of an error reply; "" if the error was no reply."""
    return error.cause.removeprefix("status_") if error.cause.startswith("status_") else ""


def _said(error: UpstreamError) -> str:
    """The upstream's words, in any of its error shapes, without a full stop."""
    status = _status(error)
    if not status or status in _REDIRECTS:
        return error.message.rstrip(".")
    said = error.said.rstrip(".")
    return f"HTTP {status}" + (f", {said}" if said else "")
