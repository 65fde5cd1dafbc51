"""Scaleway's Generative APIs beside chat: requests that are passed on as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

import orjson

from proxy.core.passed import Passed
from proxy.core.trace import Headers
from proxy.core.wire import Usage
from proxy.errors import BadReply, UpstreamError
from proxy.tasks import Steps, taking_turns
from proxy.upstreams.http.causes import SILENT, TOO_LONG
from proxy.upstreams.http.endpoint import Endpoint, Reply
from proxy.upstreams.http.status import Vendor
from proxy.upstreams.scaleway.models import ScalewayModels
from proxy.upstreams.scaleway.replies import idle
from proxy.upstreams.scaleway.vectors import Reading

Read = Callable[[Vendor, bytes, Mapping[str, object]], Steps[Reading]]
"""Reads the body of a reply, given its request. Raises UpstreamError."""


@dataclass(slots=True)
class ScalewayPassed:
    """Passes requests on to one path."""

    endpoint: Endpoint
    vendor: Vendor
    models: ScalewayModels
    drop_params: frozenset[str]
    """Request parameters that clients send although Scaleway does not support them."""
    idle_s: float
    """How long an upstream may say nothing, in seconds."""
    path: str
    read: Read
    told: Callable[[str, Mapping[str, str]], None] = lambda *_: None
    """Gets the headers of each reply, with the name of the model that was asked."""

    @property
    def name(self) -> str:
        return self.vendor.name

    async def pass_on(self, document: Mapping[str, object], more: Headers = ()) -> Passed:
        """As `PassesOn.pass_on`."""
        model = str(document["model"])
        sent = {name: value for name, value in document.items() if name not in self.drop_params}
        reply = await self._reply(orjson.dumps(sent), more)
        self.told(model, reply.headers)
        if reply.status != HTTPStatus.OK:
            raise await self.models.error_of(reply, model)
        read = await taking_turns(self.read(self.vendor, reply.body, document))
        return Passed(read.body, _model(read.document), _usage(read.document))

    async def _reply(self, body: bytes, more: Headers) -> Reply:
        try:
            return await self.endpoint.request(
                "POST", self.path, body=body, timeout_s=self.idle_s, more=more
            )
        except UpstreamError as error:
            if error.cause == SILENT:
                raise idle(self.vendor, self.idle_s) from error
            if error.cause == TOO_LONG:
                what = f"{self.name} sent a reply that is too long. Send fewer inputs at a time."
                too_long = BadReply(self.name, what, cause=TOO_LONG)
                too_long.retryable = False  # it would be as long again
                raise too_long from error
            raise


def _model(document: Mapping[str, object]) -> str:
    model = document.get("model")
    return model if isinstance(model, str) else ""


def _usage(document: Mapping[str, object]) -> Usage:
    """The counts of a reply. Where there is a total alone, it is that of the input."""
    sent = document.get("usage")
    given = sent if isinstance(sent, dict) else {}
    prompt, completion, total = (
        _count(given.get(f"{name}_tokens")) for name in ("prompt", "completion", "total")
    )
    total = total or prompt + completion
    if not total:
        return {}
    prompt = prompt or max(total - completion, 0)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total}


def _count(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0
