"""Chat completions as one of the APIs: a request in, and both ways to tell its answer."""

from __future__ import annotations

import pytest

from proxy.access.clients import ANYBODY
from proxy.core.inflight import InFlight
from proxy.core.plan import Policy, make_plan
from proxy.core.sse import DONE
from proxy.errors import BadRequest
from proxy.surfaces.chat import ChatApi
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.upstreams.lighton.wish import WISHES
from tests.core.samples import FENCE

API = ChatApi(WISHES)
QUESTION = {"messages": [{"role": "user", "content": "How much leave?"}]}


@pytest.mark.parametrize(
    ("asked", "stream", "usage"),
    [
        ({}, False, True),
        ({"stream": True}, True, False),
        ({"stream": True, "stream_options": {"include_usage": True}}, True, True),
    ],
)
async def test_a_stream_tells_usage_if_it_is_asked_to_and_a_reply_always(
    asked: dict[str, object], *, stream: bool, usage: bool
) -> None:
    read = await API.read(QUESTION | asked, ANYBODY, frozenset(), InFlight().hold())
    plan = make_plan(read.chat, Policy("m", LightOnScope()), read.chat.wish, (), FENCE)
    telling = read.events(plan) if stream else read.reply(plan)
    assert ("usage" in telling.writer.heartbeat()) is usage
    assert telling.writer.id.startswith("chatcmpl-")


async def test_done_ends_a_stream() -> None:
    read = await API.read(QUESTION, ANYBODY, frozenset(), InFlight().hold())
    plan = make_plan(read.chat, Policy("m", LightOnScope()), read.chat.wish, (), FENCE)
    assert await read.events(plan).finish() == DONE


async def test_a_request_that_is_none_is_refused() -> None:
    with pytest.raises(BadRequest, match="messages"):
        await API.read({}, ANYBODY, frozenset(), InFlight().hold())
