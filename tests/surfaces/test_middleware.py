from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from proxy.access.clients import Client, PeopleHeaders, Person
from proxy.access.identity import Identities
from proxy.access.keys import KeyRing
from proxy.access.rules import Rules
from proxy.access.user_headers import UserHeaders
from proxy.access.wrong_keys import WrongKeys
from proxy.errors import Forbidden, NoPerson, TooManyWrongKeys, Unauthorized
from proxy.surfaces.exchange import exchange_of
from proxy.surfaces.middleware import Admission, Paths, Requests
from proxy.surfaces.replies import ErrorReplies, JSONReply
from proxy.telemetry.facts import AnswerFacts, Failure
from proxy.telemetry.log_line import LogLine
from proxy.telemetry.people import PeopleInRecords
from proxy.telemetry.prices import Prices
from proxy.telemetry.usage_file import Usage, UsageFile
from proxy.telemetry.usage_record import UsageRecords
from tests.support.asgi import Answer, ask

FRESH_ID = re.compile(r"req_[0-9a-f]{32}")
RING = KeyRing(["client-secret"], secret=b"s")
HEADERS = UserHeaders(lambda _: None)
OPEN = Identities(KeyRing([], secret=b"s"), HEADERS, Rules(()))
KEYS = Identities(RING, HEADERS, Rules(()))
NO_ORIGINS: frozenset[str] = frozenset()
FAILED = Failure("upstream_error")


