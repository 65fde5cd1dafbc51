from __future__ import annotations

from proxy.core.frames import Hear
from proxy.core.timeline import Timeline
from proxy.core.trace import Headers, Trace
from proxy.core.wire import ChatRequest
from proxy.upstreams.model.traced import Traced
from tests.upstreams.model.played import asking


class Upstream:
    name = "Scaleway"

    def __init__(self) -> None:
        self.heard: list[Headers] = []
        self.required: list[str] = []

    async def require(self, model: str) -> None:
        self.required.append(model)

    async def ask(self, body: ChatRequest, hear: Hear, more: Headers = ()) -> None:  # noqa: ARG002  # the protocol
        self.heard.append(more)


async def test_each_round_is_asked_with_its_own_span() -> None:
    ids = iter((5, 6))
    timeline = Timeline(trace=Trace(1, 2, lambda: next(ids)))
    upstream = Upstream()
    traced = Traced(upstream, timeline)
    for at in range(2):
        timeline.round(at, "m")
        for _ in range(2):  # a round that is asked for again is the same round
            await traced.ask(asking("m"), lambda _: None)
    spans = [told.decode().split("-")[2] for ((_, told),) in upstream.heard]
    assert spans == [f"{5:016x}"] * 2 + [f"{6:016x}"] * 2


async def test_it_is_the_upstream_in_all_else() -> None:
    upstream = Upstream()
    traced = Traced(upstream, Timeline())
    await traced.require("m")
    assert (traced.name, upstream.required) == ("Scaleway", ["m"])
