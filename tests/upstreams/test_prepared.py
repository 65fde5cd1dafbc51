from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.upstreams.prepared import PreparedRequest
from proxy.upstreams.transport import serialize

URL = "https://upstream.test:8443/v1/chat/completions?a=b"


@given(st.sampled_from(["GET", "POST"]), st.none() | st.binary(max_size=200))
def test_its_bytes_are_those_of_httpxs_request(method: str, body: bytes | None) -> None:
    prepared = PreparedRequest.of(method, URL, "key", has_body=body is not None)
    for _ in range(2):  # it can be used more than once
        assert prepared.as_bytes(body) == serialize(prepared.as_httpx(body))


def test_a_request_is_what_http_asks_for() -> None:
    prepared = PreparedRequest.of("POST", URL, "key", has_body=True)
    assert prepared.as_bytes(b"{}") == (
        b"POST /v1/chat/completions?a=b HTTP/1.1\r\n"
        b"host: upstream.test:8443\r\n"
        b"authorization: Bearer key\r\n"
        b"accept-encoding: identity\r\n"
        b"user-agent: rag-proxy\r\n"
        b"content-type: application/json\r\n"
        b"content-length: 2\r\n"
        b"\r\n"
        b"{}"
    )


def test_timeouts_go_along_with_httpxs_request() -> None:
    prepared = PreparedRequest.of("GET", URL, "key", has_body=False)
    request = prepared.as_httpx(None, {"connect": 1.0, "read": 2.0})
    assert request.extensions == {"timeout": {"connect": 1.0, "read": 2.0}}


@pytest.mark.parametrize(
    ("url", "port"), [("http://h/v1", 80), ("https://h/v1", 443), ("http://h:81/v1", 81)]
)
def test_its_origin_is_where_the_connection_goes(url: str, port: int) -> None:
    prepared = PreparedRequest.of("GET", url, "key", has_body=False)
    assert prepared.origin == (httpx.URL(url).scheme, "h", port)


def test_the_dot_that_ends_an_absolute_name_is_for_resolvers_alone() -> None:
    prepared = PreparedRequest.of("GET", "https://upstream.test.:8443/v1", "key", has_body=False)
    assert prepared.origin == ("https", "upstream.test.", 8443)
    assert b"\r\nhost: upstream.test:8443\r\n" in prepared.as_bytes(None)
