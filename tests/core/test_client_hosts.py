"""The hosts that an answer's links may lead to."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.core.client_hosts import ClientHosts, hosts_in


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("See https://Wiki.example.com/a?b=c.", ["wiki.example.com"]),
        ("(http://a.example:80/x) <https://b.example>", ["a.example", "b.example"]),
        ("http://a.example:8080/", ["a.example:8080"]),
        ("https://good.example@evil.example/", ["evil.example"]),
        ("https://a.example:notaport/ ftp://b.example www.c.example", []),
        ("https:// https://[::1", []),
    ],
)
def test_the_hosts_of_addresses_are_found(text: str, hosts: list[str]) -> None:
    assert list(hosts_in(text)) == hosts


def test_users_systems_and_tools_name_hosts_and_assistants_do_not() -> None:
    messages: Any = [
        {"role": "system", "content": "https://s.example"},
        {"role": "user", "content": [{"type": "text", "text": "https://u.example"}]},
        {"role": "assistant", "content": "https://a.example"},
        {"role": "tool", "tool_call_id": "1", "content": "https://t.example"},
    ]
    hosts = ClientHosts(frozenset({"l.example"}), messages)
    assert all(f"{each}.example" in hosts for each in "sutl")
    assert "a.example" not in hosts
