"""What the check says of each cause; as printed of real faults: test_check_document."""

from __future__ import annotations

import re

import pytest

from proxy.commands.advice import Place, explain
from proxy.errors import Unreachable
from proxy.upstreams.http.causes import _TABLE
from proxy.upstreams.http.proxies import OutboundProxy

PROXY = OutboundProxy("http://proxy.test:3128", "HTTPS_PROXY", ("user", "s3cr3t"))
DIRECT = Place("https://lighton.test/x", "LIGHTON_BASE_URL")
BY_PROXY = Place("https://lighton.test/x", "LIGHTON_BASE_URL", PROXY)
WORDS = sorted({cause.word for _, cause in _TABLE})
CAUSES = [*WORDS, "proxy", "proxy_credentials", *(f"proxy_{word}" for word in WORDS)]


def said(cause: str, place: Place, words: str = "") -> str:
    return explain(Unreachable("LightOn", "No way.", cause=cause, said=words), place)


@pytest.mark.parametrize("cause", [*CAUSES, "", "news"])
@pytest.mark.parametrize("place", [DIRECT, BY_PROXY])
def test_every_cause_has_one_line_that_says_what_to_do_and_no_secret(
    cause: str, place: Place
) -> None:
    line = said(cause, place)
    assert line.endswith(".")
    assert not re.search(r"[{}\n]|s3cr3t", line)
    assert re.search(r"check|Check|try again|name its file|must|raise its limit", line), (
        "it says what is wrong, and nothing to do"
    )


def test_what_comes_before_a_proxy_answers_is_about_the_proxy() -> None:
    for word in ("dns", "refused", "no_route", "connect_timeout", "closed", "not_http", "tls"):
        line = said(f"proxy_{word}", BY_PROXY)
        assert line.startswith("The proxy http://proxy.test:3128 cannot be used. ")
        assert "HTTPS_PROXY" in line
        assert not re.search(r"lighton|LIGHTON", line)
        assert "LIGHTON_BASE_URL" in said(word, DIRECT)
    assert "lighton.test" in said("tls_expired", BY_PROXY)


def test_a_connection_by_a_proxy_that_is_late_may_be_late_on_either_side_of_it() -> None:
    line = said("connect_timeout", BY_PROXY)
    assert "check HTTPS_PROXY, and whether the proxy reaches lighton.test." in line
    assert "whether this network needs a proxy" not in line
    assert "whether this network needs a proxy" in said("connect_timeout", DIRECT)


def test_where_the_proxy_speaks_tls_too_either_side_s_fault_is_told_as_its_own() -> None:
    proxy = OutboundProxy("https://proxy.test:3128", "HTTPS_PROXY", None)
    secure = Place(DIRECT.url, DIRECT.setting, proxy)
    for cause in ("tls_unknown_ca", "tls_host_name", "tls_expired", "tls"):
        assert "proxy.test" not in said(cause, secure)
        assert "lighton.test" not in said(f"proxy_{cause}", secure)


def test_a_proxy_on_the_way_that_nobody_named_is_not_named_either() -> None:
    line = said("proxy_credentials", DIRECT)
    assert line.startswith("A proxy on the way to https://lighton.test/x wants credentials: ")
    assert "LIGHTON_BASE_URL" in line


def test_what_the_other_side_says_comes_first() -> None:
    line = said("proxy_credentials", BY_PROXY, "HTTP 407")
    assert line.startswith("HTTP 407. The proxy http://proxy.test:3128 wants credentials: ")
