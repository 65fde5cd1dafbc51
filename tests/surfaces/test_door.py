"""The door as a whole: turns, refusals, time and numbers."""

from __future__ import annotations

import logging
from ipaddress import ip_network

import pytest

from proxy.surfaces.door_limits import DoorLimits
from tests.support.clock import skipping_clock
from tests.support.door import Street, Visitor, head, request, settled

LONG = 64_000
SLOW = DoorLimits(head_timeout_s=1_000)
"""So much that a test which waits for real time to pass never ends."""
TRUSTED = DoorLimits(max_waiting=4, trusted=(ip_network("192.0.2.0/24"),))


async def test_what_waits_behind_a_request_is_not_parsed_before_its_turn() -> None:
    street = Street()
    visitor = street.visitor()
    visitor.send(request(b"", path="/slow") + request(b"") * 4_000)
    await settled()
    assert len(visitor.protocol.pipeline) < 2_000
    street.app.go_on.set()
    assert len(await visitor.replies(4_001)) == 4_001


async def test_a_client_that_sends_on_and_on_behind_a_request_is_read_no_further() -> None:
    street = Street()
    visitor = street.visitor()
    visitor.send(request(b"", path="/slow") + request(b""))
    await settled()
    sent = 0
    while visitor.reads and sent < 1_000_000:
        visitor.send(request(b"") * 200)
        sent += len(request(b"")) * 200
    assert sent < 300_000
    street.app.go_on.set()
    await visitor.replies(2 + sent // len(request(b"")))
    assert visitor.reads


async def test_a_fault_in_a_body_is_told_and_the_application_hears_that_the_client_is_gone() -> (
    None
):
    street = Street()
    with skipping_clock() as clock:
        visitor = street.visitor()
        visitor.send(head("transfer-encoding: chunked") + b"1\r\nx\r\n")
        await settled()
        visitor.send(b"this is no chunk\r\n")
        assert [status for status, _ in await visitor.replies(1)] == [400]
        await settled()
        assert street.app.heard[0].body is None
        assert visitor.is_ended
        clock.skip(5.1)
        await until_gone(visitor)


async def test_nothing_follows_a_refusal_not_even_leave_to_go_on() -> None:
    street = Street()
    visitor = street.visitor()
    visitor.send(head("transfer-encoding: chunked", "expect: 100-continue") + b"no chunk\r\n")
    assert [status for status, _ in await visitor.replies(1)] == [400]
    await settled()
    assert street.app.heard[0].body is None
    assert b"100 Continue" not in visitor.written


@pytest.mark.parametrize("rest", [b"\x00\x01", b"CONNECT x:1 HTTP/1.1\r\n\r\n", b"a" * LONG])
async def test_a_fault_behind_a_request_does_not_stand_in_its_reply(rest: bytes) -> None:
    street = Street()
    visitor = street.visitor()
    visitor.send(request(b"", path="/slow"))
    await settled()
    visitor.send(rest)
    street.app.go_on.set()
    await visitor.until(lambda each: each.is_gone)
    assert visitor.written.count(b"HTTP/1.1") == 1
    assert visitor.parsed() == [(200, b"5\r\nslow \r\n3\r\nend\r\n")]


async def test_a_fault_in_the_body_of_a_request_that_waits_is_told_in_its_turn() -> None:
    street = Street()
    visitor = street.visitor()
    visitor.send(request(b"", path="/slow") + request(b"1"))
    visitor.send(head("transfer-encoding: chunked") + b"no chunk\r\n")
    street.app.go_on.set()
    replies = await visitor.replies(3)
    assert [status for status, _ in replies] == [200, 200, 400]
    await settled()
    assert visitor.is_gone
    assert len(street.app.heard) == 2


async def test_nothing_is_parsed_after_a_refusal() -> None:
    street = Street()
    visitor = street.visitor()
    visitor.send(b"no http\r\n\r\n", request(b"later"))
    await settled()
    assert len(visitor.parsed()) == 1
    assert street.app.heard == []


async def test_a_refusal_is_logged_with_the_address_it_came_from(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "proxy.access")
    Street().visitor("198.51.100.7").send(b"no http\r\n\r\n")
    assert "refused status=400 error=invalid_request_error from=198.51.100.7" in caplog.text


@pytest.mark.parametrize("behind", [b"", request(b"next"), request(b"next") * 3, b"GET / HT"])
async def test_a_client_that_hangs_up_is_gone_for_the_request_that_is_answered(
    behind: bytes,
) -> None:
    street = Street()
    visitor = street.visitor()
    visitor.send(head("content-length: 5", path="/listening") + b"whole" + behind)
    await settled()
    assert visitor.reads  # or the end would not be seen
    visitor.close()
    await settled()
    assert [heard.path for heard in street.app.heard] == ["/listening: gone"]


# Time


async def until_gone(visitor: Visitor) -> None:
    await visitor.until(lambda each: each.is_gone)


async def test_a_head_must_be_complete_in_time_however_often_bytes_come() -> None:
    with skipping_clock() as clock:
        visitor = Street(SLOW).visitor()
        visitor.send(b"GET / HTTP/1.1\r\n")
        for _ in range(9):
            clock.skip(100)
            await settled()
            visitor.send(b"a: b\r\n")
        assert visitor.written == b""
        clock.skip(101)
        assert [status for status, _ in await visitor.replies(1)] == [408]
        assert visitor.is_ended


async def test_a_connection_that_says_nothing_is_closed() -> None:
    with skipping_clock() as clock:
        visitor = Street(SLOW).visitor()
        for _ in range(2):  # it is new at first
            clock.skip(1_001)
            await settled()
        await until_gone(visitor)
        assert visitor.written == b""


async def test_an_idle_connection_is_closed_after_its_time_and_not_before() -> None:
    with skipping_clock() as clock:
        visitor = Street(DoorLimits(keep_alive_s=500, head_timeout_s=9_999)).visitor()
        visitor.send(request(b""))
        await visitor.replies(1)
        clock.skip(450)
        await settled()
        assert not visitor.is_gone
        visitor.send(request(b""))
        await visitor.replies(2)
        clock.skip(450)
        await settled()
        assert not visitor.is_gone
        clock.skip(60)
        await until_gone(visitor)


async def test_a_reply_may_take_as_long_as_it_likes() -> None:
    with skipping_clock() as clock:
        street = Street()
        visitor = street.visitor()
        visitor.send(request(b"", path="/slow"))
        await settled()
        clock.skip(1_000)
        await settled()
        street.app.go_on.set()
        assert len(await visitor.replies(1)) == 1
        assert not visitor.is_gone


async def test_half_a_head_behind_a_request_does_not_cost_its_reply() -> None:
    with skipping_clock() as clock:
        street = Street(SLOW)
        visitor = street.visitor()
        visitor.send(request(b"", path="/slow") + b"GET / HT")
        await settled()
        clock.skip(1_001)
        await settled()
        street.app.go_on.set()
        await until_gone(visitor)
        assert [status for status, _ in visitor.parsed()] == [200]


async def test_a_client_answered_early_may_send_the_rest_and_ask_again() -> None:
    visitor = Street().visitor()
    raw = request(b"x" * 100_000, path="/early")
    visitor.send(raw[:1_000])
    assert await visitor.replies(1) == [(200, b"early")]
    visitor.send(raw[1_000:], request(b"next"))
    assert await visitor.replies(2) == [(200, b"early"), (200, b"next")]


async def test_a_client_answered_early_cannot_go_on_for_ever() -> None:
    with skipping_clock() as clock:
        visitor = Street(DoorLimits(linger_s=300, keep_alive_s=9_999)).visitor()
        visitor.send(head("content-length: 1000000", path="/early"))
        await visitor.replies(1)
        for _ in range(4):
            assert not visitor.is_gone
            clock.skip(90)
            await settled()
            visitor.send(b"x")
        await until_gone(visitor)


async def test_a_refused_client_that_stays_is_closed() -> None:
    with skipping_clock() as clock:
        visitor = Street().visitor()
        visitor.send(b"no http\r\n\r\n")
        assert visitor.is_ended
        assert not visitor.is_gone
        clock.skip(10.1)
        await until_gone(visitor)


# Numbers


async def test_connections_that_wait_cannot_keep_complete_requests_out() -> None:
    street = Street(DoorLimits(max_waiting=8))
    half_sent = []
    for _ in range(20):
        half_sent.append(street.visitor())
        half_sent[-1].send(b"POST / HTTP/1.1\r\n")
    assert [visitor.is_gone for visitor in half_sent] == [True] * 12 + [False] * 8
    newcomer = street.visitor("198.51.100.7")
    newcomer.send(request(b"hello"))
    assert await newcomer.replies(1) == [(200, b"hello")]


async def test_a_burst_of_complete_requests_is_answered_however_many_they_are() -> None:
    street = Street(DoorLimits(max_waiting=8))
    burst = [street.visitor() for _ in range(50)]  # accepted before the first is read
    for visitor in burst:
        visitor.send(request(b"whole"))
    assert [await visitor.replies(1) for visitor in burst] == [[(200, b"whole")]] * 50


async def test_connections_that_stay_silent_count_after_a_while() -> None:
    with skipping_clock() as clock:
        street = Street(DoorLimits(max_waiting=8, head_timeout_s=1_000))
        silent = [street.visitor() for _ in range(20)]
        assert not any(visitor.is_gone for visitor in silent)
        clock.skip(1.1)
        await silent[11].until(lambda each: each.is_gone)
        assert [visitor.is_gone for visitor in silent] == [True] * 12 + [False] * 8


async def test_a_reply_under_way_is_not_ended_for_others() -> None:
    street = Street(DoorLimits(max_waiting=4))
    busy = street.visitor()
    busy.send(request(b"", path="/slow") + b"POST /half")
    await settled()
    for _ in range(20):
        street.visitor().send(b"POST / H")
    street.app.go_on.set()
    await busy.until(lambda each: b"end" in each.written)
    assert busy.parsed()[0][0] == 200


async def test_an_upload_counts_as_waiting_until_it_is_whole() -> None:
    street = Street(DoorLimits(max_waiting=4))
    upload = street.visitor()
    upload.send(head("content-length: 5") + b"x")
    others = [street.visitor() for _ in range(4)]
    for other in others:
        other.send(b"P")
    assert upload.is_gone
    await settled()
    assert street.app.heard[0].body is None
    assert not any(other.is_gone for other in others)


async def test_a_connection_that_is_gone_counts_no_longer() -> None:
    street = Street()
    visitor = street.visitor()
    visitor.send(b"P")
    assert len(street.door.waiting) == 1
    visitor.close()
    await settled()
    assert len(street.door.waiting) == 0


async def test_what_a_trusted_proxy_sent_wrong_is_its_own(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "proxy.access")
    visitor = Street(TRUSTED).visitor("192.0.2.1")
    visitor.send(request(b"", "x-forwarded-for: 198.51.100.7"))
    await visitor.replies(1)
    visitor.send(head(*(f"a: {n}" for n in range(101))))
    assert "from=192.0.2.1" in caplog.text


async def test_uploads_behind_a_trusted_proxy_count_for_those_who_send_them() -> None:
    street = Street(TRUSTED)

    def upload(client: str) -> Visitor:
        visitor = street.visitor("192.0.2.1")
        visitor.send(head("content-length: 5", f"x-forwarded-for: {client}") + b"x")
        return visitor

    quiet = upload("198.51.100.7")
    greedy = [upload("203.0.113.5") for _ in range(6)]
    assert not quiet.is_gone
    assert sum(each.is_gone for each in greedy) == 3


# Clients that do not read

STALLING = DoorLimits(client_stall_s=60)


async def take_nothing_for(visitor: Visitor, seconds: int) -> None:
    with skipping_clock() as clock:
        for _ in range(seconds):
            clock.skip(1)
            await settled()
            if visitor.is_gone:
                return


async def test_a_client_that_takes_nothing_of_a_stream_is_cut_off_as_if_it_had_hung_up() -> None:
    street = Street(STALLING)
    visitor = street.visitor()
    visitor.send(request(b"", path="/listening"))
    await settled()
    visitor.waits = 70_000
    visitor.protocol.pause_writing()
    await take_nothing_for(visitor, 70)
    assert visitor.is_gone
    await settled()
    assert [each.path for each in street.app.heard] == ["/listening: gone"]


async def test_a_client_that_takes_all_in_time_is_not_looked_at_any_more() -> None:
    visitor = Street(STALLING).visitor()
    visitor.send(request(b"", path="/listening"))
    await settled()
    visitor.waits = 70_000
    visitor.protocol.pause_writing()
    visitor.protocol.resume_writing()
    await take_nothing_for(visitor, 200)
    assert not visitor.is_gone


async def test_a_client_that_takes_nothing_of_a_reply_that_is_over_is_cut_off(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "proxy.access")
    limits = DoorLimits(client_stall_s=60, keep_alive_s=1_000)
    visitor = Street(limits).visitor()
    visitor.waits = 30_000
    visitor.send(request(b"x"))
    await visitor.replies(1)
    await take_nothing_for(visitor, 70)
    assert visitor.is_gone
    assert "cut client=stalled from=192.0.2.1" in caplog.text


async def test_a_next_request_does_not_hide_that_the_client_takes_nothing() -> None:
    visitor = Street(DoorLimits(client_stall_s=60, keep_alive_s=1_000)).visitor()
    visitor.waits = 70_000
    visitor.send(request(b"x"))
    await visitor.replies(1)
    visitor.protocol.pause_writing()
    visitor.send(request(b"", path="/listening"))
    await take_nothing_for(visitor, 70)
    assert visitor.is_gone
