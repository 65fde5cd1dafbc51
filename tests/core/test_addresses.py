"""Where a citation may lead."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.addresses import ANY_HOST, LONGEST, Host, HostRule, citation_url, read_host

AS_THEY_ARE = (
    *("https://docs.example/leave", "http://docs.example", "https://docs.example:8443/a?b=c#d"),
    *("https://a-b_c.example/%20x", "https://docs.example/\u00e9t\u00e9", "https://intranet/x"),
    *(
        "http://203.0.113.9/x",
        "https://8.8.8.8:80/",
        "https://[2606:4700::1111]/x",
        "https://h?x=1",
    ),
    *("https://docs.example/a@b", "https://docs.example/a:b", "https://1.example/", "https://h#x"),
)
PLAIN = {
    "HTTPS://Docs.EXAMPLE/Leave": "https://docs.example/Leave",
    "https://docs.example./x": "https://docs.example/x",
    " https://docs.example/x ": "https://docs.example/x",
    "https://docs.example/a b": "https://docs.example/a%20b",
    "https://docs.example/a\"b'c": "https://docs.example/a%22b%27c",
    "https://docs.example/a)b](c[d": "https://docs.example/a%29b%5D%28c%5Bd",
    "https://docs.example/<b>{x}|`^": "https://docs.example/%3Cb%3E%7Bx%7D%7C%60%5E",
    "https://docs.example:/x": "https://docs.example/x",
    "https://docs.example:0443/x": "https://docs.example:443/x",
    "https://ex\u00e4mple.test/x": "https://xn--exmple-cua.test/x",
    "https://docs\u3002example/x": "https://docs.example/x",
    "https://0x08.010.8.8/": "https://8.8.8.8/",
}
NOWHERE = (
    *("javascript:alert(1)", "data:text/html,x", "ftp://h/", "file:///etc/passwd", "//h/x", "h/x"),
    *("", "https:", "https:/h", "https:///h", "https://", "https://:80", "https://?x", "https:h"),
    *("https://user@h/", "https://user:word@h/", "https://@h/", "https://h:80@evil.test/"),
    *("https://h\\@evil.test/", "https:\\\\h", "https://h/a\\b", "https://h/a\nb", "ht\ttps://h"),
    *("https://h/\u202ea", "https://h/\u200ba", "https://h/a\x00", "https://h\u00a0/"),
    *("https://h i/", "https://h'/", 'https://h"/', "https://<h>/", "https://h%2e/", "https://h(/"),
    *(
        "https://a..b/",
        "https://.a/",
        "https://-\u00ad/",
        "https://[h",
        "https://h]",
        "https://[]/",
    ),
    *("https://[::1", "https://[v1.x]/", "https://[2606:4700::1%25eth0]/", "https://h:x/"),
    *("https://h:99999/", "https://h:123456/", "https://256.1.1.1/", "https://1.2.3.4.5/"),
    *("https://08.1.1.1/", "https://1.1.1.08/", "https://a.1/", "https://4294967296/"),
)
HOME = (
    *("localhost", "LOCALHOST", "localhost.", "a.localhost", "x.y.localhost.", "\uff4cocalhost"),
    *("127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "017700000001"),
    *("0177.0.0.1", "127.0.0.1.", "127.8.9.10", "0", "0x", "\uff11\uff12\uff17.0.0.1"),
    *("127\u30020\u30020\u30021", "10.0.0.7", "0xa.0.0.7", "167772167", "172.16.0.1", "172.31.9.9"),
    *("192.168.1.1", "192.168.257", "169.254.169.254", "100.64.0.1", "224.0.0.1", "239.1.1.1"),
    *("255.255.255.255", "198.18.0.1", "192.0.0.8", "0.0.0.8"),
    *("[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[fe80::1]"),
    *("[fd00::1]", "[fc00::1]", "[fec0::1]", "[ff02::1]", "[::ffff:127.0.0.1]", "[::ffff:a00:7]"),
    *("[::127.0.0.1]", "[64:ff9b::10.0.0.7]", "[64:ff9b:1::1]", "[2002:7f00:1::]"),
    *("[::ffff:0:192.168.1.1]", "[2001:0:4136:e378:8000:63bf:80ff:fffe]"),
)


@pytest.mark.parametrize("url", AS_THEY_ARE)
def test_a_plain_address_stays_as_it_is(url: str) -> None:
    assert citation_url(url, ANY_HOST) == url


@pytest.mark.parametrize(("url", "plain"), PLAIN.items())
def test_an_address_is_written_plainly(url: str, plain: str) -> None:
    assert citation_url(url, ANY_HOST) == plain
    assert citation_url(plain, ANY_HOST) == plain


@pytest.mark.parametrize("url", NOWHERE)
def test_what_may_lead_elsewhere_leads_nowhere(url: str) -> None:
    assert citation_url(url, ANY_HOST) is None


@pytest.mark.parametrize("host", HOME)
def test_nothing_leads_into_the_readers_own_network(host: str) -> None:
    assert citation_url(f"http://{host}/x", ANY_HOST) is None
    assert citation_url(f"https://{host}:8443", ANY_HOST) is None


@pytest.mark.parametrize(
    ("listed", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000/x"),
        ("127.0.0.1", "http://0x7f.1:8000/x"),
        ("10.0.0.7", "http://10.0.0.7/x"),
        ("::1", "http://[::1]/x"),
        ("[fd00::1]", "http://[fd00:0::1]/x"),
        ("localhost", "http://LOCALHOST/x"),
        ("Docs.Example", "https://docs.example/x"),
        ("ex\u00e4mple.test", "https://xn--exmple-cua.test/x"),
        (".docs.example", "https://a.docs.example/x"),
        ("*.docs.example", "https://a.b.docs.example/x"),
    ],
)
def test_a_listed_host_may_be_anywhere(listed: str, url: str) -> None:
    assert citation_url(url, HostRule.of([listed])) is not None


@pytest.mark.parametrize(
    "url",
    [
        *("https://evil.test/", "https://docs.example.evil.test/", "https://xdocs.example/"),
        *("https://sub.example/", "https://xsub.example/", "http://8.8.8.8/", "http://10.0.0.8/"),
        *("http://localhost/", "http://[::ffff:10.0.0.7]/", "https://a.docs.example/"),
    ],
)
def test_with_a_list_no_other_host_is_led_to(url: str) -> None:
    rule = HostRule.of(["docs.example", ".sub.example", "10.0.0.7"])
    assert citation_url(url, rule) is None
    assert citation_url(url, HostRule.of([".nothing.example"])) is None


@pytest.mark.parametrize(
    "listed",
    [
        *("", ".", "*", "*.", "*example.com", "https://h", "h:80", "h/x", "h h", "a..b", "u@h"),
        *(".10.0.0.7", "*.127.1", "[::1", "::g", "256.1.1.1", "10.0.0.0/8"),
    ],
)
def test_what_is_no_host_cannot_be_listed(listed: str) -> None:
    with pytest.raises(ValueError, match=r"a host like docs\.example\.com"):
        HostRule.of(["docs.example", listed])


@pytest.mark.parametrize(("size", "is_fit"), [(LONGEST, True), (LONGEST + 1, False)])
def test_an_address_is_at_most_so_long(size: int, is_fit: bool) -> None:  # noqa: FBT001  # the same
    url = "https://docs.example/".ljust(size, "x")
    assert citation_url(url, ANY_HOST) == (url if is_fit else None)


def test_an_address_that_is_too_long_once_it_is_encoded_is_not_used() -> None:
    assert citation_url("https://docs.example/" + " ." * 1_000, ANY_HOST) is None


@pytest.mark.parametrize(
    ("written", "host"),
    [
        ("0x7f.1", IPv4Address("127.0.0.1")),
        ("1.0x203", IPv4Address("1.0.2.3")),
        ("0300.0250.1", IPv4Address("192.168.0.1")),
        ("[1::]", IPv6Address("1::")),
        ("1.example", "1.example"),
        ("0xg", "0xg"),
        ("a.0xg", "a.0xg"),
        ("a" * 64, None),
        ("a." * 126 + "a", "a." * 126 + "a"),
        ("a." * 126 + "aa", None),
        ("\u00e9" * 200, None),
        ("1_0", "1_0"),
    ],
)
def test_hosts_are_read_as_browsers_read_them(written: str, host: Host | None) -> None:
    assert read_host(written) == host


@given(st.ip_addresses(v=4), st.sampled_from("dox"), st.integers(1, 4))
def test_every_spelling_of_an_ipv4_address_is_that_address(
    address: IPv4Address, base: str, labels: int
) -> None:
    def spell(number: int) -> str:
        return {"d": str(number), "o": f"0{number:o}", "x": hex(number)}[base]

    packed = list(address.packed)
    last = int.from_bytes(bytes(packed[labels - 1 :]), "big")
    assert read_host(".".join(map(spell, (*packed[: labels - 1], last)))) == address


pieces = st.sampled_from(
    [
        *("https", "http", "://", ":", "/", "\\", "@", "?", "#", ".", "[", "]", "(", ")", " ", '"'),
        *("docs.example", "evil.test", "127.0.0.1", "0x7f", "1", "localhost", "%2e", "\t", "<"),
        *("\u3002", "\uff0f", "\u2025", "\u202e", "::1", "x"),
    ]
) | st.text(max_size=2)


@given(st.lists(pieces, max_size=9).map("".join))
def test_whatever_is_given_only_a_plain_address_comes_out(tail: str) -> None:
    rule = HostRule.of(["docs.example"])
    for given_url in (tail, f"https://{tail}", f"https://docs.example{tail}"):
        url = citation_url(given_url, rule)
        if url is None:
            continue
        parts = urlsplit(url)
        assert (parts.hostname, parts.username, parts.password) == ("docs.example", None, None)
        assert parts.scheme in ("http", "https")
        assert not set(url) & set(" \"'<>()[]`\\\n\t")
        assert url.isprintable()
        assert citation_url(url, rule) == url
