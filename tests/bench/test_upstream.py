"""The scripted upstream: what it answers to what."""

import asyncio
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import orjson
import pytest

from bench import upstream
from bench.certificates import Certificates
from bench.checks import Expected, check_reply, check_stream
from bench.exchange import Ending, Exchange, read_reply
from bench.script import PASSAGES, Script, find_script, fingerprint, question
from bench.sockets import HOST, listen, port_of
from bench.subjects import post
from bench.upstream import last_question, serve, take_request

PATIENCE_S = 60.0
SCRIPT = Script(chunks=8)
TOOLS = [{"type": "function", "function": {"name": "lighton_search"}}]
CHAT = "/v1/chat/completions"
SEARCH = "/api/v3/search"


@pytest.fixture
async def port() -> AsyncIterator[int]:
    listener = listen()
    serving = asyncio.create_task(serve({listener: None}))
    yield port_of(listener)
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving


class Connection:
    """A kept connection to the upstream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, path: str, body: Any) -> Exchange:
        await self.send(path, body)
        return await self.hear()

    async def send(self, path: str, body: Any) -> None:
        self._writer.write(post(1, path, body))
        await self._writer.drain()

    async def hear(self) -> Exchange:
        exchange, ending = Exchange(b""), Ending()
        async with asyncio.timeout(PATIENCE_S):
            while True:
                data = await self._reader.read(65536)
                assert data
                exchange.reads.append((0.0, data))
                if ending.is_here(data):
                    return exchange

    async def hear_some(self) -> bytes:
        async with asyncio.timeout(PATIENCE_S):
            return await self._reader.read(65536)

    async def close(self) -> None:
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()


@pytest.fixture
async def connection(port: int) -> AsyncIterator[Connection]:
    connection = Connection(*await asyncio.open_connection(HOST, port))
    yield connection
    await connection.close()


def chat(script: Script, content: str | None = None, **more: Any) -> dict[str, Any]:
    text = content or question(script, 1)
    return {"model": script.model, "messages": [{"role": "user", "content": text}], **more}


def all_passages(but: int = 0) -> str:
    return " ".join(fingerprint(n) for n in range(1, PASSAGES + 1) if n != but)


async def counts(connection: Connection) -> dict[str, int]:
    counted: dict[str, int] = orjson.loads(
        read_reply(await connection.ask(upstream.COUNTS_PATH, {})).body
    )
    return counted


def message_of(exchange: Exchange) -> dict[str, Any]:
    message: dict[str, Any] = orjson.loads(read_reply(exchange).body)["choices"][0]["message"]
    return message


async def test_a_plain_request_is_answered(connection: Connection) -> None:
    check_reply(await connection.ask(CHAT, chat(SCRIPT)), Expected(SCRIPT, cited=False))


@pytest.mark.parametrize("script", [SCRIPT, Script(chunks=12, gap_s=0.001, first_s=0.002)])
async def test_a_streamed_request_is_answered_in_a_stream(
    connection: Connection, script: Script
) -> None:
    exchange = await connection.ask(CHAT, chat(script, stream=True))
    check_stream(exchange, Expected(script, cited=False))


async def test_a_request_with_the_tool_gets_a_call_with_its_own_question(
    connection: Connection,
) -> None:
    message = message_of(await connection.ask(CHAT, chat(SCRIPT, tools=TOOLS)))
    arguments = orjson.loads(message["tool_calls"][0]["function"]["arguments"])
    assert arguments["query"] == question(SCRIPT, 1)


async def test_a_streamed_call_comes_in_fragments(connection: Connection) -> None:
    exchange = await connection.ask(CHAT, chat(SCRIPT, tools=TOOLS, stream=True))
    events = read_reply(exchange).events()
    calls = [each for each in events if b'"tool_calls":[' in each.data]
    assert len(calls) == 7
    assert events[-1].data == b"[DONE]"


async def test_a_request_with_all_passages_gets_the_answer(connection: Connection) -> None:
    body = chat(SCRIPT, all_passages(), tools=TOOLS)
    check_reply(await connection.ask(CHAT, body), Expected(SCRIPT, cited=False))


async def test_a_request_that_lost_a_passage_gets_an_error(connection: Connection) -> None:
    body = chat(SCRIPT, all_passages(but=3), tools=TOOLS)
    assert read_reply(await connection.ask(CHAT, body)).status == 400


async def test_a_search_brings_five_passages(connection: Connection) -> None:
    reply = read_reply(await connection.ask(SEARCH, {"query": question(SCRIPT, 1)}))
    assert all(fingerprint(n).encode() in reply.body for n in range(1, PASSAGES + 1))


@pytest.mark.parametrize(
    ("path", "body"),
    [(CHAT, {"model": "gpt", "messages": []}), (SEARCH, {"query": "no script"})],
)
async def test_what_names_no_script_gets_an_error(
    connection: Connection, path: str, body: Any
) -> None:
    assert read_reply(await connection.ask(path, body)).status == 400


async def test_requests_are_counted_by_kind(connection: Connection) -> None:
    await connection.ask(CHAT, chat(SCRIPT))
    await connection.ask(CHAT, chat(SCRIPT, tools=TOOLS))
    await connection.ask(CHAT, chat(SCRIPT, tools=TOOLS))
    await connection.ask(SEARCH, {"query": question(SCRIPT, 1)})
    expected = {upstream.ANSWERS: 1, upstream.CALLS: 2, upstream.SEARCHES: 1}
    assert await counts(connection) == expected


async def test_a_held_answer_stops_after_its_first_chunk_until_it_is_released(
    connection: Connection, port: int
) -> None:
    script = Script(chunks=8, held=True)
    await connection.send(CHAT, chat(script, stream=True))
    first = await connection.hear_some()
    assert first.count(b"data: ") == 1
    other = Connection(*await asyncio.open_connection(HOST, port))
    await other.ask(upstream.RELEASE_PATH, {})
    await other.close()
    rest = await connection.hear()
    whole = Exchange(b"", reads=[(0.0, first), *rest.reads])
    check_stream(whole, Expected(script, cited=False))


async def test_a_client_that_leaves_disturbs_no_other(port: int, connection: Connection) -> None:
    leaver = Connection(*await asyncio.open_connection(HOST, port))
    await leaver.send(CHAT, chat(Script(chunks=50, gap_s=0.001), stream=True))
    await leaver.hear_some()
    await leaver.close()
    await test_a_streamed_request_is_answered_in_a_stream(connection, Script(50, gap_s=0.001))


async def test_over_tls_it_plays_the_same_and_counts_and_holds_for_both(
    certificates: Certificates,
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server, certificates.key)
    trusting = ssl.create_default_context(cafile=str(certificates.authority))
    listeners = {listen(): None, listen(): context}
    plain_port, secure_port = map(port_of, listeners)
    serving = asyncio.create_task(serve(listeners))
    plain = Connection(*await asyncio.open_connection(HOST, plain_port))
    secure = Connection(*await asyncio.open_connection(HOST, secure_port, ssl=trusting))
    await test_a_streamed_request_is_answered_in_a_stream(secure, Script(50, gap_s=0.001))
    await secure.send(CHAT, chat(Script(chunks=8, held=True), stream=True))
    assert (await secure.hear_some()).count(b"data: ") == 1
    assert (await counts(plain))[upstream.ANSWERS] == 2
    await plain.ask(upstream.RELEASE_PATH, {})
    assert (await secure.hear()).reads
    await plain.close()
    await secure.close()
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving


async def test_models_and_whatever_else_are_answered(connection: Connection) -> None:
    assert read_reply(await connection.ask("/health", {})).status == 200
    connection._writer.write(b"GET /v1/models HTTP/1.1\r\n\r\n")
    assert b"bench-103x5ms" in read_reply(await connection.hear()).body


def test_a_request_is_taken_once_it_is_whole_and_what_follows_is_left() -> None:
    raw = b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET"
    whole = len(raw) - len(b"GET")
    assert all(take_request(raw[:end]) is None for end in range(whole))
    taken = take_request(raw)
    assert taken is not None
    assert taken[1:] == (b"abc", b"GET")


def test_a_request_in_chunks_is_refused_rather_than_misread() -> None:
    with pytest.raises(ValueError, match="chunks"):
        take_request(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")


def test_the_last_question_counts_whatever_its_form() -> None:
    parts = [{"type": "text", "text": question(SCRIPT, 2)}]
    messages = [
        {"role": "user", "content": "earlier"},
        {"role": "user", "content": parts},
        {"role": "assistant", "content": "later"},
    ]
    assert find_script(last_question({"messages": messages})) == SCRIPT


def test_bench_runs_without_the_tools_of_the_tests() -> None:
    tools = {"hypothesis", "openai", "pytest", "respx", "trustme"}
    loaded = "import sys, bench.__main__, bench.upstream; print(*sys.modules)"
    done = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-c", loaded], check=True, capture_output=True, text=True, timeout=120
    )
    names = {name.partition(".")[0] for name in done.stdout.split()}
    assert "tests" in names
    assert not names & tools
