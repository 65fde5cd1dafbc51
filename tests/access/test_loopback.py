from __future__ import annotations

import re

import pytest

from proxy.access.loopback import LOOPBACK_ORIGIN, check_loopback, is_loopback_host
from proxy.errors import Forbidden

HERE = {"host": "localhost:8000"}


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LocalHost",
        "localhost.",
        "localhost:8000",
        "localhost.:8000",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1:65535",
        "127.255.0.3:8000",
        "[::1]",
        "[::1]:8000",
        "[0:0:0:0:0:0:0:1]:8000",
    ],
)
def test_a_host_of_this_machine_is_let_in(host: str) -> None:
    check_loopback({"host": host})


@pytest.mark.parametrize(
    "host",
    [
        "",
        ":8000",
        "example.com",
        "127.0.0.1.evil.com",
        "127.0.0.1.evil.com:8000",
        "localhost.evil.com",
        "evil.localhost",
        "localhost:8000:8000",
        "localhost:evil",
        "localhost@evil.com",
        "notlocalhost",
        "0.0.0.0",  # noqa: S104  # nothing listens here
        "0.0.0.0:8000",
        "10.0.0.1:8000",
        "192.168.1.7",
        "128.0.0.1",
        "[::]:8000",
        "[fe80::1]:8000",
        "[::2]",
        "2130706433",
        "127.1",
        "0x7f.0.0.1",
        "127.0.0.1, evil.com",
    ],
)
def test_any_other_host_is_refused_because_a_page_can_choose_it(host: str) -> None:
    with pytest.raises(Forbidden, match="is not this machine") as caught:
        check_loopback({"host": host})
    assert caught.value.status == 403
    assert repr(host) in caught.value.message


def test_a_request_without_a_host_is_refused() -> None:
    with pytest.raises(Forbidden):
        check_loopback({})


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost",
        "http://localhost:3000",
        "https://localhost:8443",
        "http://LOCALHOST:3000",
        "http://localhost.:3000",
        "http://127.0.0.1:5173",
        "http://[::1]:3000",
    ],
)
def test_a_page_of_this_machine_is_let_in(origin: str) -> None:
    check_loopback({**HERE, "origin": origin})


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "http://evil.com",
        "https://localhost.evil.com",
        "http://localhost:3.evil.com",
        "http://127.0.0.1.evil.com:8000",
        "http://localhost@evil.com",
        "http://evil.com:127",
        "http://[::2]:3000",
        "http://[localhost",
        "http://",
        "localhost",
        "localhost:3000",
        "file://localhost",
        "file://",
        "chrome-extension://localhost",
        "ftp://127.0.0.1",
    ],
)
def test_any_other_page_is_refused(origin: str) -> None:
    with pytest.raises(Forbidden, match="may not use this proxy") as caught:
        check_loopback({**HERE, "origin": origin})
    assert repr(origin) in caught.value.message


def test_a_page_that_the_operator_named_is_let_in_and_only_that() -> None:
    origins = frozenset({"https://chat.example.com"})
    check_loopback({**HERE, "origin": "https://chat.example.com"}, origins)
    for other in ("http://chat.example.com", "https://chat.example.com.evil.com", "null"):
        with pytest.raises(Forbidden):
            check_loopback({**HERE, "origin": other}, origins)


def test_a_named_page_does_not_make_up_for_a_foreign_host() -> None:
    origin = "https://chat.example.com"
    with pytest.raises(Forbidden):
        check_loopback({"host": "evil.com", "origin": origin}, frozenset({origin}))


FORWARDED = [
    "forwarded",
    "via",
    "x-real-ip",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-anything",
    "x-forwarded",
    "x-original-forwarded-for",
    "x-original-host",
    "x-envoy-external-address",
    "cf-connecting-ip",
    "true-client-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "fly-client-ip",
    "cdn-loop",
]


