"""The official Node client against the proxy, over real sockets.

Node runs as a child process: `node/drive.mjs` plays scenarios and prints what the client saw.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, Protocol

import pytest

from proxy.sandbox.faults import Faults
from proxy.sandbox.requestlog import Received
from tests.support.openai_assemble import assemble, assemble_reply
from tests.support.openai_schema import check_chunk, check_completion, check_model_list

DRIVER = Path(__file__).parent / "node" / "drive.mjs"
NODE = shutil.which("node")
INSTALLED = (DRIVER.parent / "node_modules" / "openai").is_dir()

pytestmark = pytest.mark.skipif(
    NODE is None or not INSTALLED,
    reason="needs Node and its client: npm ci --prefix tests/e2e/node",
)

MODEL = "llama-3.3-70b-instruct"
QUESTION = "How many days of paid leave do employees have?"
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


class Sandbox(Protocol):
    """The stand-ins that the proxy talks to, serving `documents/`."""

    url: str
    faults: Faults


def play(base_url: str, *scenarios: dict[str, Any]) -> list[Any]:
    """Play scenarios in one process, in order; `base_url` is given without /v1."""
    assert NODE is not None
    done = subprocess.run(  # noqa: S603 - our own script, and no shell
        [NODE, DRIVER, f"{base_url}/v1"],
        input=json.dumps(scenarios),
        env={},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    results: list[Any] = json.loads(done.stdout)
    return results


def drive(base_url: str, action: str, **scenario: Any) -> Any:
    (result,) = play(base_url, {"do": action, **scenario})
    return result


def asking(question: str, **body: Any) -> dict[str, Any]:
    return {"model": MODEL, "messages": [{"role": "user", "content": question}], **body}


def said(heard: dict[str, Any]) -> dict[str, Any]:
    """Return what must be the same in two answers to one question."""
    return {
        key: heard[key]
        for key in ("model", "role", "content", "annotations", "tool_calls", "finish_reason")
    }


def test_an_answer_is_cited_and_valid(proxy_url: str) -> None:
    seen = drive(proxy_url, "create", body=asking(QUESTION))
    body = seen["completion"]
    check_completion(body)
    message = body["choices"][0]["message"]
    assert "27 days" in message["content"]
    assert message["annotations"]
    assert body["lighton"]["searches"][0]["results"]
    assert seen["headers"]["x-request-id"]


def test_a_stream_and_the_stream_helper_say_the_same_as_a_plain_answer(proxy_url: str) -> None:
    plain, streamed, helped = play(
        proxy_url, *({"do": do, "body": asking(QUESTION)} for do in ("create", "stream", "helper"))
    )
    for chunk in streamed["chunks"]:
        check_chunk(chunk)
    expected = said(assemble_reply(plain["completion"]))
    assert said(assemble(streamed["chunks"])) == expected
    assert said(assemble_reply(helped["completion"])) == expected
    assert "".join(helped["events"]["content"]) == expected["content"]


def test_usage_comes_with_a_stream_that_asks_for_it(proxy_url: str) -> None:
    body = asking(QUESTION, stream_options={"include_usage": True})
    *chunks, last = drive(proxy_url, "stream", body=body)["chunks"]
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] > 0
    assert all(chunk["usage"] is None for chunk in chunks)


def test_models_are_listed_and_shown(proxy_url: str) -> None:
    listed, shown = play(proxy_url, {"do": "models"}, {"do": "model", "id": MODEL})
    check_model_list({"object": "list", "data": listed["models"]})
    assert shown["model"] in listed["models"]


@pytest.mark.parametrize("streamed", [False, True])
def test_the_agent_loop_of_the_client_runs_its_tool(proxy_url: str, *, streamed: bool) -> None:
    body = asking("Please call get_weather for Paris.", tools=[WEATHER], stream=streamed)
    seen = drive(proxy_url, "run_tools", body=body, results={"get_weather": "sunny, 21 degrees"})
    assert seen["calls"] == [{"name": "get_weather", "input": {"city": "Paris"}}]
    assert "sunny, 21 degrees" in seen["content"]


def test_a_search_beside_a_client_tool_stays_hidden(proxy_url: str, sandbox: Sandbox) -> None:
    sandbox.faults.requests.clear()
    question = "Search the days of paid leave, then call get_weather for Paris."
    seen = drive(proxy_url, "helper", body=asking(question, tools=[WEATHER]))
    choice = seen["completion"]["choices"][0]
    assert [call["function"]["name"] for call in choice["message"]["tool_calls"]] == ["get_weather"]
    assert choice["finish_reason"] == "tool_calls"
    assert [call["name"] for call in seen["events"]["finished_calls"]] == ["get_weather"]
    assert sandbox.faults.requests.all("lighton")


def test_an_unknown_model_is_a_not_found_error(proxy_url: str) -> None:
    body = asking(QUESTION, model="no-such-model")
    actions = ("create", "stream", "helper", "model")
    for seen in play(proxy_url, *({"do": do, "body": body, "id": body["model"]} for do in actions)):
        error = seen["error"]
        assert error["name"] == "NotFoundError"
        assert (error["status"], error["code"]) == (404, "model_not_found")
        assert body["model"] in error["message"]
        assert error["request_id"]


def test_a_field_at_fault_is_named(proxy_url: str) -> None:
    error = drive(proxy_url, "create", body=asking(QUESTION, lighton={"workspace": [1]}))["error"]
    assert error["name"] == "BadRequestError"
    assert error["type"] == "invalid_request_error"
    assert "workspace" in error["param"]


def test_a_quota_that_is_used_up_is_a_rate_limit_error(proxy_url: str, sandbox: Sandbox) -> None:
    sandbox.faults.add("scaleway", path="/chat/completions", status=429, shape=3, times=0)
    error = drive(proxy_url, "create", body=asking(QUESTION))["error"]
    assert error["name"] == "RateLimitError"
    assert int(error["headers"]["retry-after"]) > 0


def test_an_error_in_mid_stream_reaches_the_client(proxy_url: str, sandbox: Sandbox) -> None:
    sandbox.faults.add(
        "scaleway",
        path="/chat/completions",
        after_chunks=6,
        # Text and error must not arrive together, or the proxy can still answer with a status.
        chunk_delay_s=0.2,
        error_in_stream=True,
    )
    seen = drive(proxy_url, "stream", body=asking("hello", lighton={"retrieval": "off"}))
    assert assemble(seen["chunks"])["content"]
    assert seen["error"]["name"] == "APIError"
    assert seen["error"]["message"]


def test_a_stream_that_is_cut_off_is_not_taken_for_an_answer(
    proxy_url: str, sandbox: Sandbox
) -> None:
    sandbox.faults.add("scaleway", path="/chat/completions", after_chunks=6, disconnect=True)
    seen = drive(proxy_url, "helper", body=asking("hello", lighton={"retrieval": "off"}))
    assert seen["error"]["name"] == "APIError"


def test_hanging_up_ends_the_request_upstream(proxy_url: str, sandbox: Sandbox) -> None:
    sandbox.faults.requests.clear()
    sandbox.faults.add("scaleway", path="/chat/completions", after_chunks=6, hang=True)
    body = asking("hello", lighton={"retrieval": "off"})
    seen = drive(proxy_url, "abort", body=body, after=3)
    assert seen["aborted"]
    assert sandbox.faults.requests.wait_for(_hung_up)


def _hung_up(requests: list[Received]) -> bool:
    return any(
        request.path.endswith("/chat/completions") and request.outcome == "hung_up"
        for request in requests
    )


def test_the_client_works_against_the_stand_in_itself(sandbox: Sandbox) -> None:
    body = asking("hello")
    plain, helped, listed = play(
        sandbox.url,
        {"do": "create", "body": body},
        {"do": "helper", "body": body},
        {"do": "models"},
    )
    expected = said(assemble_reply(plain["completion"]))
    assert said(assemble_reply(helped["completion"])) == expected
    assert MODEL in [model["id"] for model in listed["models"]]
