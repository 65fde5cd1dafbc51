from __future__ import annotations

import pytest

from proxy.access.addresses import client_address, owner_of, parse_networks

TRUSTED = parse_networks(("10.0.0.0/8", "192.0.2.1", "fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "address"),
    [
        ("203.0.113.5", "", "203.0.113.5"),
        ("203.0.113.5", "198.51.100.7", "203.0.113.5"),  # nobody trusted says so
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.7", "198.51.100.7"),  # the client wrote the first
        ("10.0.0.1", "198.51.100.7, 10.9.9.9 ,192.0.2.1", "198.51.100.7"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "198.51.100.7, unknown", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7, ", "10.0.0.1"),
        ("10.0.0.1", "fe80::1%eth0 status=200 key=admin", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7:4711", "198.51.100.7"),
        ("10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
        ("10.0.0.1", "[2001:db8::1]", "2001:db8::1"),
        ("fd00::1", "2001:db8::1", "2001:db8::1"),
        ("::ffff:10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("fd00::1%eth0", "198.51.100.7", "198.51.100.7"),
        ("", "198.51.100.7", ""),  # a Unix socket
    ],
)
def test_the_client_is_the_last_address_that_is_no_trusted_proxy(
    peer: str, forwarded_for: str, address: str
) -> None:
    assert client_address(peer, forwarded_for, TRUSTED) == address


def test_nobody_is_trusted_unless_named() -> None:
    assert client_address("127.0.0.1", "198.51.100.7", ()) == "127.0.0.1"


@pytest.mark.parametrize("text", ["here", "10.0.0.0/99", "", "10.0.0.1:80"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"network|address"):
        parse_networks((text,))


@pytest.mark.parametrize(
    ("address", "owner"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        ("", ""),
    ],
)
def test_an_owner_is_an_ipv4_address_or_the_network_of_an_ipv6_one(
    address: str, owner: str
) -> None:
    assert owner_of(address) == owner


def test_a_network_may_be_written_as_one_of_its_addresses() -> None:
    assert parse_networks(("10.1.2.3/8", "192.0.2.1")) == parse_networks(
        ("10.0.0.0/8", "192.0.2.1/32")
    )
    assert [str(each) for each in parse_networks(("10.1.2.3/8",))] == ["10.0.0.0/8"]


def test_the_shortest_ipv6_address_has_an_owner_too() -> None:
    assert owner_of("::") == owner_of("::1") == "::/64"
    assert owner_of("no:address") == "no:address"