@pytest.mark.parametrize("name", FORWARDED)
@pytest.mark.parametrize("value", ["203.0.113.7", "127.0.0.1", ""])
def test_what_came_through_a_reverse_proxy_is_refused_with_both_ways_out(
    name: str, value: str
) -> None:
    with pytest.raises(Forbidden, match="came through a reverse proxy") as caught:
        check_loopback({**HERE, name: value})
    for word in (repr(name), "client keys", "RAG_PROXY_API_KEYS", "allow_forwarded = true"):
        assert word in caught.value.message


@pytest.mark.parametrize("name", FORWARDED)
def test_what_came_through_a_reverse_proxy_may_be_let_in(name: str) -> None:
    check_loopback({**HERE, name: "203.0.113.7"}, allow_forwarded=True)


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.com"},
        {"host": "evil.com", "x-forwarded-host": "localhost"},
        {**HERE, "x-forwarded-for": "127.0.0.1", "origin": "https://evil.com"},
        {**HERE, "x-forwarded-host": "evil.com", "origin": "https://evil.com"},
    ],
)
def test_a_page_is_refused_also_where_forwarding_is_allowed(headers: dict[str, str]) -> None:
    with pytest.raises(Forbidden):
        check_loopback(headers, allow_forwarded=True)


@pytest.mark.parametrize("name", ["x-request-id", "x-stainless-os", "x-lighton-retrieval", "dnt"])
def test_other_headers_do_not_tell_of_a_reverse_proxy(name: str) -> None:
    check_loopback({**HERE, name: "x"})


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "[::1]"])
def test_an_address_to_listen_on_may_be_of_this_machine(host: str) -> None:
    assert is_loopback_host(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "example.com", ""])  # noqa: S104  # nothing listens
def test_an_address_to_listen_on_may_be_of_others(host: str) -> None:
    assert not is_loopback_host(host)


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("http://localhost", True),
        ("https://localhost:3000", True),
        ("http://127.0.0.1:5173", True),
        ("http://[::1]:3000", True),
        ("http://localhost.evil.com", False),
        ("http://127.0.0.1.evil.com", False),
        ("http://localhost:3000.evil.com", False),
        ("http://evil.com#http://localhost", False),
        ("http://x127.0.0.1", False),
        ("http://127x0x0x1", False),
        ("null", False),
    ],
)
def test_a_browser_may_show_replies_to_pages_of_this_machine(
    origin: str, *, expected: bool
) -> None:
    assert bool(re.fullmatch(LOOPBACK_ORIGIN, origin)) is expected


@pytest.mark.parametrize("origin", ["http://localhost:1", "http://127.0.0.1:65535"])
def test_a_page_may_come_from_any_port(origin: str) -> None:
    check_loopback({**HERE, "origin": origin})


def test_a_page_of_port_0_does_not_exist() -> None:
    with pytest.raises(Forbidden):
        check_loopback({**HERE, "origin": "http://localhost:0"})


@pytest.mark.parametrize(
    ("headers", "way_out"),
    [
        (
            {"host": "evil.com"},
            "answers only to localhost; set RAG_PROXY_API_KEYS to serve others.",
        ),
        (
            {**HERE, "origin": "http://evil.com"},
            "only pages of this machine may; set RAG_PROXY_API_KEYS to serve others.",
        ),
    ],
)
def test_a_refusal_tells_the_way_out(headers: dict[str, str], way_out: str) -> None:
    with pytest.raises(Forbidden) as caught:
        check_loopback(headers)
    assert caught.value.message.endswith(way_out)


def test_a_request_without_a_host_is_told_so() -> None:
    with pytest.raises(Forbidden, match="Host '' is not this machine"):
        check_loopback({})


def test_behind_a_reverse_proxy_there_are_two_ways_out() -> None:
    with pytest.raises(Forbidden) as caught:
        check_loopback({**HERE, "via": "1.1 a"})
    assert caught.value.message == (
        "The request came through a reverse proxy: it has the header 'via'. Without client keys "
        "the proxy serves only programs of its own machine. Set client keys (RAG_PROXY_API_KEYS), "
        "or, if only you can reach that reverse proxy, allow_forwarded = true "
        "(RAG_PROXY_ALLOW_FORWARDED=true)."
    )
