from __future__ import annotations

import logging
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from proxy.core.timeline import Wait
from proxy.errors import (
    BadRequest,
    InternalError,
    ModelNotFound,
    ProxyError,
    RateLimited,
    RequestTimeout,
    Unauthorized,
    Unreachable,
    UpstreamRejected,
)
from proxy.surfaces.exchange import exchange_of
from proxy.surfaces.middleware import Requests
from proxy.surfaces.replies import (
    ErrorReplies,
    JSONReply,
    error_reply,
    internal_error,
)
from proxy.telemetry.facts import Failure
from tests.support.asgi import Answer, ask
from tests.support.openai_schema import check_error

SECRET = "the client's question"


def failing(fault: BaseException) -> ASGIApp:
    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise fault

    return app


def failing_late(fault: Exception) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("half of")(scope, receive, send)
        raise fault

    return app


async def asked(app: ASGIApp, failures: list[Failure | None] | None = None) -> Answer:
    """The reply to a request whose exchange was begun; its failure is added to `failures`."""

    async def noted(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        finally:
            if failures is not None:
                failures.append(exchange_of(scope).failure)

    return await ask(Requests(noted))


# JSON


async def test_a_json_reply_is_json() -> None:
    answer = await ask(JSONReply({"text": "é", "list": [1, None]}))
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.body == '{"text":"é","list":[1,null]}'.encode()


# Errors


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (BadRequest("'n' must be 1.", param="n"), 400),
        (Unauthorized("No API key was sent."), 401),
        (ModelNotFound("No such model.", param="model"), 404),
        (UpstreamRejected("Scaleway", "Too long.", param="messages"), 400),
        (RateLimited("Scaleway", "Too many.", retry_after_s=5), 429),
        (Unreachable("LightOn", "Gone."), 502),
        (InternalError("Failed."), 500),
    ],
)
async def test_an_error_is_told_in_openais_format(error: ProxyError, status: int) -> None:
    answer = await ask(error_reply(error))
    assert answer.status == status
    assert answer.headers["content-type"] == "application/json"
    check_error(answer.json())
    assert answer.json() == {
        "error": {
            "message": error.message,
            "type": error.type,
            "param": error.param,
            "code": error.code,
        }
    }


@pytest.mark.parametrize(
    ("retry_after_s", "expected"), [(5, "5"), (0, "0"), (1.2, "2"), (None, None)]
)
def test_an_error_says_when_to_retry_in_whole_seconds(
    retry_after_s: float | None, expected: str | None
) -> None:
    reply = error_reply(RateLimited("Scaleway", "Too many.", retry_after_s=retry_after_s))
    assert reply.headers.get("retry-after") == expected


def test_clients_are_told_not_to_repeat_what_cannot_succeed() -> None:
    assert error_reply(BadRequest("No.")).headers["x-should-retry"] == "false"
    assert "x-should-retry" not in error_reply(Unreachable("LightOn", "Gone.")).headers


def test_a_connection_whose_request_never_came_whole_is_closed() -> None:
    assert error_reply(RequestTimeout("Too slow.")).headers["connection"] == "close"
    assert "connection" not in error_reply(BadRequest("No.")).headers


def test_an_internal_error_is_logged_by_place_and_told_without_details(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def parse() -> None:
        raise ValueError(SECRET)

    with pytest.raises(ValueError, match=SECRET) as caught:
        parse()
    error = internal_error(caught.value)
    assert error.status == 500
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info is None
    line = record.getMessage()
    assert line.startswith("internal error: ValueError at test_replies.py:")
    assert SECRET not in line + error.message
    assert "test_replies.py" not in error.message


def test_an_internal_error_shows_its_innermost_frames(caplog: pytest.LogCaptureFixture) -> None:
    def dig(depth: int) -> None:
        if not depth:
            raise RuntimeError
        dig(depth - 1)

    with pytest.raises(RuntimeError) as caught:
        dig(20)
    internal_error(caught.value)
    assert caplog.records[0].getMessage().count("test_replies.py:") == 6


# Every error becomes one reply


async def test_an_error_becomes_a_reply_and_a_note_for_the_log() -> None:
    failures: list[Failure | None] = []
    answer = await asked(ErrorReplies(failing(ModelNotFound("No such model."))), failures)
    assert answer.status == 404
    assert answer.json()["error"]["code"] == "model_not_found"
    assert failures == [Failure("model_not_found")]


async def test_an_upstream_at_fault_is_named_in_the_log() -> None:
    failures: list[Failure | None] = []
    await asked(ErrorReplies(failing(Unreachable("LightOn", "Gone."))), failures)
    assert failures == [Failure("upstream_unreachable", "LightOn")]


async def test_an_error_without_a_code_is_noted_by_its_type() -> None:
    failures: list[Failure | None] = []
    await asked(ErrorReplies(failing(BadRequest("No."))), failures)
    assert failures == [Failure("invalid_request_error")]


async def test_any_other_exception_becomes_an_internal_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failures: list[Failure | None] = []
    answer = await asked(ErrorReplies(failing(KeyError(SECRET))), failures)
    assert answer.status == 500
    check_error(answer.json())
    assert SECRET not in answer.body.decode() + caplog.text
    assert "KeyError" in caplog.text
    assert failures == [Failure("internal_error")]


@pytest.mark.parametrize("wants_answer", [True, False])
async def test_an_error_in_place_of_an_answer_says_where_the_time_went(
    *, wants_answer: bool
) -> None:
    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        exchange = exchange_of(scope)
        exchange.wants_answer = wants_answer
        began = exchange.timeline.began - 2.0
        exchange.timeline.waits.append(Wait(began, is_first=True, ended=began + 1.5))
        raise Unreachable("Scaleway", "Gone.")

    told = (await asked(ErrorReplies(app))).headers.get("server-timing", "")
    assert told.startswith("queue;dur=1500, search;dur=0, total;dur=") == wants_answer


@pytest.mark.parametrize("fault", [BadRequest("No."), KeyError("x")])
async def test_a_reply_that_has_begun_is_not_begun_again(fault: Exception) -> None:
    failures: list[Failure | None] = []
    answer = await asked(ErrorReplies(failing_late(fault)), failures)
    assert (answer.status, answer.body) == (200, b"half of")
    assert failures != [None]


async def test_a_good_reply_passes_and_leaves_no_note() -> None:
    failures: list[Failure | None] = []
    answer = await asked(ErrorReplies(JSONReply({})), failures)
    assert (answer.status, failures) == (200, [None])


async def test_what_stops_the_server_is_no_error_of_a_request() -> None:
    with pytest.raises(KeyboardInterrupt):
        await asked(ErrorReplies(failing(KeyboardInterrupt())))


async def nothing(*_: Any) -> Any:
    raise AssertionError("nothing is read or sent")


async def test_errors_beyond_http_are_not_answered() -> None:
    with pytest.raises(KeyError):
        await ErrorReplies(failing(KeyError("x")))({"type": "lifespan"}, nothing, nothing)


async def test_what_is_not_http_passes_as_it_is() -> None:
    seen: list[Any] = []

    async def app(*arguments: Any) -> None:
        seen.append(arguments)

    await ErrorReplies(app)({"type": "lifespan"}, nothing, nothing)
    assert seen == [({"type": "lifespan"}, nothing, nothing)]
