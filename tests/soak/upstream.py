"""Both vendors behind one address on loopback, which answer each stream as its plan says."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, Literal

import orjson

from tests.soak.plans import MARK, Fault, Plan
from tests.support.script import DONE, Round, event, offers_search, result, search_call
from tests.upstreams.raw_server import Connection, chunk, chunked, reply

Kind = Literal["model", "search"]
_JSON: Final = "content-type: application/json"
_LISTED: Final = orjson.dumps({"data": [{"id": "soaked"}]})
_STATUSES: Final[Mapping[Fault, tuple[str, str]]] = {
    Fault.QUOTA: ("429 Too Many Requests", "retry-after: 0"),
    Fault.BROKEN: ("500 Internal Server Error", "x-said: nothing"),
    Fault.BUSY: ("503 Service Unavailable", "x-said: nothing"),
}
_STEPS: Final = 10
"""In how many parts a slow upstream answers."""
_PAUSE_S: Final = 0.03


class SoakUpstream:
    """Answers by the plans in `plans`, which are found by their marks.

    `wrong` says what it found in requests that must not be there: text of two streams at once.
    """

    def __init__(self, idle_s: float | None = None) -> None:
        """It closes a connection that is not used for `idle_s` seconds; None: never."""
        self._idle_s = idle_s
        self.plans: dict[str, Plan] = {}
        self.slots: int | None = None
        """How many requests to the model it takes at once. It refuses the others as a quota does.
        None: all."""
        self.wrong: list[str] = []
        self.faults: Counter[str] = Counter()
        """How often each fault struck."""
        self.over_quota = 0
        """How many requests it refused because no slot was free."""
        self.most_at_once = 0
        self._at_once = 0
        self._asked: Counter[tuple[str, Kind]] = Counter()

    async def serve(self, connection: Connection) -> None:
        is_kept = True
        while is_kept:
            try:
                async with asyncio.timeout(self._idle_s):
                    request = await connection.request()
            except TimeoutError:
                break
            is_kept = await self._answers(connection, request)

    async def _answers(self, connection: Connection, request: bytes) -> bool:
        """Answer a request; whether the connection may be used again."""
        path = request.split(b" ", 2)[1].decode()
        if path.endswith("/models"):
            await connection.send(reply(_LISTED, _JSON))
            return True
        body = request.partition(b"\r\n\r\n")[2]
        plan = self._plan_of(body)
        if plan is None:
            await connection.send(reply(b"{}", _JSON, status="400 Bad Request"))
            return False
        if path.endswith("/search"):
            return await self._search(connection, plan)
        return await self._complete(connection, plan, orjson.loads(body))

    def _plan_of(self, body: bytes) -> Plan | None:
        marks = set(MARK.findall(body.decode()))
        if len(marks) > 1:
            self.wrong.append(f"one upstream request holds text of {len(marks)}: {sorted(marks)}")
        return self.plans.get(next(iter(marks), ""))

    def _next_fault(self, plan: Plan, kind: Kind) -> Fault | None:
        number = self._asked[plan.mark, kind]
        self._asked[plan.mark, kind] += 1
        faults = plan.model if kind == "model" else plan.search
        fault = faults[number] if number < len(faults) else None
        if fault is not None:
            self.faults[f"{kind} {fault}"] += 1
        return fault

    async def _search(self, connection: Connection, plan: Plan) -> bool:
        fault = self._next_fault(plan, "search")
        found = [] if fault is Fault.EMPTY else [_passage(plan, n) for n in range(3)]
        data = reply(orjson.dumps({"results": found}), _JSON)
        return await _play(connection, fault, [data])

    async def _complete(self, connection: Connection, plan: Plan, body: dict[str, Any]) -> bool:
        if self.slots is not None and self._at_once >= self.slots:
            self.over_quota += 1
            await connection.send(_refusal(Fault.QUOTA))
            return True
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await asyncio.sleep(plan.takes_s)
            fault = self._next_fault(plan, "model")
            return await _play(connection, fault, _said(plan, body))
        finally:
            self._at_once -= 1


def _passage(plan: Plan, number: int) -> Any:
    text = f"The handbook says of {plan.mark}, in part {number}, that it is so. "
    return result(f"{plan.mark}-{number}", text * 5, file_id=plan.number * 10 + number)


def _said(plan: Plan, body: dict[str, Any]) -> list[bytes]:
    """The bytes of a right reply, in parts."""
    is_search = offers_search(body) and not any(e["role"] == "tool" for e in body["messages"])
    if is_search:
        call = search_call(f"the handbook about {plan.mark}")
        said = Round(calls=(call,), finish_reason="tool_calls")
    else:
        said = Round("".join(plan.said()))
    if not body.get("stream"):
        return [reply(orjson.dumps(said.completion()), _JSON)]
    if is_search:
        return [chunked(said.stream(), b"")]
    events = list(map(event, said.chunks(lambda text: plan.said() if text else [])))
    size = -(-len(events) // _STEPS)
    parts = [b"".join(events[at : at + size]) for at in range(0, len(events), size)]
    return [chunked(), *map(chunk, parts), chunk(DONE) + chunk(b"")]


def _refusal(fault: Fault) -> bytes:
    status, header = _STATUSES[fault]
    return reply(b'{"message": "not now"}', _JSON, header, status=status)


async def _play(connection: Connection, fault: Fault | None, parts: list[bytes]) -> bool:
    """Send the parts, or what the fault puts in their place; whether the connection stays."""
    if fault is not None and fault in _STATUSES:
        await connection.send(_refusal(fault))
        return True
    if fault is Fault.DROP:
        return False
    if fault is Fault.GARBAGE:
        await connection.send(b"\x15\x03\x01 this is no HTTP\r\n\r\n")
        return False
    half = parts[: len(parts) // 2]
    if fault in {Fault.STALL, Fault.CUT, Fault.ERROR_EVENT}:
        await connection.send(b"".join(half))
        if fault is Fault.STALL:
            await connection.gone()
        elif fault is Fault.ERROR_EVENT and half:
            error = event({"error": {"message": "it broke", "type": "server_error", "code": 500}})
            await connection.send(chunk(error) + chunk(b""))
            return True
        connection.reset()
        return False
    for part in parts:
        if fault is Fault.SLOW:
            await asyncio.sleep(_PAUSE_S)
        await connection.send(part)
    return True
