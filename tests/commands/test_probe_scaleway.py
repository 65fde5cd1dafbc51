"""The steps against servers that misbehave; a faithful one is in test_check."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from proxy.commands.advice import Place
from proxy.commands.probe_scaleway import ScalewayProbe
from proxy.commands.probing import Finding, climb
from proxy.outward import make_upstreams
from proxy.settings import Settings
from proxy.state.memory_store import MemoryStore
from proxy.upstreams.http.outbound import Outbound
from tests.support.peers import refusing
from tests.support.server import serving

KEY = "scw-secret"
MODELS = {"object": "list", "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "x"}]}


def completion(**message: Any) -> dict[str, Any]:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", **message}}
    return {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}


@asynccontextmanager
async def probe_of(url: str, named: Sequence[str]) -> AsyncIterator[ScalewayProbe]:
    settings = Settings(scaleway_base_url=url, scaleway_api_key=KEY)
    async with aclosing(Outbound.of(settings, {})) as outbound:
        client = make_upstreams(settings, outbound, MemoryStore(0)).model
        yield ScalewayProbe(client, named, Place(url, "SCALEWAY_BASE_URL"))


async def try_with(
    models: Response, *completions: Response, named: Sequence[str] = ("m",)
) -> list[Finding]:
    """What is found of a server with these replies, the completions one after the other."""
    replies = iter(completions)

    async def list_models(_: Request) -> Response:
        return models

    async def complete(_: Request) -> Response:
        return next(replies)

    app = Starlette(
        routes=[
            Route("/v1/models", list_models),
            Route("/v1/chat/completions", complete, methods=["POST"]),
        ]
    )
    async with serving(app) as url, probe_of(f"{url}/v1", named) as probe:
        return [each async for each in climb(probe.steps())]


def failure(findings: list[Finding], *, after: int) -> str:
    """The detail of the one failure, which comes after so many good steps."""
    verdicts = [each.verdict for each in findings]
    assert verdicts == ["ok"] * after + ["FAIL"] + ["skipped"] * (4 - after)
    assert KEY not in findings[after].detail
    return findings[after].detail


async def test_a_server_that_is_not_there() -> None:
    url = f"{refusing()}/v1"
    async with probe_of(url, ["m"]) as probe:
        findings = [each async for each in climb(probe.steps())]
    assert failure(findings, after=0) == (
        f"Nothing listens at {url}: check SCALEWAY_BASE_URL, its port, and firewalls."
    )


@pytest.mark.parametrize("status", [401, 403])
async def test_a_key_that_is_refused(status: int) -> None:
    reply = JSONResponse({"status": status, "error": "NO", "message": f"not {KEY}."}, status)
    detail = failure(await try_with(reply), after=1)
    assert detail.startswith(f"HTTP {status}, not [key]. Check SCALEWAY_API_KEY")
    assert "SCW_DEFAULT_PROJECT_ID" in detail


async def test_an_address_of_something_else() -> None:
    detail = failure(await try_with(HTMLResponse("<h1>Welcome</h1>")), after=0)
    assert detail.startswith("Scaleway sent a reply that is not JSON. Check SCALEWAY_BASE_URL")
    moved = Response(status_code=308, headers={"location": "https://elsewhere.test/v1"})
    detail = failure(await try_with(moved), after=0)
    assert detail.startswith("Scaleway redirects to https://elsewhere.test/v1. ")
    assert "Check SCALEWAY_BASE_URL" in detail
    detail = failure(await try_with(HTMLResponse("<title>Nothing</title>", 404)), after=0)
    assert detail.startswith("HTTP 404, Nothing. Check SCALEWAY_BASE_URL")


async def test_a_model_that_is_not_served() -> None:
    detail = failure(await try_with(JSONResponse(MODELS), named=["m", "x", "y"]), after=2)
    assert detail.startswith("x, y is not served.")
    assert detail.endswith("one of: m.")


@pytest.mark.parametrize(
    ("reply", "advice"),
    [
        (
            JSONResponse({"error": "QUOTA", "message": "Too many."}, 429),
            "HTTP 429, Too many. The q",
        ),
        (JSONResponse({"error": {"message": "Down"}}, 500), "HTTP 500, Down. Try again later."),
        (Response(status_code=503), "HTTP 503. Try again later."),
        (JSONResponse({**completion(), "choices": []}), "the reply holds no answer."),
        (HTMLResponse("<h1>Welcome</h1>"), "Scaleway sent a reply that is not JSON. Check SCALEW"),
    ],
)
async def test_a_completion_that_fails(reply: Response, advice: str) -> None:
    assert failure(await try_with(JSONResponse(MODELS), reply), after=3).startswith(advice)


async def test_a_model_that_does_not_call_the_tool() -> None:
    answer = JSONResponse(completion(content="Noon.", tool_calls=[]))
    detail = failure(await try_with(JSONResponse(MODELS), answer, answer), after=4)
    assert detail.startswith("m did not call it.")


async def test_a_model_that_does() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "current_time", "arguments": "{}"}}
    findings = await try_with(
        JSONResponse(MODELS),
        JSONResponse(completion(content="Blue.")),
        JSONResponse(completion(content=None, tool_calls=[call])),
    )
    assert {each.verdict for each in findings} == {"ok"}
