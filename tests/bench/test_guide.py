"""The sequential loop of the guide."""

import itertools

import pytest

from bench.checks import WrongReplyError
from bench.guide import first_token_s
from bench.script import Script
from bench.servers import Server


def port_of(upstream: Server) -> int:
    port = upstream.find_port()
    assert port
    return port


def test_nothing_starts_before_what_precedes_it_has_ended(upstream: Server) -> None:
    script = Script(chunks=8, gap_s=0.001, first_s=0.01, search_s=0.02)
    seconds = first_token_s(port_of(upstream), script, itertools.count())
    assert seconds >= script.call_s + script.search_s + script.first_s


def test_a_wrong_reply_is_an_error(upstream: Server) -> None:
    with pytest.raises((WrongReplyError, LookupError)):
        first_token_s(port_of(upstream), Script(chunks=1), itertools.count())
