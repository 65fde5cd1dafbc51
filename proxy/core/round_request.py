"""The request of one model round."""

from __future__ import annotations

from proxy.core.plan import Ask, Plan
from proxy.core.wire import ChatRequest


def parameters_of(plan: Plan, ask: Ask) -> ChatRequest:
    """The client's own parameters that hold for the round."""
    if ask.has_format:
        return plan.chat.body
    body = plan.chat.body.copy()
    body.pop("response_format", None)
    return body


def round_request(plan: Plan, ask: Ask) -> ChatRequest:
    """The client's own parameters, and the fields of the proxy."""
    chat, policy = plan.chat, plan.policy
    own = parameters_of(plan, ask)
    body: ChatRequest = {**own, "model": policy.model, "messages": ask.messages}
    if ask.tools:
        body["tools"] = list(ask.tools)
    else:
        body.pop("parallel_tool_calls", None)
    if ask.tool_choice is not None:
        body["tool_choice"] = ask.tool_choice
    if chat.stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return body
