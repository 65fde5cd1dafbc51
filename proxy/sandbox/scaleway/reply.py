"""A completion as Scaleway's model server sends it, with the oddities of a vLLM reply."""

import hashlib
import string
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from proxy.sandbox.scaleway import tokens
from proxy.sandbox.scaleway.chat_request import ChatRequest
from proxy.sandbox.scaleway.model import Call, Reply, decide
from proxy.sandbox.scaleway.quirks import prompt_tokens
from proxy.sandbox.served import ServedModel

FinishReason = Literal["stop", "tool_calls", "length"]
Json = dict[str, Any]

_ALPHANUMERIC = string.ascii_letters + string.digits
_MISTRAL_ID_LENGTH = 9


@dataclass(frozen=True, slots=True)
class ToolCall:
    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Completion:
    id: str
    created: int
    """Unix time."""
    served: ServedModel
    content: str
    reasoning: str
    calls: tuple[ToolCall, ...]
    finish_reason: FinishReason
    stop_reason: str | None
    """The stop string that ended the text."""
    prompt_tokens: int
    logprobs: bool = field(default=False)

    @property
    def completion_tokens(self) -> int:
        said = (self.reasoning, self.content, *(call.arguments for call in self.calls))
        return sum(map(tokens.count, said))


def complete(
    request: ChatRequest, served: ServedModel, *, completion_id: str, created: int
) -> Completion:
    """Answer a valid request."""
    reply, stop_reason = _stopped(decide(request, served), request)
    reply, was_cut = _within_budget(reply, request.token_budget)
    finish_reason: FinishReason = "tool_calls" if reply.calls else "stop"
    return Completion(
        id=completion_id,
        created=created,
        served=served,
        content=reply.content,
        reasoning=reply.reasoning,
        calls=_identified(reply.calls, request, served),
        finish_reason="length" if was_cut else finish_reason,
        stop_reason=stop_reason,
        prompt_tokens=prompt_tokens(request),
        logprobs=bool(request.logprobs),
    )


def body(completion: Completion) -> Json:
    """Render a completion without a stream."""
    choice = {
        "index": 0,
        "message": _message(completion),
        "logprobs": logprobs(completion, completion.content),
        "finish_reason": completion.finish_reason,
        "stop_reason": completion.stop_reason,
        "token_ids": None,
    }
    return {
        "id": completion.id,
        "object": "chat.completion",
        "created": completion.created,
        "model": completion.served.id,
        "choices": [choice],
        "service_tier": None,
        "system_fingerprint": None,
        "usage": usage(completion),
        "prompt_logprobs": None,
        "prompt_token_ids": None,
        "kv_transfer_params": None,
    }


def usage(completion: Completion) -> Json:
    asked, said = completion.prompt_tokens, completion.completion_tokens
    counted: Json = {
        "prompt_tokens": asked,
        "total_tokens": asked + said,
        "completion_tokens": said,
        "prompt_tokens_details": None,
    }
    if completion.served.reasoning_field:
        reasoned = tokens.count(completion.reasoning)
        counted["completion_tokens_details"] = {"reasoning_tokens": reasoned}
    return counted


def logprobs(completion: Completion, content: str) -> Json | None:
    """Render log probabilities for a text: every token is certain, as rules are."""
    if not completion.logprobs:
        return None
    return {
        "content": [
            {"token": piece, "logprob": 0.0, "bytes": list(piece.encode()), "top_logprobs": []}
            for piece in tokens.pieces(content)
        ]
    }


def _message(completion: Completion) -> Json:
    message: Json = {
        "role": "assistant",
        "content": completion.content or None,
        "refusal": None,
        "annotations": None,
        "audio": None,
        "function_call": None,
        "tool_calls": [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in completion.calls
        ],
        "reasoning_content": None,
    }
    if completion.served.reasoning_field:
        message[completion.served.reasoning_field] = completion.reasoning or None
    return message


def _stopped(reply: Reply, request: ChatRequest) -> tuple[Reply, str | None]:
    """End the text before the first of the request's stop strings; returns which one it was."""
    stops = (request.stop,) if isinstance(request.stop, str) else request.stop or ()
    found = [(reply.content.index(stop), stop) for stop in stops if stop and stop in reply.content]
    if not found:
        return reply, None
    end, stop = min(found)
    return replace(reply, content=reply.content[:end]), stop


def _within_budget(reply: Reply, budget: int | None) -> tuple[Reply, bool]:
    """Spend the budget on reasoning, text and calls in turn. A call at its end stays broken."""
    if budget is None:
        return reply, False
    reasoning, cut_reasoning = tokens.cut(reply.reasoning, budget)
    budget -= tokens.count(reasoning)
    content, cut_content = tokens.cut(reply.content, budget)
    budget -= tokens.count(content)
    calls, cut_calls = _calls_within(reply.calls, budget)
    return Reply(content, reasoning, calls), cut_reasoning or cut_content or cut_calls


def _calls_within(calls: tuple[Call, ...], budget: int) -> tuple[tuple[Call, ...], bool]:
    kept: list[Call] = []
    for call in calls:
        if budget <= 0:
            return tuple(kept), True
        arguments, was_cut = tokens.cut(call.arguments, budget)
        kept.append(Call(call.name, arguments))
        if was_cut:
            return tuple(kept), True
        budget -= tokens.count(arguments)
    return tuple(kept), False


def _identified(
    calls: tuple[Call, ...], request: ChatRequest, served: ServedModel
) -> tuple[ToolCall, ...]:
    """Give each call an id that depends only on the conversation and its place in the turn."""
    said = "".join(message.model_dump_json() for message in request.messages)
    return tuple(
        ToolCall(_call_id(f"{said}#{place}", served), call.name, call.arguments)
        for place, call in enumerate(calls)
    )


def _call_id(seed: str, served: ServedModel) -> str:
    digest = hashlib.sha256(seed.encode()).digest()
    if served.family == "mistral":
        chosen = digest[:_MISTRAL_ID_LENGTH]
        return "".join(_ALPHANUMERIC[byte % len(_ALPHANUMERIC)] for byte in chosen)
    return f"chatcmpl-tool-{digest[:16].hex()}"
