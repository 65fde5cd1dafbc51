"""The request of one model round."""

from __future__ import annotations

from proxy.core.plan import Ask, Plan
from proxy.core.wire import ChatRequest


def round_request(plan: Plan, ask: Ask) -> ChatRequest:
    """The client's own parameters, and the fields of the proxy."""
    chat, policy = plan.chat, plan.policy
    body: ChatRequest = {**chat.body, "model": policy.model, "messages": ask.messages}
    if not ask.has_format:
        body.pop("response_format", None)
    if ask.tools:
        body["tools"] = list(ask.tools)
    else:
        body.pop("parallel_tool_calls", None)
    if ask.tool_choice is not None:
        body["tool_choice"] = ask.tool_choice
    if chat.stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return body
