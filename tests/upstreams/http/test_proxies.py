"""Which proxy applies, as a table: no network."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import SettingsError
from proxy.upstreams.http.proxies import bypasses, proxy_for

SECURE = "https://api.example.com/v1"
PLAIN = "http://api.example.com/v1"
SECRET = "s3cr3t-w0rd"


@pytest.mark.parametrize(
    ("no_proxy", "host", "expected"),
    [
        ("", "example.com", False),
        ("*", "example.com", True),
        ("a.test, *", "example.com", True),
        ("example.com", "example.com", True),
        ("EXAMPLE.com", "example.COM", True),
        ("example.com", "api.example.com", True),
        (".example.com", "api.example.com", True),
        (".example.com", "example.com", True),
        ("*.example.com", "api.example.com", True),
        ("example.com", "notexample.com", False),
        ("api.example.com", "example.com", False),
        ("example.com.", "example.com", True),
        ("example.com", "example.com.", True),
        ("a.test,example.com", "example.com", True),
        ("a.test example.com", "example.com", True),
        (" a.test ,  example.com , ", "example.com", True),
        (",,", "example.com", False),
        (".", "example.com", False),
        ("com", "example.com", True),
        ("bücher.example", "xn--bcher-kva.example", True),
        ("xn--bcher-kva.example", "bücher.example", True),
        ("example.com:443", "example.com", True),
        ("example.com:8443", "example.com", False),
        (".example.com:443", "api.example.com", True),
        ("example.com:", "example.com", False),
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.11", False),
        ("0.0.1", "10.0.0.1", False),
        ("10.0.0.1:443", "10.0.0.1", True),
        ("10.0.0.1:80", "10.0.0.1", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.9.9.9/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.0.0.0/33", "10.1.2.3", False),
        ("10.0.0.0/8", "example.com", False),
        ("::1", "::1", True),
        ("[::1]", "::1", True),
        ("[::1]:443", "::1", True),
        ("[::1]:80", "::1", False),
        ("fd00::/8", "fd12::1", True),
        ("fd00::/8", "fe80::1", False),
        ("0:0:0:0:0:0:0:1", "::1", True),
        ("10.0.0.0/8", "::ffff:10.1.2.3", True),
        ("10.0.0.0/8", "fd12::1", False),
        ("localhost", "localhost", True),
        ("127.0.0.1", "localhost", False),
    ],
)
def test_no_proxy_is_read_as_every_tool_reads_it(
    no_proxy: str, host: str, *, expected: bool
) -> None:
    assert bypasses(no_proxy, host, 443) is expected


@given(st.text(), st.sampled_from(["example.com", "10.0.0.1", "::1", "bücher.example"]))
def test_no_list_is_an_error(no_proxy: str, host: str) -> None:
    assert isinstance(bypasses(no_proxy, host, 443), bool)


@pytest.mark.parametrize(
    ("base_url", "environment", "expected"),
    [
        (SECURE, {}, None),
        (SECURE, {"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
        (SECURE, {"https_proxy": "http://p:1", "HTTPS_PROXY": "http://q:1"}, "http://p:1"),
        (SECURE, {"https_proxy": "", "HTTPS_PROXY": "http://q:1"}, None),
        (SECURE, {"HTTP_PROXY": "http://p:1"}, None),
        (PLAIN, {"HTTP_PROXY": "http://p:1"}, "http://p:1"),
        (PLAIN, {"HTTPS_PROXY": "http://p:1"}, None),
        (PLAIN, {"HTTP_PROXY": "http://p:1", "REQUEST_METHOD": "GET"}, None),
        (PLAIN, {"http_proxy": "http://p:1", "REQUEST_METHOD": "GET"}, "http://p:1"),
        (SECURE, {"HTTPS_PROXY": "http://p:1", "REQUEST_METHOD": "GET"}, "http://p:1"),
        (SECURE, {"ALL_PROXY": "http://p:1"}, "http://p:1"),
        (PLAIN, {"all_proxy": "http://p:1"}, "http://p:1"),
        (SECURE, {"ALL_PROXY": "http://p:1", "HTTPS_PROXY": "http://q:1"}, "http://q:1"),
        (SECURE, {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "example.com"}, None),
        (SECURE, {"HTTPS_PROXY": "http://p:1", "no_proxy": "example.com"}, None),
        (SECURE, {"ALL_PROXY": "http://p:1", "NO_PROXY": "api.example.com:443"}, None),
        (SECURE, {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "api.example.com:80"}, "http://p:1"),
        (SECURE, {"HTTPS_PROXY": "p:3128"}, "http://p:3128"),
        (SECURE, {"HTTPS_PROXY": " p "}, "http://p:80"),
        (SECURE, {"HTTPS_PROXY": "https://p/"}, "https://p:443"),
        (SECURE, {"HTTPS_PROXY": "http://[::1]:8080"}, "http://[::1]:8080"),
    ],
)
def test_the_proxy_is_the_one_that_the_variables_name(
    base_url: str, environment: dict[str, str], expected: str | None
) -> None:
    proxy = proxy_for(base_url, environment)
    assert (proxy and proxy.url) == expected


def test_credentials_are_read_and_not_shown() -> None:
    proxy = proxy_for(SECURE, {"HTTPS_PROXY": f"http://us%40er:{SECRET}%2F@p:1"})
    assert proxy is not None
    assert proxy.auth == ("us@er", f"{SECRET}/")
    assert SECRET not in repr(proxy)
    assert proxy.url == "http://p:1"


@pytest.mark.parametrize(
    "value",
    [
        f"http://:{SECRET}@",
        f"http://u:{SECRET}/@p:1",
        f"http://u:1/{SECRET}@p:1",
        f"{SECRET}/@p:1",
        f"http://u:{SECRET}#@p:1",
        f"http://u:{SECRET}?@p:1",
        f"http://u:{SECRET}@p:port",
        f"http://u:{SECRET}@p:99999",
        f"http://u:{SECRET}@p:0",
        f"http://u:{SECRET}@[::1",
        f"ftp://u:{SECRET}@p:1",
        f"http://u:{SECRET} @p:1",
        "http://",
        "://",
    ],
)
def test_a_malformed_address_is_one_line_that_does_not_repeat_it(value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        proxy_for(SECURE, {"HTTPS_PROXY": value})
    (problem,) = caught.value.problems
    assert problem.startswith("HTTPS_PROXY: must be a proxy's address")
    assert SECRET not in problem


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks4", "SOCKS5"])
def test_socks_is_said_not_to_be_supported(scheme: str) -> None:
    with pytest.raises(SettingsError, match="ALL_PROXY: SOCKS proxies are not supported"):
        proxy_for(SECURE, {"ALL_PROXY": f"{scheme}://u:{SECRET}@p:1"})
