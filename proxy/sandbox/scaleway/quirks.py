"""What Scaleway and its models refuse, as checks on a request.

Sources: Scaleway's documentation of its Generative APIs, the chat templates of the models, and
vLLM, which serves them.
"""

import json
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from proxy.sandbox.scaleway import tokens
from proxy.sandbox.scaleway.chat_request import ChatRequest, Message, NamedTool
from proxy.sandbox.scaleway.errors import by_gateway, by_model, by_schema
from proxy.sandbox.scaleway.families import family_complaints
from proxy.sandbox.served import SERVED, ServedModel, find

UNSUPPORTED = (
    "audio",
    "frequency_penalty",
    "logit_bias",
    "metadata",
    "modalities",
    "n",
    "prediction",
    "prompt_cache_key",
    "safety_identifier",
    "service_tier",
    "store",
    "top_logprobs",
    "user",
    "web_search_options",
)
"""Documented as unsupported. The stand-in refuses them, so that nobody sends them unnoticed. It has
a list of its own: with the proxy's (`settings/params.py`) it could not find what that one lacks."""

INJECTED_PROMPT = (
    "You are a helpful assistant with access to tools. Call a tool when it helps to answer, with "
    "arguments that fit its schema, and answer directly when no tool does."
)
"""Stands for the prompt that Scaleway adds if tools come without a system message."""

_MESSAGE_OVERHEAD = 4
"""Tokens that a chat template puts around a message."""


def read(document: Any) -> tuple[ChatRequest, ServedModel]:
    """Check a request's JSON; returns it with the model that will answer. Raises `Rejected`."""
    served = _model_of(document) if isinstance(document, dict) else SERVED[0]
    try:
        request = ChatRequest.model_validate(document)
    except ValidationError as error:
        raise by_schema(error) from None
    if complaint := next(_complaints(request, served), None):
        raise by_model(served, complaint)
    _check_output_cap(request, served)
    return request, served


def lacks_system_prompt(request: ChatRequest) -> bool:
    return bool(request.tools) and not any(each.is_system for each in request.messages)


def with_injected_prompt(request: ChatRequest) -> ChatRequest:
    injected = Message(role="system", content=INJECTED_PROMPT)
    return request.model_copy(update={"messages": (injected, *request.messages)})


def prompt_tokens(request: ChatRequest) -> int:
    spoken = (
        f"{each.text} {' '.join(call.function.arguments or '' for call in each.calls)}"
        for each in request.messages
    )
    offered = (tool.model_dump_json() for tool in request.tools or ())
    overhead = _MESSAGE_OVERHEAD * len(request.messages)
    return overhead + sum(map(tokens.count, (*spoken, *offered)))


def _model_of(document: dict[str, Any]) -> ServedModel:
    name = document.get("model")
    if not name:
        raise by_gateway(422, "MISSING MODEL", "The model key is missing from the request payload.")
    served = find(name) if isinstance(name, str) else None
    if served is None:
        raise by_gateway(422, "MODEL NOT FOUND", f"The model {name} does not exist.")
    return served


def _complaints(request: ChatRequest, served: ServedModel) -> Iterator[str]:
    """Yield the complaints of the model server. It sends only the first."""
    yield from _unsupported(request)
    yield from _tool_choice(request)
    yield from _history(request.messages)
    yield from family_complaints(request.messages, served.family)
    yield from _length(request, served)


def _unsupported(request: ChatRequest) -> Iterator[str]:
    extra = request.model_extra or {}
    for name in UNSUPPORTED:
        if extra.get(name) is not None:
            yield f"The parameter '{name}' is not supported."
    options = (request.stream_options and request.stream_options.model_extra) or {}
    if options.get("include_obfuscation") is not None:
        yield "The parameter 'stream_options.include_obfuscation' is not supported."


def _tool_choice(request: ChatRequest) -> Iterator[str]:
    choice = request.tool_choice
    if choice in (None, "none"):
        return
    if not request.tools:
        yield "When using `tool_choice`, `tools` must be set."
    elif isinstance(choice, NamedTool) and choice.function.name not in _tool_names(request):
        yield "The tool specified in `tool_choice` does not match any of the specified `tools`."


def _tool_names(request: ChatRequest) -> set[str]:
    return {tool.name for tool in request.tools or ()}


def _history(messages: tuple[Message, ...]) -> Iterator[str]:
    """Every call of an assistant message has one tool message, right behind it."""
    waiting: list[str] = []
    for place, message in enumerate(messages):
        where = f"messages[{place}]"
        if message.role != "tool":
            if waiting:
                yield f"{where}: tool calls {', '.join(waiting)} have not been answered."
            waiting = [call.id for call in message.calls]
        elif message.tool_call_id in waiting:
            waiting.remove(message.tool_call_id)
        else:
            yield f"{where}: tool_call_id {message.tool_call_id!r} answers no call before it."
        yield from _arguments(message, where)
    if waiting:
        yield f"Tool calls {', '.join(waiting)} have not been answered."


def _arguments(message: Message, where: str) -> Iterator[str]:
    for place, call in enumerate(message.calls):
        try:
            json.loads(call.function.arguments or "{}")
        except ValueError as error:
            yield f"{where}.tool_calls[{place}].function.arguments is not valid JSON: {error}"


def _length(request: ChatRequest, served: ServedModel) -> Iterator[str]:
    asked, wanted = prompt_tokens(request), request.token_budget or 0
    if asked + wanted > served.context_window:
        yield (
            f"This model's maximum context length is {served.context_window} tokens. However, you "
            f"requested {asked + wanted}: {asked} in the messages, {wanted} in the completion."
        )
    if (request.max_tokens or 0) > served.max_output:
        yield f"max_tokens is limited to {served.max_output} for this model."


def _check_output_cap(request: ChatRequest, served: ServedModel) -> None:
    if (request.max_completion_tokens or 0) > served.max_output:
        message = f"max_completion_tokens is limited to {served.max_output} for this model."
        raise by_gateway(416, "RANGE NOT SATISFIABLE", message)
