"""What becomes of requests while an upstream fails, as rows of the table."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from tests.faults.model_faults import Fault
from tests.faults.search_faults import FOUND
from tests.faults.stage import Seen, Stage
from tests.faults.upstream import StagedUpstream
from tests.support.clock import LIMIT_S
from tests.support.script import Round, search_call

Row = tuple[str, ...]
MODEL_HEAD: Final = (
    "fault of the model",
    "first round",
    "hidden round",
    "after text",
    "error",
    "sent",
    "client",
    "`cause=`",
)
SEARCH_HEAD: Final = (
    "fault of the search",
    "search before the model",
    "search by the model",
    '`"fail"`',
    "error",
    "sent",
    "client",
    "`cause=`",
)
_SEARCH: Final = Round(calls=(search_call("leave"),), finish_reason="tool_calls")
_TALKS: Final = Round("Let me see. ", calls=(search_call("leave"),), finish_reason="tool_calls")
_ANSWER: Final = Round("It is 27 days [1].")
_LIMITS: Final[Mapping[str, Any]] = {
    **dict.fromkeys(("round_idle_s", "search_timeout_s", "connect_timeout_s"), LIMIT_S),
    "commit_after_s": 10 * LIMIT_S,
}
"""What runs out before a stream begins by itself."""
_PLAIN_THEN_STREAMED: Final = (False, True)
_RETRIED: Final = frozenset({408, 409, 429, *range(500, 600)})
"""The statuses after which OpenAI's SDKs send a request again."""


async def model_row(stage: Stage, fault: Fault) -> Row:
    """The model fails in its first round, after a hidden one, and after text was heard."""
    phases = []
    ways = (("off", ()), ("tool", (_SEARCH,)), ("tool", (_TALKS,)))
    for mode, before in ways:
        seen: list[tuple[Seen, int]] = []
        phases.append(seen)
        if fault.is_costly and before:
            continue
        for stream in _PLAIN_THEN_STREAMED:
            stage.model.play(*before, fault.say)
            stage.search.play(FOUND)
            silent = stage.model if fault.is_slow else None
            one = await _ask(stage, stream, silent, retrieval=mode)
            seen.append((one, max(0, stage.model.came - len(before))))
    return _row(fault.says, phases)


async def search_row(stage: Stage, fault: Fault) -> Row:
    """The search fails, first where the answer goes on, then where it is to end with it."""
    phases = []
    ways = (("context", "tell_model"), ("tool", "tell_model"), ("context", "fail"))
    for mode, on_error in ways:
        seen = []
        for stream in _PLAIN_THEN_STREAMED:
            stage.model.play(*([_SEARCH] if mode == "tool" else []), _ANSWER)
            stage.search.play(fault.say)
            silent = stage.search if fault.is_slow else None
            one = await _ask(stage, stream, silent, retrieval=mode, on_search_error=on_error)
            seen.append((one, stage.search.came))
        phases.append(seen)
    return _row(fault.says, phases)


async def unconnected_model_row(stage: Stage, says: str, url: str) -> Row:
    """No connection to the model can be made, so there is only a first round."""
    seen = [
        (
            await _ask(stage, stream, retrieval="off", scaleway_base_url=f"{url}/v1"),
            0,
        )
        for stream in _PLAIN_THEN_STREAMED
    ]
    return _row(says, [seen, [], []])


async def unconnected_search_row(stage: Stage, says: str, url: str) -> Row:
    """No connection to the search can be made."""
    phases = []
    ways = (("context", "tell_model"), ("tool", "tell_model"), ("context", "fail"))
    for mode, on_error in ways:
        seen = []
        for stream in _PLAIN_THEN_STREAMED:
            stage.model.play(*([_SEARCH] if mode == "tool" else []), _ANSWER)
            more: dict[str, Any] = {"on_search_error": on_error, "lighton_base_url": url}
            more |= {"search_timeout_s": 2 * LIMIT_S}  # not before that for the connection
            seen.append((await _ask(stage, stream, retrieval=mode, **more), 0))
        phases.append(seen)
    return _row(says, phases)


async def _ask(
    stage: Stage,
    stream: bool,  # noqa: FBT001 - of a loop
    silent: StagedUpstream | None = None,
    **settings: Any,
) -> Seen:
    """What becomes of a request. Each that `silent` gets has the limit for its reply run out."""
    url = await stage.proxy(**{**_LIMITS, **settings})
    asking = asyncio.create_task(stage.ask(url, stream=stream))
    stalled = 0
    while silent is not None and not asking.done():
        if silent.reached.is_set() and silent.came > stalled:
            stalled = silent.came
            await stage.clock.run_out()
        await asyncio.sleep(0)
    return await asking


def _row(says: str, phases: Sequence[Sequence[tuple[Seen, int]]]) -> Row:
    """Its cells. Where a streamed answer differs from one that is not, it comes after a slash."""
    flat = [each for phase in phases for each in phase]
    seen = [one for one, _ in flat]
    return (
        says,
        *(_together((one.outcome for one, _ in phase), " / ") or "—" for phase in phases),
        _together((f"`{one.code}`" for one in seen if one.code), ", "),
        _together((str(sent) for _, sent in flat if sent), ", "),
        _together(filter(None, map(_advice, seen)), "; "),
        _together((f"`{one.cause}`" for one in seen if one.cause), ", "),
    )


def _together(words: Iterable[str], between: str) -> str:
    return between.join(dict.fromkeys(words))


def _advice(seen: Seen) -> str:
    """What a client may do."""
    if not seen.code or seen.in_stream:
        return ""
    wait = f" after {seen.retry_after} s" if seen.retry_after else ""
    if seen.should_retry == "false":
        return f"asks later{wait}"
    return f"SDKs retry{wait}" if seen.status in _RETRIED else "changes something"
