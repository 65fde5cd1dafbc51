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
CAUSES = sorted({cause.word for _, cause in _TABLE})


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
    for cause in ("dns", "refused", "no_route"):
        assert "lighton.test" not in said(cause, BY_PROXY)
        assert "HTTPS_PROXY" in said(cause, BY_PROXY)
        assert "LIGHTON_BASE_URL" in said(cause, DIRECT)
    assert "lighton.test" in said("tls_expired", BY_PROXY)


def test_a_connection_by_a_proxy_that_is_late_may_be_late_on_either_side_of_it() -> None:
    line = said("connect_timeout", BY_PROXY)
    assert "check HTTPS_PROXY, and whether the proxy reaches lighton.test." in line
    assert "whether this network needs a proxy" not in line
    assert "whether this network needs a proxy" in said("connect_timeout", DIRECT)


def test_where_the_proxy_speaks_tls_too_it_may_be_the_one_at_fault() -> None:
    proxy = OutboundProxy("https://proxy.test:3128", "HTTPS_PROXY", None)
    secure = Place(DIRECT.url, DIRECT.setting, proxy)
    for cause in ("tls_unknown_ca", "tls_host_name", "tls_expired", "tls"):
        assert "https://proxy.test:3128" in said(cause, secure)
        assert "proxy.test" not in said(cause, BY_PROXY)


def test_what_the_other_side_says_comes_first() -> None:
    assert said("proxy", BY_PROXY, "HTTP 407").startswith("HTTP 407. The proxy http://proxy")