async def path_echo(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that answers with the path it sees."""
    await JSONReply(scope["path"])(scope, receive, send)


def noting(answer: AnswerFacts | None = None, failure: Failure | None = None) -> ASGIApp:
    """An application that answers 201, after noting what became of the request."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        exchange = exchange_of(scope)
        exchange.answer, exchange.failure = answer, failure
        await JSONReply({}, status_code=201)(scope, receive, send)

    return app


async def beyond_http(app: ASGIApp) -> Scope:
    """What an application wrapped in middleware sees of something that is not HTTP."""
    seen: list[Scope] = []

    async def inner(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope)

    async def nothing(*_: Any) -> Any:
        raise AssertionError("nothing is read or sent")

    app.app = inner  # type: ignore[attr-defined]  # middleware keeps what it wraps
    await app({"type": "lifespan", "path": "//"}, nothing, nothing)
    return seen[0]


# Probes


@pytest.mark.parametrize(
    "path", ["/health", "/metrics", "//v1/health/", "/v1/ready", "/page/main.js"]
)
@pytest.mark.parametrize("log_probes", [True, False])
async def test_probes_that_went_well_are_logged_where_they_are_wanted(
    caplog: pytest.LogCaptureFixture, path: str, *, log_probes: bool
) -> None:
    caplog.set_level("INFO", "proxy.access")
    await ask(Requests(noting(), log_probes=log_probes), path)
    assert len(caplog.messages) == log_probes


@pytest.mark.parametrize(
    ("path", "failure"), [("/ready", FAILED), ("/page/x", FAILED), ("/models", None), ("/", None)]
)
async def test_probes_that_failed_and_all_other_requests_are_logged(
    caplog: pytest.LogCaptureFixture, path: str, failure: Failure | None
) -> None:
    caplog.set_level("INFO", "proxy.access")
    await ask(Requests(noting(failure=failure), log_probes=False), path)
    assert caplog.messages[0].startswith(f"POST {path} status=201")


async def test_no_line_is_made_for_a_log_that_does_not_show_it(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("WARNING", "proxy.access")
    monkeypatch.setattr(LogLine, "of", lambda _: pytest.fail("a line is made"))
    assert (await ask(Requests(noting()))).status == 201


# Request ids


async def test_a_request_without_an_id_gets_one() -> None:
    first, second = [await ask(Requests(noting())) for _ in range(2)]
    assert FRESH_ID.fullmatch(first.headers["x-request-id"])
    assert FRESH_ID.fullmatch(second.headers["x-request-id"])
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


@pytest.mark.parametrize("given", ["a", "req_1", "b9c8-77.x:1", "x" * 128])
async def test_the_clients_own_id_is_kept(given: str) -> None:
    answer = await ask(Requests(noting()), headers={"x-request-id": given})
    assert answer.headers["x-request-id"] == given


@pytest.mark.parametrize(
    "given", ["", " ", "a b", "a\nINFO all is well", "a\r\nset-cookie: x", "x" * 129, "é", "a;b"]
)
async def test_an_id_that_could_do_harm_is_replaced(given: str) -> None:
    answer = await ask(Requests(noting()), headers={"x-request-id": given})
    assert FRESH_ID.fullmatch(answer.headers["x-request-id"])


async def test_the_id_joins_the_replys_own_headers() -> None:
    answer = await ask(Requests(noting()), headers={"x-request-id": "mine"})
    assert answer.status == 201
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {}


async def test_a_reply_without_headers_gets_the_id_all_the_same() -> None:
    async def bare(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    answer = await ask(Requests(bare), headers={"x-request-id": "mine"})
    assert (answer.status, answer.headers) == (204, {"x-request-id": "mine"})


# The log line


async def logged(
    caplog: pytest.LogCaptureFixture, app: ASGIApp, path: str = "/v1/models", **headers: str
) -> str:
    with caplog.at_level(logging.INFO, "proxy.access"):
        await ask(Requests(app), path, headers={"x-request-id": "id1", **headers})
    [record] = caplog.records
    return re.sub(r" ms=\d+ ", " ms=0 ", record.getMessage())


async def test_each_request_is_one_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    answer = AnswerFacts("llama", "", stream=True, rounds=2, searches=1, tokens=9)
    failure = Failure("upstream_error", "LightOn", "status_500", "No.")
    assert await logged(caplog, noting(answer, failure)) == (
        "POST /v1/models status=201 ms=0 id=id1 from=127.0.0.1 model=llama stream=True rounds=2 "
        'searches=1 tokens=9 error=upstream_error upstream=LightOn cause=status_500 said="No."'
    )


@pytest.mark.parametrize("as_given", [False, True])
async def test_log_and_usage_name_a_person_as_the_records_do(
    caplog: pytest.LogCaptureFixture, tmp_path: Path, *, as_given: bool
) -> None:
    people = PeopleInRecords(b"a secret", as_given=as_given)
    client = Client("front", person=Person("ann@example.com"))
    name = "ann@example.com" if as_given else people.name_of(client)
    usage = Usage(UsageFile(tmp_path / "usage.jsonl"), UsageRecords(Prices(), {}, "llama"))

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        exchange = exchange_of(scope)
        exchange.client, exchange.wants_answer = client, True
        await JSONReply({})(scope, receive, send)

    with caplog.at_level(logging.INFO, "proxy.access"):
        await ask(Requests(app, usage=usage, people=people))
    usage.file.close()
    assert f" key=front person={name}" in caplog.text
    line = usage.file.path.read_text()
    assert f'"person":"{name}"' in line
    assert as_given or "ann" not in line + caplog.text


async def test_the_exchange_knows_when_the_reply_began() -> None:
    seen: list[float | None] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        exchange = exchange_of(scope)
        seen.append(exchange.first_byte_s)
        await JSONReply({})(scope, receive, send)
        seen.append(exchange.first_byte_s)

    await ask(Requests(app))
    before, after = seen
    assert before is None
    assert after is not None
    assert after >= 0


async def test_the_line_names_the_client_by_its_keys_name_and_not_by_its_key(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = Admission(noting(), KEYS, NO_ORIGINS)
    line = await logged(caplog, app, authorization="Bearer client-secret")
    name = RING.identify({"authorization": "Bearer client-secret"}).name
    assert line == f"POST /v1/models status=201 ms=0 id=id1 from=127.0.0.1 key={name}"


async def test_the_line_is_written_also_when_the_request_fails(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def failing(scope: Scope, _receive: Receive, _send: Send) -> None:
        exchange_of(scope).is_client_gone = True
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await logged(caplog, failing)
    assert "status=0" in caplog.text
    assert "client=gone" in caplog.text


async def test_the_query_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    line = await logged(caplog, noting(), path="/v1/models?api_key=secret")
    assert line == "POST /v1/models status=201 ms=0 id=id1 from=127.0.0.1"


# Admission


def admitted(keys: Identities, origins: frozenset[str] = NO_ORIGINS) -> ASGIApp:
    return Requests(Admission(noting(), keys, origins))


async def test_with_keys_the_right_one_lets_in_from_anywhere() -> None:
    headers = {
        "authorization": "Bearer client-secret",
        "host": "rag.example.com",
        "origin": "https://chat.example.com",
    }
    assert (await ask(admitted(KEYS), headers=headers)).status == 201


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}, {"host": "localhost"}])
async def test_with_keys_nobody_is_let_in_without_one(headers: dict[str, str]) -> None:
    with pytest.raises(Unauthorized):
        await ask(admitted(KEYS), headers=headers)


@pytest.mark.parametrize("path", ["/health", "/ready"])
async def test_with_keys_health_can_be_asked_without_one(path: str) -> None:
    assert (await ask(admitted(KEYS), path, headers={"host": "10.0.0.1"})).status == 201


@pytest.mark.parametrize("path", ["/healthy", "/ready/x", "/models", "/"])
async def test_with_keys_no_other_path_is_open(path: str) -> None:
    with pytest.raises(Unauthorized):
        await ask(admitted(KEYS), path)


class Front(Identities):
    """A front-end's key. The header `x-who` says who has sent a wrong token along with it."""

    def __init__(self) -> None:
        super().__init__(RING, HEADERS, Rules(()))

    async def holder(self, headers: Mapping[str, str]) -> Client:
        client = await super().holder(headers)
        if "x-token" in headers:
            return client
        raise Unauthorized("The token has expired.", tried_by=headers.get("x-who", ""))


RIGHT_KEY = {"authorization": "Bearer client-secret"}


async def tried(app: ASGIApp, count: int, **headers: str) -> list[str]:
    """What comes of equal requests one after another."""
    outcomes = []
    for _ in range(count):
        try:
            outcomes.append(str((await ask(app, headers=headers)).status))
        except (Unauthorized, TooManyWrongKeys) as error:
            outcomes.append(str(error.status))
    return outcomes


async def test_wrong_tries_of_one_person_slow_nobody_else_behind_the_key_or_the_address() -> None:
    app = admitted(Front())
    ann, bob = ({**RIGHT_KEY, "x-who": name} for name in ("ann", "bob"))
    assert await tried(app, 12, **ann) == ["401"] * 10 + ["429"] * 2
    assert await tried(app, 12, **bob) == ["401"] * 10 + ["429"] * 2
    assert await tried(app, 1, **ann, **{"x-token": "right"}) == ["201"]
    wrong = {"authorization": "Bearer wrong"}
    assert await tried(app, 11, **wrong) == ["401"] * 10 + ["429"]  # the address has its own count


async def test_wrong_tries_of_an_address_slow_no_person_there() -> None:
    app = admitted(Front())
    assert (await tried(app, 11, authorization="Bearer wrong"))[-1] == "429"
    assert await tried(app, 1, **RIGHT_KEY, **{"x-who": "ann"}) == ["401"]


async def test_who_tries_too_often_under_a_name_is_told_so() -> None:
    app = admitted(Front())
    headers = {**RIGHT_KEY, "x-who": "ann@example.com"}
    await tried(app, 10, **headers)
    with pytest.raises(TooManyWrongKeys, match="under this name") as caught:
        await ask(app, headers=headers)
    assert caught.value.retry_after_s
    assert "ann" not in caught.value.message


async def test_without_keys_programs_of_this_machine_are_let_in() -> None:
    assert (await ask(admitted(OPEN), headers={"host": "127.0.0.1:8000"})).status == 201


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/health", "/ready"])
@pytest.mark.parametrize(
    "headers", [{"host": "evil.com"}, {"origin": "https://evil.com"}, {"origin": "null"}]
)
async def test_without_keys_nobody_else_is_let_in_anywhere(
    path: str, headers: dict[str, str]
) -> None:
    with pytest.raises(Forbidden):
        await ask(admitted(OPEN), path, headers=headers)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/health", "/ready"])
async def test_without_keys_what_came_through_a_reverse_proxy_is_let_in_only_if_allowed(
    path: str,
) -> None:
    headers = {"X-Forwarded-For": "203.0.113.7"}
    with pytest.raises(Forbidden):
        await ask(admitted(OPEN), path, headers=headers)
    app = Requests(Admission(noting(), OPEN, NO_ORIGINS, allow_forwarded=True))
    assert (await ask(app, path, headers=headers)).status == 201


async def test_with_keys_what_came_through_a_reverse_proxy_is_let_in() -> None:
    headers = {"x-forwarded-for": "203.0.113.7", "authorization": "Bearer client-secret"}
    assert (await ask(admitted(KEYS), headers=headers)).status == 201


async def test_without_keys_a_key_does_not_let_others_in() -> None:
    headers = {"authorization": "Bearer client-secret", "host": "rag.example.com"}
    with pytest.raises(Forbidden):
        await ask(admitted(OPEN), headers=headers)


async def test_without_keys_pages_that_the_operator_named_are_let_in() -> None:
    app = admitted(OPEN, frozenset({"https://chat.example.com"}))
    assert (await ask(app, headers={"origin": "https://chat.example.com"})).status == 201


class Refusing(Identities):
    """Knows nobody, and says why."""

    def __init__(self, error: Unauthorized) -> None:
        super().__init__(RING, HEADERS, Rules(()))
        self.error = error

    async def holder(self, _headers: Mapping[str, str]) -> Client:
        raise self.error.again()


async def tries(identities: Identities, wrong_keys: WrongKeys, count: int) -> list[type]:
    app = Requests(Admission(noting(), identities, NO_ORIGINS, wrong_keys=wrong_keys))
    seen = []
    for _ in range(count):
        with pytest.raises((Unauthorized, TooManyWrongKeys)) as caught:
            await ask(app, headers={"authorization": "Bearer x"})
        seen.append(caught.type)
    return seen


async def test_wrong_keys_and_tokens_are_tries_of_the_address() -> None:
    wrong_keys = WrongKeys()
    assert await tries(KEYS, wrong_keys, 10) == [Unauthorized] * 10
    assert await tries(Refusing(Unauthorized("No.")), wrong_keys, 1) == [TooManyWrongKeys]


async def test_a_token_out_of_its_time_is_a_try_of_its_person() -> None:
    wrong_keys = WrongKeys()
    of_ann = Refusing(Unauthorized("Late.", tried_by="ann@x.com"))
    of_address = Refusing(Unauthorized("Late.", tried_by="127.0.0.1"))
    assert await tries(of_ann, wrong_keys, 11) == [Unauthorized] * 10 + [TooManyWrongKeys]
    assert await tries(of_address, wrong_keys, 10) == [Unauthorized] * 10
    assert await tries(KEYS, wrong_keys, 1) == [Unauthorized]


async def test_a_front_end_that_names_nobody_tries_nothing() -> None:
    assert await tries(Refusing(NoPerson("Nobody.")), WrongKeys(), 12) == [NoPerson] * 12


async def test_the_log_names_the_key_of_a_front_end_that_names_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    front = Client("front", "1", people=PeopleHeaders("x-user"))

    class Keyed(Identities):
        async def holder(self, _headers: Mapping[str, str]) -> Client:
            return front

    identities = Keyed(RING, HEADERS, Rules(()))
    app = Requests(ErrorReplies(Admission(noting(), identities, NO_ORIGINS)))
    with caplog.at_level(logging.INFO, "proxy.access"):
        assert (await ask(app)).status == 401
    assert " key=front error=no_person" in caplog.text


# Paths


async def path_inside(path: str) -> str:
    answer: Answer = await ask(Paths(path_echo), path)
    inside: str = answer.json()
    return inside


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/models", "/models"),
        ("/models", "/models"),
        ("/models/", "/models"),
        ("//v1/models/", "/models"),
        ("/v1//models//", "/models"),
        ("/v1/v1/chat/completions", "/chat/completions"),
        ("//v1//v1//v1//chat/completions", "/chat/completions"),
        ("/v1/models/org/model-7b", "/models/org/model-7b"),
        ("/v1/models/v1/x", "/models/v1/x"),
        ("/models/v1", "/models/v1"),
        ("/v1/models/v1", "/models/v1"),
        ("/v1/health", "/health"),
        ("/v1", "/"),
        ("/v1/", "/"),
        ("/v1/v1", "/"),
        ("/", "/"),
        ("//", "/"),
        ("", "/"),
        ("/v10/models", "/v10/models"),
        ("/v1beta/v1/models", "/v1beta/v1/models"),
        ("/api/v1/models", "/api/v1/models"),
        ("/V1/models", "/V1/models"),
    ],
)
async def test_every_form_of_a_path_is_one_inside(path: str, expected: str) -> None:
    assert await path_inside(path) == expected


