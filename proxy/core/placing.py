"""Where the model reads what was searched for a question before its first round.

Never in the system message: many models take what stands there for orders, and cite none of it. In
rounds that offer the search, it looks as if the model had searched: a call and its result follow
the user's message, however many searches there were: some chat templates refuse two calls in a
turn. Else it stands in that message, before the user's own words.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from proxy.core.hidden import Job
from proxy.core.history import History
from proxy.core.kept import Context
from proxy.core.plan import Plan
from proxy.core.wire import Content, Message, MessageCall

_ID_CHARS: Final = 9
"""As many as the ids of every server may have."""


def with_contexts(plan: Plan, history: History, context: Context | None) -> list[Message]:
    """The messages for the first round, with what this request and earlier ones searched first.

    `context` belongs to the last user message.
    """
    contexts = dict(history.contexts)
    if context is not None:
        place = history.last_user
        contexts[place] = (*contexts.get(place, ()), context)
    messages: list[Message] = []
    for place, message in enumerate(history.messages):
        found = contexts.get(place)
        messages += _placed(plan, message, found, place) if found else [message]
    return messages


def made_call(plan: Plan, job: Job, place: int) -> MessageCall:
    """The call of a hidden tool that the proxy made itself, for the message at `place`.

    Its id is the same whenever the conversation comes back, and another one for another message.
    """
    digest = hashlib.sha256(repr((place, tuple(job))).encode("utf-8", "surrogatepass"))
    (tool,) = (each for each in plan.tools if each.name == job.tool)
    function = tool.as_function(job)
    return {"id": digest.hexdigest()[:_ID_CHARS], "type": "function", "function": function}


def _placed(plan: Plan, message: Message, contexts: Sequence[Context], place: int) -> list[Message]:
    """The user's message with what was searched for it, in one piece."""
    text = "\n\n".join(each.text for each in contexts)
    job = contexts[-1].jobs[0]
    if job.tool not in (each.tool.name for each in plan.offers):
        return [{**message, "content": _before(message.get("content"), text)}]
    call = made_call(plan, job, place)
    return [
        message,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": call["id"], "content": text},
    ]


def _before(content: Content, text: str) -> Content:
    if isinstance(content, list):
        return [{"type": "text", "text": text}, *content]
    return f"{text}\n\n{content}" if content else text
