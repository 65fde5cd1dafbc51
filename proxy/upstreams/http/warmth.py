"""Connections to the upstreams that are open before the first request needs them.

Opening a connection takes two or three round trips, TLS included, and the first token waits for one
upstream's connection after the other's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from proxy.errors import UpstreamError
from proxy.upstreams.http.endpoint import Endpoint

_TIMEOUT_S: Final = 5.0


async def keep_warm(probes: Iterable[tuple[Endpoint, str]], every_s: float) -> None:
    """Use a connection to each upstream now and every `every_s` seconds, until cancelled.

    `probes` are upstreams with a path that costs nothing to GET. Their replies do not matter.
    """
    probes = tuple(probes)
    while True:
        await asyncio.gather(*(_touch(endpoint, path) for endpoint, path in probes))
        await asyncio.sleep(every_s)


async def _touch(endpoint: Endpoint, path: str) -> None:
    with suppress(UpstreamError):
        await endpoint.request("GET", path, timeout_s=_TIMEOUT_S, within_s=_TIMEOUT_S)
