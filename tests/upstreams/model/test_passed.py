from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from proxy.core.passed import Passed
from proxy.core.trace import Headers
from proxy.errors import Overloaded
from proxy.upstreams.model.passed import PassedRound
from tests.upstreams.model.played import FULL, asking

REPLY = Passed(b"{}", "m", {})


class Upstream:
    name = "Scaleway"

    def __init__(self, *outcomes: Passed | Overloaded) -> None:
        self._outcomes = list(outcomes)
        self.asked: list[Mapping[str, object]] = []

    async def pass_on(self, document: Mapping[str, object], more: Headers = ()) -> Passed:  # noqa: ARG002  # the protocol
        self.asked.append(document)
        outcome = self._outcomes.pop(0)
        if isinstance(outcome, Overloaded):
            raise outcome
        return outcome


def never(_: Any) -> None:
    raise AssertionError("a round that is passed on says nothing")


async def test_a_round_passes_its_document_on_and_keeps_the_reply() -> None:
    upstream = Upstream(REPLY)
    document = {"model": "m", "input": "one"}
    passed = PassedRound(upstream, document)
    await passed.require("m")
    assert not upstream.asked
    await passed.ask(asking("m"), never)
    assert (upstream.asked, passed.reply, passed.name) == ([document], REPLY, "Scaleway")


async def test_a_round_that_fails_can_be_asked_for_again() -> None:
    upstream = Upstream(FULL, REPLY)
    passed = PassedRound(upstream, {"model": "m"})
    with pytest.raises(Overloaded):
        await passed.ask(asking("m"), never)
    await passed.ask(asking("m"), never)
    assert passed.reply is REPLY