async def test_the_log_shows_the_path_that_was_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    line = await logged(caplog, Paths(noting()), path="//v1/models/")
    assert line.startswith("POST //v1/models/ ")


# Beyond HTTP


@pytest.mark.parametrize(
    "app",
    [Requests(path_echo), Admission(path_echo, KEYS, NO_ORIGINS), Paths(path_echo)],
    ids=lambda app: type(app).__name__,
)
async def test_what_is_not_http_passes_as_it_is(app: ASGIApp) -> None:
    assert await beyond_http(app) == {"type": "lifespan", "path": "//"}


class Known(Identities):
    """Whoever asks is Ann, to whom no rule opens anything."""

    def __init__(self) -> None:
        super().__init__(RING, HEADERS, Rules(()))

    async def holder(self, _headers: Mapping[str, str]) -> Client:
        return Client("front", "1", person=Person("ann"))


@pytest.mark.parametrize(("method", "path", "lines"), [("POST", "/chat", 1), ("GET", "/models", 0)])
async def test_the_records_name_a_person_whom_the_rules_refuse_an_answer(
    caplog: pytest.LogCaptureFixture, tmp_path: Path, method: str, path: str, lines: int
) -> None:
    people = PeopleInRecords(b"a secret", as_given=True)
    usage = Usage(UsageFile(tmp_path / "usage.jsonl"), UsageRecords(Prices(), {}, "llama"))
    inner = ErrorReplies(Admission(noting(), Known(), NO_ORIGINS))
    with caplog.at_level(logging.INFO, "proxy.access"):
        answer = await ask(Requests(inner, usage=usage, people=people), path, method=method)
    usage.file.close()
    assert answer.status == 403
    assert " key=front person=ann " in caplog.text
    written = usage.file.path.read_text() if usage.file.path.exists() else ""
    assert written.count('"person":"ann"') == lines
