"""The table of causes, for faults as libraries raise them; `test_http_causes.py` has sockets."""

from __future__ import annotations

import errno
import socket
import ssl

import pytest

from proxy.errors import BadReply, Unreachable, UpstreamError, UpstreamTimeout
from proxy.upstreams.http.causes import UNKNOWN, cause_of, is_lasting, is_ours
from proxy.upstreams.http.endpoint import translate
from proxy.upstreams.http.faults import (
    BrokenError,
    ConnectError,
    ConnectTimeout,
    DecodingError,
    NotHTTPReplyError,
    OutboundProxyError,
    ReadTimeout,
    TransportError,
)

SECRET = "http://user:password@proxy.internal:3128"


def refused_certificate(code: int) -> ssl.SSLCertVerificationError:
    fault = ssl.SSLCertVerificationError(1, SECRET)
    fault.verify_code = code
    return fault


FAULTS: list[tuple[BaseException, str]] = [
    *((refused_certificate(code), "tls_unknown_ca") for code in (18, 19, 20, 21)),
    *((refused_certificate(code), "tls_host_name") for code in (62, 64)),
    (refused_certificate(10), "tls_expired"),
    (refused_certificate(9), "tls_not_yet_valid"),
    (refused_certificate(23), "tls_certificate"),
    (ssl.SSLEOFError(8, SECRET), "closed"),
    (ssl.SSLError(1, SECRET), "tls"),
    (OSError(errno.EMFILE, SECRET), "no_descriptors"),
    (OSError(errno.ENFILE, SECRET), "no_descriptors"),
    (socket.gaierror(socket.EAI_NONAME, SECRET), "dns"),
    (UnicodeError(SECRET), "dns"),
    (OSError(errno.ECONNREFUSED, SECRET), "refused"),
    (OSError(errno.ECONNRESET, SECRET), "reset"),
    (OSError(errno.EPIPE, SECRET), "reset"),
    (OSError(errno.ETIMEDOUT, SECRET), "connect_timeout"),
    (OSError(errno.ENETUNREACH, SECRET), "no_route"),
    (OSError("Multiple exceptions: [Errno 101] a, [Errno 111] b"), "refused"),
    (ConnectionResetError(), "closed"),
    (ConnectTimeout(SECRET), "connect_timeout"),
    (ReadTimeout(SECRET), "read_timeout"),
    (OutboundProxyError(SECRET), "proxy"),
    (DecodingError(SECRET), "encoding"),
    (NotHTTPReplyError(SECRET), "not_http"),
    (TimeoutError(), "read_timeout"),
    (BrokenError(SECRET), ""),
]


@pytest.mark.parametrize(("fault", "word"), FAULTS)
def test_each_fault_has_a_word(fault: BaseException, word: str) -> None:
    assert cause_of(fault).word == word


@pytest.mark.parametrize(("fault", "word"), FAULTS)
def test_a_fault_is_found_behind_those_that_were_raised_for_it(
    fault: BaseException, word: str
) -> None:
    outer, middle = ConnectError("no"), OSError("no")
    outer.__cause__, middle.__context__ = middle, fault
    assert cause_of(outer).word == word


@pytest.mark.parametrize(("fault", "word"), FAULTS)
def test_what_a_proxy_fails_by_has_the_same_words_of_the_proxy(
    fault: BaseException, word: str
) -> None:
    by_proxy = OutboundProxyError(SECRET)
    by_proxy.__cause__ = fault
    of_ours = {"no_descriptors": "no_descriptors", "proxy": "proxy", "": "proxy"}
    assert cause_of(by_proxy).word == of_ours.get(word, f"proxy_{word}")
    error = translate(by_proxy, "Upstream")
    assert error.message.endswith(("Try again later.", "Tell the operator of the proxy."))
    assert "password" not in f"{error.message} {error.said}"


def test_exceptions_that_name_each_other_are_looked_at_once() -> None:
    one, two = BrokenError("one"), BrokenError("two")
    one.__cause__, two.__cause__ = two, one
    assert cause_of(one) == UNKNOWN


@pytest.mark.parametrize(("fault", "word"), FAULTS)
def test_what_is_told_says_what_to_do_and_repeats_nothing_of_the_fault(
    fault: BaseException, word: str
) -> None:
    outer = ConnectError(SECRET)
    outer.__cause__ = fault
    error = translate(outer, "Upstream")
    assert type(error) is Unreachable
    assert error.cause == word
    named = (
        "The outbound proxy to Upstream " if word == "proxy" else "Upstream could not be reached"
    )
    assert error.message.startswith(named)
    assert error.message.endswith(("Try again later.", "Tell the operator of the proxy."))
    assert "password" not in error.message


@pytest.mark.parametrize(
    ("fault", "kind", "is_refused"),
    [
        (ConnectTimeout("no"), UpstreamTimeout, True),
        (ConnectError("no"), Unreachable, True),
        (OutboundProxyError("no"), Unreachable, True),
        (ReadTimeout("no"), UpstreamTimeout, False),
        (BrokenError("no"), Unreachable, False),
        (DecodingError("no"), BadReply, False),
        (NotHTTPReplyError("no"), BadReply, False),
    ],
)
def test_a_fault_of_each_kind_is_an_error_of_its_own(
    fault: TransportError, kind: type[UpstreamError], *, is_refused: bool
) -> None:
    error = translate(fault, "Upstream")
    assert type(error) is kind
    assert error.is_refused is is_refused


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("tls", True),
        ("tls_expired", True),
        ("proxy_tls_unknown_ca", True),
        ("proxy_credentials", True),
        ("dns", False),
        ("refused", False),
        ("proxy", False),
        ("proxy_refused", False),
        ("", False),
    ],
)
def test_some_causes_stay_until_somebody_mends_them(word: str, *, expected: bool) -> None:
    assert is_lasting(word) is expected


def test_want_of_file_descriptors_is_no_fault_of_a_host() -> None:
    fault = ConnectError("")
    fault.__cause__ = OSError(errno.EMFILE, "too many")
    assert is_ours(fault)
    assert not is_ours(ConnectError(""))
