"""What limits cost an answer, as a count of the proxy's calls that is the same on every machine."""

from __future__ import annotations

from typing import Any, Final

from proxy.app import create_app
from tests.support.asgi import ask
from tests.support.script import Round
from tests.support.upstreams import Upstreams
from tests.test_cost_per_chunk import counting
from tests.test_limits_hold import HI, OFF, settings

MOST_CALLS: Final = 88
"""For an answer with all limits. They took 15 µs of the 1,100 of a short answer."""
LIMITS: Final = {
    "requests_per_minute": 10**6,
    "tokens_per_minute": 10**9,
    "max_concurrent_answers": 100,
    "daily_tokens": 10**12,
    "monthly_tokens": 10**12,
}


async def calls_of_an_answer(words: int, **limits: Any) -> int:
    upstreams = Upstreams(lambda _: Round("word " * words), pieces=str.split)
    app = create_app(settings(**limits), upstreams.transport())
    document = {**HI, **OFF, "stream": True}
    await ask(app, document=document)  # what is made once is made here
    with counting() as calls:
        answer = await ask(app, document=document)
    assert answer.status == 200
    return calls.total()


async def test_limits_cost_an_answer_few_calls_and_a_token_none() -> None:
    await calls_of_an_answer(5)
    short = await calls_of_an_answer(5, **LIMITS) - await calls_of_an_answer(5)
    long = await calls_of_an_answer(500, **LIMITS) - await calls_of_an_answer(500)
    assert 0 < short <= MOST_CALLS
    assert abs(long - short) <= 5
