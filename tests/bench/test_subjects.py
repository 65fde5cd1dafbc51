"""How gateways are asked."""

import orjson

from bench.script import Script, find_script
from bench.subjects import Subject
from bench.upstream import take_request

SCRIPT = Script(chunks=8, first_s=0.1, gap_s=0.01)
PASSING = Subject("peer", "peer", model_prefix="models::", headers={"x-to": "{upstream}/v1"})
LOOPING = Subject("proxy", "proxy", searches=True)


def test_a_request_is_http_with_the_script_in_model_and_question() -> None:
    taken = take_request(PASSING.request(80, SCRIPT, 1, stream=True))
    assert taken is not None
    head, body, rest = taken
    assert head.startswith(b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:80\r\n")
    assert rest == b""
    document = orjson.loads(body)
    assert document["model"] == f"models::{SCRIPT.model}"
    assert find_script(document["messages"][0]["content"]) == SCRIPT
    assert document["stream"] is True


def test_no_two_requests_ask_the_same() -> None:
    assert LOOPING.request(80, SCRIPT, 1) != LOOPING.request(80, SCRIPT, 2)


def test_the_upstream_is_named_in_headers_that_ask_for_it() -> None:
    assert PASSING.beside("http://here").headers == {"x-to": "http://here/v1"}


def test_a_loop_makes_three_requests_and_waits_for_all_their_delays() -> None:
    assert (LOOPING.hops, PASSING.hops) == (3, 1)
    assert LOOPING.delay_s(SCRIPT) == SCRIPT.loop_s
    assert PASSING.delay_s(SCRIPT) == SCRIPT.first_s


def test_citations_are_expected_of_a_loop_alone() -> None:
    assert LOOPING.expects(SCRIPT).cited
    assert not PASSING.expects(SCRIPT).cited
