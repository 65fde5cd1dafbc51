"""`rag-proxy ask` against a proxy that plays a script, and as a program of its own."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from proxy.app import create_app
from proxy.cli import INTERRUPTED, main
from proxy.commands.ask import base_url, key_in, sources
from proxy.errors import SettingsError
from proxy.settings import Settings
from tests.support.program import PATIENCE_S, Program, clean_environment, running
from tests.support.script import Round, delta_event, event, result, search_call
from tests.support.server import serving_in_thread
from tests.support.upstreams import Upstreams, searching_first

ODD = ("http://a..b", "http://\udcff", "http://x/\x01", "http://١٢٧.0.0.1", f"http://{'a' * 64}.b")
"""What an HTTP client takes for no address."""
KEY = "client-key-of-the-test-0123456789"
SEARCH = Round(calls=(search_call("leave"),), finish_reason="tool_calls")
ANSWER = Round("27 days [1].")
Printed = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """One without keys, in which an outbound proxy leads nowhere."""
    nowhere = {"HTTP_PROXY": "http://127.0.0.1:1", "http_proxy": "http://127.0.0.1:1"}
    kept = {name: value for name, value in clean_environment().items() if "OPENAI" not in name}
    monkeypatch.setattr(os, "environ", {**kept, **nowhere})


def proxy_of(upstreams: Upstreams, **more: Any) -> ASGIApp:
    given = Settings(
        lighton_base_url="https://lighton.test",
        lighton_api_key="lighton-secret",
        scaleway_base_url="https://scaleway.test/v1",
        scaleway_api_key="scaleway-secret",
        keep_warm_s=0,
        **more,
    )
    return create_app(given, upstreams.transport())


def asked(url: str, *more: str) -> int:
    return main(["ask", "How much leave?", "--url", url, *more])


def printed(capsys: Printed, app: ASGIApp, *more: str, code: int = 0, err: str = "") -> str:
    with serving_in_thread(app) as url:
        capsys.readouterr()
        assert asked(url, *more) == code
    shown = capsys.readouterr()
    assert shown.err == err
    return shown.out


def test_the_answer_is_followed_by_its_numbered_sources(capsys: Printed) -> None:
    found = result("a", "Leave is 27 days.", page_start=3, page_end=3)
    upstreams = Upstreams(searching_first(SEARCH, ANSWER), [found])
    text = printed(capsys, proxy_of(upstreams))
    assert text == "27 days [1].\n\n[1] Handbook  lighton://file/7#page=3, p. 3\n"
    assert upstreams.asked[0]["messages"][-1]["content"] == "How much leave?"


def test_an_answer_without_sources_is_the_answer_alone(capsys: Printed) -> None:
    assert printed(capsys, proxy_of(Upstreams([Round("Hi.\n")]))) == "Hi.\n"


def test_the_model_is_the_default_one_or_the_named_one(capsys: Printed) -> None:
    upstreams = Upstreams([Round("Hi."), Round("Hi.")])
    app = proxy_of(upstreams, default_model="usual", profiles={"hr": {"model": "big"}})
    with serving_in_thread(app) as url:
        assert asked(f"{url}/v1/") == 0
        assert asked(url, "--model", "hr") == 0
    assert [each["model"] for each in upstreams.asked] == ["usual", "big"]
    assert capsys.readouterr().err == ""


def test_a_question_that_is_no_utf_8_is_asked_as_far_as_it_is(capsys: Printed) -> None:
    upstreams = Upstreams(lambda _: Round("Hi."))
    with serving_in_thread(proxy_of(upstreams)) as url:
        assert main(["ask", "caf\udce9?", "--model", "m", "--url", url]) == 0
    assert capsys.readouterr().out == "Hi.\n"
    assert upstreams.asked[-1]["messages"][-1]["content"] == "caf??"


def test_a_refusal_is_told_in_the_servers_own_sentence(capsys: Printed) -> None:
    app = proxy_of(Upstreams(), profiles={"hr": {}})
    said = "rag-proxy: The model 'HR' does not exist. Did you mean the profile 'hr'?\n"
    assert printed(capsys, app, "--model", "HR", code=1, err=said) == ""


def test_the_key_is_that_of_the_proxy_before_that_of_openai(
    capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = proxy_of(Upstreams(lambda _: Round("Hi.")), api_keys=[KEY])
    with serving_in_thread(app) as url:
        assert asked(url) == 1
        said = capsys.readouterr().err
        assert said == f"rag-proxy: Set RAG_PROXY_API_KEY to your key for {url}/v1.\n"
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        assert asked(url) == 0
        monkeypatch.setenv("RAG_PROXY_API_KEY", "wrong")
        assert asked(url) == 1
        assert "The proxy does not know this API key." in capsys.readouterr().err
        monkeypatch.setenv("RAG_PROXY_API_KEY", f"{KEY}\n")
        assert asked(url) == 0


def test_an_error_in_the_middle_is_told_below_what_has_arrived(capsys: Printed) -> None:
    error = {"error": {"message": "It \x1b[2Jbroke off.", "type": "t", "param": None, "code": None}}
    app = streaming(delta_event({"content": "So far"}), event(error))
    said = "rag-proxy: It [2Jbroke off.\n"
    assert printed(capsys, app, code=1, err=said) == "So far\n"


def test_nothing_that_a_model_or_a_document_writes_controls_the_terminal(capsys: Printed) -> None:
    citation = {"n": 1, "title": "T\x1b]0;x\x07", "url": "http://u\x9b1m", "passages": []}
    report = {"choices": [], "lighton": {"citations": [citation]}}
    text = delta_event({"content": "A\x1b[31m\tb\r\n\x00é🦊"}, "stop")
    shown = printed(capsys, streaming(text, event(report)))
    assert shown == "A[31m\tb\né🦊\n\n[1] T]0;x  http://u1m\n"


def test_an_answer_that_was_cut_off_is_said_to_be_so(capsys: Printed) -> None:
    said = "rag-proxy: the answer was cut off (length)\n"
    app = proxy_of(Upstreams([Round("Half of", finish_reason="length")]))
    assert printed(capsys, app, err=said) == "Half of\n"


def test_nobody_there_is_one_sentence_that_says_what_to_do(capsys: Printed) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert asked(f"127.0.0.1:{port}") == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    assert line.startswith(f"rag-proxy: Cannot reach http://127.0.0.1:{port}/v1 (")
    assert "refused" in line
    assert "`rag-proxy serve`" in line


def test_a_connection_that_breaks_off_is_told_below_what_has_arrived(capsys: Printed) -> None:
    async def broken() -> Any:
        yield delta_event({"content": "So far"})
        raise OSError("gone")

    app = Starlette(routes=[Route("/v1/chat/completions", stream_of(broken), methods=["POST"])])
    with serving_in_thread(app) as url:
        assert asked(url) == 1
    shown = capsys.readouterr()
    assert shown.out == "So far\n"
    assert f"rag-proxy: The connection to {url}/v1 broke off.\n" in shown.err


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (PlainTextResponse("<html>"), "sent no whole answer. Is it a rag-proxy?"),
        (PlainTextResponse("<html>", 502), "answers with status 502."),
        (Response(b"[]", 404, media_type="application/json"), "answers with status 404."),
    ],
)
def test_a_server_that_is_no_proxy_is_not_taken_for_one(
    reply: Response, words: str, capsys: Printed
) -> None:
    async def answer(_: Request) -> Response:
        return reply

    app = Starlette(routes=[Route("/{path:path}", answer, methods=["POST"])])
    with serving_in_thread(app) as url:
        assert asked(url) == 1
        assert capsys.readouterr().err == f"rag-proxy: {url}/v1 {words}\n"


def streaming(*parts: bytes) -> ASGIApp:
    async def body() -> Any:
        for part in parts:
            yield part

    return Starlette(routes=[Route("/v1/chat/completions", stream_of(body), methods=["POST"])])


def stream_of(body: Callable[[], Any]) -> Callable[[Request], Any]:
    async def answer(_: Request) -> Response:
        return StreamingResponse(body(), media_type="text/event-stream")

    return answer


@pytest.fixture
def endless() -> Iterator[str]:
    """A server whose answers go on until the client has gone."""

    async def body() -> Any:
        while True:
            yield delta_event({"content": "Word by word.\n"})
            await asyncio.sleep(0)

    app = Starlette(routes=[Route("/v1/chat/completions", stream_of(body), methods=["POST"])])
    with serving_in_thread(app) as url:
        yield url


def test_ctrl_c_ends_it_quietly(endless: str, tmp_path: Path) -> None:
    with Program("ask", "Hm?", "--url", endless, cwd=tmp_path, measured=True) as program:
        program.out.until("Word by word")
        assert program.press_ctrl_c() == INTERRUPTED
        assert program.err.rest().strip() == ""


def test_it_ends_when_nobody_reads_on(endless: str, tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", "proxy", "ask", "Hm?", "--url", endless]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with running(command, cwd=tmp_path, env=clean_environment(), **pipes) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline() == "Word by word.\n"
        process.stdout.close()
        assert process.wait(PATIENCE_S) == 1
        assert process.stderr.read() == ""


@pytest.mark.parametrize(
    ("given_url", "base"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/v1"),
        ("http://127.0.0.1:8000/v1/", "http://127.0.0.1:8000/v1"),
        ("localhost:8000", "http://localhost:8000/v1"),
        ("https://rag.example.com/proxy", "https://rag.example.com/proxy/v1"),
        ("https://rag.example.com/proxy/v1", "https://rag.example.com/proxy/v1"),
        ("[::1]:8000", "http://[::1]:8000/v1"),
    ],
)
def test_an_address_may_have_the_version_or_not(given_url: str, base: str) -> None:
    assert base_url(given_url) == base


@pytest.mark.parametrize("wrong", ["", "ftp://x", "http://", "http://x:port", "http://[::1", *ODD])
def test_what_is_no_address_is_one_line_and_exit_code_2(wrong: str, capsys: Printed) -> None:
    assert asked(wrong) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "rag-proxy: --url: must be an address such as http://127.0.0.1:8000"


@given(st.text())
def test_any_text_is_an_address_or_is_refused(text: str) -> None:
    try:
        base = base_url(text)
        assert base.endswith("/v1")
        assert httpx.URL(base).host
    except SettingsError as error:
        assert "--url" in error.sentence  # noqa: PT017 - most texts are refused


@pytest.mark.parametrize("key", ["clé", "two\nlines", "tab\there"])
def test_a_key_that_no_header_can_hold_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(SettingsError, match="OPENAI_API_KEY: must be one line") as caught:
        key_in({"RAG_PROXY_API_KEY": " ", "OPENAI_API_KEY": key})
    assert key not in caught.value.sentence


@pytest.mark.parametrize(
    ("places", "told"),
    [
        ([], ""),
        ([(None, None)], ""),
        ([(3, None)], ", p. 3"),
        ([(7, 7), (3, 4), (7, 7), (None, None)], ", p. 3-4, 7"),
    ],
)
def test_the_pages_of_a_source_are_told_once_and_in_order(
    places: list[tuple[int | None, int | None]], told: str
) -> None:
    passages = [{"page_start": first, "page_end": last} for first, last in places]
    citation = {"n": 2, "title": "T", "url": "http://u", "passages": passages}
    assert list(sources({"citations": [citation]})) == ["", f"[2] T  http://u{told}"]
