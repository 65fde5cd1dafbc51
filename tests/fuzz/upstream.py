"""A proxy whose upstreams answer every request at once."""

from __future__ import annotations

from typing import Any, Final

from proxy.app import Proxy, create_app
from proxy.settings import Settings
from tests.support.script import Round, result, search_call
from tests.support.upstreams import Upstreams, searching_first

KEY: Final = "a-key-of-the-fuzzers-and-nobody-else"
_SEARCHING: Final = Round(calls=(search_call("leave"),), finish_reason="tool_calls")
ANSWER: Final = "It is 27 days. [1]"


def answering_upstreams() -> Upstreams:
    """Upstreams of which the model searches, finds one passage, and answers."""
    say = searching_first(_SEARCHING, Round(ANSWER))
    upstreams = Upstreams(say, [result("c1", "Leave is 27 days.")])
    upstreams.listed = ("m",)
    return upstreams


def answering_proxy(**more: Any) -> Proxy:
    """A proxy of which `KEY` is the only client key."""
    settings = Settings(
        lighton_base_url="http://lighton.test",
        lighton_api_key="k",
        scaleway_base_url="http://scaleway.test/v1",
        scaleway_api_key="k",
        default_model="m",
        keep_warm_s=0,
        api_keys=(KEY,),
        **more,
    )
    return create_app(settings, answering_upstreams().transport())
