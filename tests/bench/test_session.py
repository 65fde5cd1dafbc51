"""A run of the benchmark: what becomes of gateways that fail and of runs that are void."""

import sys
from contextlib import ExitStack

import pytest

from bench.checks import WrongReplyError
from bench.gateways import DIRECT
from bench.loads import VoidRunError
from bench.servers import Launch, NotStartedError, Server, upstream_launch
from bench.session import Bench
from bench.site import Gateway, Site, asking_https, over_https
from bench.subjects import Subject

PEER = Subject("peer", "peer", headers={"x-to": "{upstream}"})


def gateway(launch: Launch) -> Gateway:
    def start(site: Site) -> Launch:
        assert site.models
        return launch

    return Gateway("peer", lambda: "", lambda: "1", start)


def test_a_gateway_is_started_and_asked(session: Bench) -> None:
    session.gateways = {"peer": gateway(upstream_launch())}
    with ExitStack() as stack:
        place, seconds = session.start(stack, gateway(upstream_launch()), session.cores.every, PEER)
        assert seconds > 0
        assert place.server is not None
        assert place.server.process.poll() is None
        assert place.subject.headers == {"x-to": f"http://127.0.0.1:{place.upstream_port}"}
    assert place.server.process.poll() is not None


def test_a_gateway_over_https_is_told_where_tls_is_and_whom_to_trust(
    session: Bench, upstream: Server
) -> None:
    sites: list[Site] = []

    def start(site: Site) -> Launch:
        sites.append(site)
        return upstream_launch()

    secure = over_https(Gateway("peer", lambda: "", lambda: "1", start))
    session.gateways = {secure.name: secure}
    with ExitStack() as stack:
        place, _ = session.start(stack, secure, session.cores.every, asking_https(PEER))
    address = f"https://127.0.0.1:{upstream.find_secure_port()}"
    assert place.subject.headers == {"x-to": address}
    assert [(site.upstream, site.authority) for site in sites] == [(address, session.authority)]


@pytest.mark.parametrize(
    "launch",
    [Launch((sys.executable, "-c", "raise SystemExit('no')"), 1), Launch(("no-such-program",), 1)],
)
def test_a_gateway_that_cannot_be_started_says_why(session: Bench, launch: Launch) -> None:
    session.gateways = {"peer": gateway(launch)}
    with ExitStack() as stack, pytest.raises(NotStartedError, match="no"):
        session.start(stack, gateway(launch), session.cores.every, PEER)


@pytest.mark.parametrize("fault", [VoidRunError("x"), WrongReplyError("x"), OSError("x")])
def test_a_void_run_is_kept_with_its_reason_and_the_next_goes_on(
    session: Bench, fault: Exception
) -> None:
    def fail() -> str:
        raise fault

    session.attempt("answers 1", DIRECT, fail)
    session.attempt("answers 2", DIRECT, lambda: "fine")
    assert [each.describe() for each in session.results.void] == ["answers 1, direct: x"]


def test_a_dropped_gateway_is_absent_with_all_its_subjects(session: Bench) -> None:
    session.subjects = (DIRECT, PEER, Subject("peer-off", "peer"))
    session.drop("peer", "not installed")
    assert session.results.absent == {"peer": "not installed", "peer-off": "not installed"}
    assert session.present() == (DIRECT,)


def test_direct_is_the_upstream_itself(session: Bench, upstream: Server) -> None:
    place = session.place(DIRECT, None)
    assert place.port == place.upstream_port == upstream.find_port()
