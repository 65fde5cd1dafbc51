"""Tries Scaleway with OpenAI's own client: list of models, a completion, a client's tool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import openai
from openai.types.chat import ChatCompletionFunctionToolParam, ChatCompletionMessage

from proxy.commands.probing import ProbeError, Step
from proxy.settings_checks import SCALEWAY_CONSOLE
from proxy.upstreams.scaleway_quirks import read_fault

_MAX_TOKENS: Final = 512
_TOOL: Final = "current_time"
_TOOLS: Final[Sequence[ChatCompletionFunctionToolParam]] = (
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
    """`models` are those that the settings name; the first one is asked."""

    client: openai.AsyncOpenAI
    models: Sequence[str]
    _listed: Sequence[str] = field(init=False, default=())
    _refusal: openai.APIStatusError | None = field(init=False, default=None)

    def steps(self) -> tuple[Step, ...]:
        return (
            Step("Scaleway is reachable", self._reach),
            Step("Scaleway accepts the key", self._identify),
            Step("Scaleway lists the model", self._find_models),
            Step("Scaleway answers", self._answer),
            Step("Scaleway calls a client's tool", self._call_tool),
        )

    @property
    def _url(self) -> str:
        return str(self.client.base_url).rstrip("/")

    async def _reach(self) -> str:
        try:
            reply = await self.client.get("/models", cast_to=object)
        except (openai.AuthenticationError, openai.PermissionDeniedError) as refusal:
            self._refusal = refusal
            return self._url
        except openai.APIError as error:
            raise self._failure(error) from error
        models = reply.get("data") if isinstance(reply, dict) else None
        if not isinstance(models, list):
            raise ProbeError(f"{self._url} does not speak OpenAI's API: check SCALEWAY_BASE_URL.")
        self._listed = [str(model.get("id")) for model in models if isinstance(model, dict)]
        return self._url

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
        await self._ask("Answer with one word: what colour is the sky?", ())
        return ""

    async def _call_tool(self) -> str:
        message = await self._ask(f"What time is it? Call the tool {_TOOL}.", _TOOLS)
        if not message.tool_calls:
            raise ProbeError(
                f"{self.models[0]} did not call it. Choose a model that calls tools, or set "
                "RAG_PROXY_RETRIEVAL to context."
            )
        return ""

    async def _ask(
        self, question: str, tools: Sequence[ChatCompletionFunctionToolParam]
    ) -> ChatCompletionMessage:
        try:
            completion = await self.client.chat.completions.create(
                model=self.models[0],
                messages=[
                    {"role": "system", "content": "You are a helpful assistant."},
                    {"role": "user", "content": question},
                ],
                tools=tools or openai.omit,
                max_tokens=_MAX_TOKENS,
            )
        except openai.APIError as error:
            raise self._failure(error) from error
        if not getattr(completion, "choices", None):  # a reply that is no JSON comes as text
            raise ProbeError("the reply holds no answer. Try again, or choose another model.")
        return completion.choices[0].message

    def _failure(self, error: openai.APIError) -> ProbeError:
        said = _said(error).replace(self.client.api_key, "[key]")
        return ProbeError(f"{said}. {self._advice(error)}")

    def _advice(self, error: openai.APIError) -> str:
        match error:
            case openai.APIConnectionError():
                return f"Check SCALEWAY_BASE_URL and this machine's way to {self._url}."
            case openai.AuthenticationError() | openai.PermissionDeniedError():
                return (
                    f"Check SCALEWAY_API_KEY (a secret key from {SCALEWAY_CONSOLE}), its "
                    "permission GenerativeApisModelAccess, and SCW_DEFAULT_PROJECT_ID."
                )
            case openai.RateLimitError():
                return "The quota is used up: try again later, or raise it in Scaleway's console."
            case openai.NotFoundError():
                return f"Check SCALEWAY_BASE_URL, with /v1 at its end: {self._url}."
        return "Try again later."


def _said(error: openai.APIError) -> str:
    """What the upstream says, in any of its error shapes, without a full stop."""
    if not isinstance(error, openai.APIStatusError):
        return error.message.rstrip(".")
    message = read_fault(error.response.content).message.rstrip(".")
    return f"HTTP {error.status_code}" + (f", {message}" if message else "")
