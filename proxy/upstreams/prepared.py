"""A request of which all but the body is made once, because httpx takes its time for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import httpx

from proxy.upstreams.transport import origin_of, serialize


class PreparedRequest:
    """Gives a request for any body, as the bytes that are sent or as httpx's object."""

    def __init__(self, method: str, url: httpx.URL, headers: Mapping[str, str]) -> None:
        self.origin = origin_of(url)
        self._method = method
        self._url = url
        self._headers = httpx.Headers(headers)
        self._head = serialize(self.as_httpx(None)).removesuffix(b"\r\n")

    @classmethod
    def of(cls, method: str, url: str, key: str, *, has_body: bool) -> Self:
        """A request that shows `key`; a body is JSON."""
        target = httpx.URL(url)
        headers = {
            "host": _host(target),
            "authorization": f"Bearer {key}",
            "accept-encoding": "identity",
            "user-agent": "rag-proxy",
        }
        if has_body:
            headers["content-type"] = "application/json"
        return cls(method, target, headers)

    def as_bytes(self, body: bytes | None) -> bytes:
        if body is None:
            return self._head + b"\r\n"
        return b"%bcontent-length: %d\r\n\r\n%b" % (self._head, len(body), body)

    def as_httpx(
        self, body: bytes | None, timeouts: Mapping[str, float] | None = None
    ) -> httpx.Request:
        request = httpx.Request(
            self._method,
            self._url,
            headers=self._headers,
            stream=httpx.ByteStream(body or b""),
            extensions={"timeout": timeouts or {}},
        )
        if body is not None:
            request.headers["content-length"] = str(len(body))
        return request


def _host(target: httpx.URL) -> str:
    """The Host header; the dot that ends an absolute name is for resolvers alone."""
    return target.copy_with(host=target.host.rstrip(".")).netloc.decode()
