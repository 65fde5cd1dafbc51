"""Delays and faults on request, for both stand-ins.

A fault strikes the next requests that match it. There are two ways to arm one:

- in the same process: `faults.add("lighton", status=503)`;
- on a running `rag-proxy sandbox`: `POST /sandbox/faults` with a JSON list of the same fields

      curl localhost:8001/sandbox/faults \
        -d '[{"upstream": "scaleway", "status": 429, "shape": 3, "times": 2}]'

  `GET` lists the faults that are still armed, and `DELETE` clears them. `GET /sandbox/requests`
  lists the requests that the stand-ins got.

A fault strikes before the stand-in looks at the key, the method or the body.

`watched.Watched` applies the parts of a fault that are the same for every vendor (`delay_s`,
`hang`, `disconnect`, `html`, `body`, `drip_s`). A stand-in asks for `fault_of(request)`, applies
the rest in its vendor's words (`status`, `shape`, `warnings`, …), and wraps a streamed body in
`interrupted`.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from typing import Any, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import HTTPConnection

from proxy.sandbox.requestlog import RequestLog

Upstream = Literal["lighton", "scaleway"]

SCOPE_KEY = "sandbox.fault"
_STREAMED = "/chat/completions"
_MOST_PADDING = 100_000_000


class Fault(BaseModel):
    """What happens to a request. Fields combine; with none set, the reply is ordinary."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    upstream: Upstream
    path: str = Field("", description="strike only requests whose path ends so")
    times: int = Field(1, ge=0, description="requests to strike; 0: until cleared")

    delay_s: float = Field(0.0, ge=0, description="seconds before anything else happens")
    hang: bool = Field(default=False, description="never reply; with after_chunks, stall there")
    disconnect: bool = Field(
        default=False, description="close without a reply; with after_chunks, drop there"
    )
    html: bool = Field(default=False, description="a firewall's HTML page (403, or status)")

    body: str | None = Field(
        None, description="the reply's body, whatever was asked: broken JSON, a wrong shape"
    )
    content_type: str = Field("application/json", description="of that body")
    padding_bytes: int = Field(
        0, ge=0, le=_MOST_PADDING, description="so many spaces after that body, to make it too long"
    )
    drip_s: float = Field(0.0, ge=0, description="seconds before each single byte of the body")

    status: int | None = Field(None, ge=400, le=599, description="an error in the vendor's shape")
    error: str | None = Field(None, description="the error's machine-readable name")
    message: str | None = Field(None, description="the error's text")
    headers: dict[str, str] = Field({}, description="extra reply headers, such as retry-after")
    shape: Literal[1, 2, 3, 4] = Field(1, description="Scaleway: which of its four error bodies")

    warnings: tuple[dict[str, Any], ...] = Field(
        (), description="LightOn: warnings in a reply with status 200"
    )
    no_workspace: bool = Field(default=False, description="LightOn: results without a workspace")

    chunk_delay_s: float = Field(0.0, ge=0, description="stream: seconds before every chunk")
    after_chunks: int | None = Field(
        None,
        ge=0,
        description="stream: end after so many chunks, or hang, disconnect or fail there",
    )
    error_in_stream: bool = Field(
        default=False, description="stream: the error comes as an event, after_chunks chunks in"
    )

    def strikes(self, upstream: Upstream, path: str) -> bool:
        """Whether the fault matches this request. A fault of a stream strikes only chats."""
        is_of_stream = self.after_chunks is not None or self.error_in_stream or self.chunk_delay_s
        may_be_it = path.endswith(_STREAMED) or not is_of_stream
        return self.upstream == upstream and path.endswith(self.path) and may_be_it


class Dropped(Exception):
    """Raised inside a reply to close its connection at once. `Watched` catches it."""


class Faults:
    """The armed faults, in order, and the log of requests. Safe across threads."""

    def __init__(self) -> None:
        self.requests = RequestLog()
        self._armed: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, upstream: Upstream, **fields: Any) -> Fault:
        """Arm one fault. Raises `pydantic.ValidationError` for fields that `Fault` lacks."""
        fault = Fault(upstream=upstream, **fields)
        self.arm([fault])
        return fault

    def arm(self, faults: Iterable[Fault]) -> None:
        with self._lock:
            self._armed.extend(faults)

    def clear(self) -> None:
        with self._lock:
            self._armed.clear()

    def armed(self) -> list[Fault]:
        """Return the faults that will still strike, each with the `times` that are left."""
        with self._lock:
            return list(self._armed)

    def take(self, upstream: Upstream, path: str) -> Fault:
        """Return the first fault armed for this request and count it down.

        If there is none, return a fault that does nothing.
        """
        with self._lock:
            for place, fault in enumerate(self._armed):
                if fault.strikes(upstream, path):
                    self._count_down(place, fault)
                    return fault
        return Fault(upstream=upstream)

    def _count_down(self, place: int, fault: Fault) -> None:
        if fault.times == 1:
            del self._armed[place]
        elif fault.times > 1:
            self._armed[place] = fault.model_copy(update={"times": fault.times - 1})


def fault_of(request: HTTPConnection) -> Fault:
    """Return the fault that `Watched` took for this request; `status is None` on most."""
    fault: Fault = request.scope[SCOPE_KEY]
    return fault


async def interrupted(
    chunks: AsyncIterator[bytes], fault: Fault, *, error: bytes
) -> AsyncGenerator[bytes, None]:
    """Pass a streamed body on until the fault strikes.

    `error` is the vendor's error event, for a fault that asks for one. Raises `Dropped` to close
    the connection in the middle.
    """
    sent = 0
    strikes_at = fault.after_chunks
    if strikes_at is None and fault.error_in_stream:
        strikes_at = 0
    async for chunk in chunks:
        if sent == strikes_at:
            break
        await asyncio.sleep(fault.chunk_delay_s)
        yield chunk
        sent += 1
    if sent != strikes_at:
        return
    if fault.hang:
        await forever()
    if fault.disconnect:
        raise Dropped
    if fault.error_in_stream:
        yield error


async def forever() -> NoReturn:
    """Wait until cancelled."""
    while True:
        await asyncio.Event().wait()
