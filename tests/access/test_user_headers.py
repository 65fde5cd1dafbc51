"""Whom the headers of a front-end name."""

from __future__ import annotations

import builtins
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.access.clients import PeopleHeaders, Person
from proxy.access.user_headers import UserHeaders, groups_in
from proxy.errors import IdentityUnavailable, NoPerson, Unauthorized
from tests.support.issuer import user_header

SECRET = "a secret of more than thirty-two bytes"
PLAIN = PeopleHeaders("X-User", groups="X-Groups")
SIGNED = PeopleHeaders("X-Jwt", "JWT_SECRET", "X-Groups")
HEADERS = UserHeaders({"JWT_SECRET": SECRET}.get)


def read(said: PeopleHeaders, *headers: tuple[str, str | bytes]) -> Person:
    raw = [(k.encode(), v if isinstance(v, bytes) else v.encode()) for k, v in headers]
    return HEADERS.person(said, [(b"host", b"x"), *raw])


def test_a_plain_header_names_the_person_and_another_the_groups() -> None:
    found = read(PLAIN, ("x-user", "Ann@Example.com"), ("x-groups", "hr, it"))
    assert found == Person("ann@example.com", frozenset({"hr", "it"}))
    assert read(PLAIN, ("x-user", "ann")) == Person("ann")
    assert read(PeopleHeaders("X-User"), ("x-user", "ann"), ("x-groups", "hr")) == Person("ann")


def test_a_name_may_be_in_any_letters() -> None:
    assert read(PLAIN, ("x-user", "Änn@müller.de")).name == "Änn@müller.de"


def test_a_name_is_never_unescaped_because_open_webui_does_not_escape_it() -> None:
    assert read(PLAIN, ("x-user", "b%6Fb@x.com")).name == "b%6fb@x.com"
    assert read(PLAIN, ("x-user", "b%C3%B6b@x.com")).name == "b%c3%b6b@x.com"


@pytest.mark.parametrize(
    "headers", [(), (("x-user", ""),), (("x_user", "ann"),), (("x-use", "a"),)]
)
def test_a_request_without_a_person_is_told_the_header(headers: Any) -> None:
    with pytest.raises(NoPerson, match="must name one in the header 'X-User'"):
        read(PLAIN, *headers)


@pytest.mark.parametrize(
    ("headers", "fault"),
    [
        ((("x-user", "ann"), ("x-user", "ann")), "'X-User' is there more than once"),
        ((("x-user", ""), ("x-user", "ann")), "'X-User' is there more than once"),
        ((("x-user", "ann, bob"),), "'X-User' must name one person, without a comma"),
        ((("x-user", b"\xe4nn"),), "'X-User' is not UTF-8 text"),
        ((("x-user", " ann"),), "'X-User' must be 1 to 256 printable characters"),
        ((("x-user", "ann\u00a0"),), "'X-User' must be 1 to 256 printable characters"),
        ((("x-user", "a\u200bnn"),), "'X-User' must be 1 to 256 printable characters"),
        ((("x-user", "a\tnn"),), "'X-User' must be 1 to 256 printable characters"),
        ((("x-user", "a" * 257),), "'X-User' must be 1 to 256 printable characters"),
        ((("x-user", "ann"), ("x-groups", "hr"), ("x-groups", "it")), "'X-Groups' is there more"),
        ((("x-user", "ann"), ("x-groups", b"\xff")), "'X-Groups' is not UTF-8 text"),
    ],
)
def test_a_header_that_cannot_be_trusted_is_refused(headers: Any, fault: str) -> None:
    with pytest.raises(Unauthorized, match=f"The header {fault}") as caught:
        read(PLAIN, *headers)
    assert not isinstance(caught.value, NoPerson)
    assert caught.value.tried_by == ""


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("", ()),
        (" , ,", ()),
        ("hr", ("hr",)),
        ("hr,it , Big Group", ("hr", "it", "Big Group")),
        ("M%C3%BCller,%E6%97%A5%E6%9C%AC", ("Müller", "日本")),
        ("Müller", ("Müller",)),
        ("%68r,100%,a%2Cb", ("%68r", "100%", "a%2Cb")),
        ("%C3,%FF%FE,%C3%28", ("%C3", "%FF%FE", "%C3%28")),
        ('["hr"]', ('["hr"]',)),
    ],
)
def test_groups_are_read_as_open_webui_writes_them(text: str, groups: tuple[str, ...]) -> None:
    assert groups_in(text) == groups


@given(st.lists(st.text().filter(lambda each: "," not in each and "%" not in each), max_size=4))
def test_every_group_that_open_webui_can_write_is_read(groups: list[str]) -> None:
    from string import punctuation  # noqa: PLC0415
    from urllib.parse import quote  # noqa: PLC0415

    written = ",".join(each.strip() for each in groups)
    try:
        sent = quote(written, safe=punctuation + " \t")  # as open_webui/utils/headers.py does
    except UnicodeEncodeError:  # a lone surrogate
        return
    expected = [each.strip() for each in groups if each.strip()]
    plain = [each for each in expected if each.isprintable()]
    assert set(plain) <= set(groups_in(sent))


def test_a_signed_header_names_the_person() -> None:
    found = read(SIGNED, ("x-jwt", user_header(SECRET, "Ann@example.com")), ("x-groups", "hr"))
    assert found == Person("ann@example.com", frozenset({"hr"}))


def test_a_signed_header_is_read_by_the_proxys_clock() -> None:
    later = UserHeaders(lambda _: SECRET, lambda: time.time() + 361)
    with pytest.raises(Unauthorized, match="it has expired"):
        later.person(SIGNED, [(b"x-jwt", user_header(SECRET).encode())])


def test_a_secret_that_is_not_set_is_the_operators_fault() -> None:
    missing = UserHeaders(lambda _: None)
    with pytest.raises(IdentityUnavailable, match="must set JWT_SECRET") as caught:
        missing.person(SIGNED, [(b"x-jwt", user_header(SECRET).encode())])
    assert caught.value.status == 503


def test_a_signed_header_without_the_library_is_the_operators_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any, **more: Any) -> Any:
        if name == "proxy.access" and "signed_user" in (arguments[2] or ()):
            raise ModuleNotFoundError(name)
        return real(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(IdentityUnavailable, match=r"must install rag-proxy\[identity\]"):
        read(SIGNED, ("x-jwt", user_header(SECRET)))


def test_groups_in_a_header_that_the_key_does_not_name_are_not_read() -> None:
    said = PeopleHeaders("X-User")
    assert read(said, ("x-user", "ann"), ("", "hr")).groups == frozenset()


def test_a_wrong_signature_is_told_by_the_header_that_carries_it() -> None:
    with pytest.raises(Unauthorized, match="'X-Jwt'"):
        read(SIGNED, ("x-jwt", "no token"))
