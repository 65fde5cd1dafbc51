from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.wire import Chunk, Delta
from proxy.upstreams.scaleway.quirks import Fault, fit_chunk, fit_request, read_fault
from tests.upstreams.json_documents import json_values, unhurried

LLAMA = "llama-3.3-70b-instruct"
MISTRAL = "mistral-small-3.2-24b-instruct-2506"
LONG_ID = "chatcmpl-tool-0123456789abcdef0123456789abcdef"


def message(role: str, content: Any = "x", **more: Any) -> Any:
    return {"role": role, "content": content, **more}


def calling(*ids: str) -> Any:
    function = {"name": "f", "arguments": "{}"}
    calls = [{"id": each, "type": "function", "function": function} for each in ids]
    return message("assistant", None, tool_calls=calls)


# Parameters


def test_listed_parameters_are_dropped_and_all_others_stay() -> None:
    body: Any = {
        "model": LLAMA,
        "messages": [message("user")],
        "n": 1,
        "user": "u",
        "temperature": 0.5,
        "max_completion_tokens": 7,
        "unheard_of": {"a": [1]},
    }
    assert fit_request(body, frozenset({"n", "user", "logit_bias"})) == {
        "model": LLAMA,
        "messages": [message("user")],
        "temperature": 0.5,
        "max_completion_tokens": 7,
        "unheard_of": {"a": [1]},
    }


@pytest.mark.parametrize("model", [LLAMA, MISTRAL])
def test_the_request_itself_is_left_alone(model: str) -> None:
    body: Any = {
        "model": model,
        "messages": [
            message("user", name="ann"),
            message("user"),
            message("developer"),
            calling(LONG_ID),
            message("tool", tool_call_id=LONG_ID),
        ],
        "n": 1,
    }
    before = orjson.dumps(body)
    fit_request(body, frozenset({"n"}))
    assert orjson.dumps(body) == before


# Reasoning


@pytest.mark.parametrize(
    ("delta", "expected"),
    [
        ({"reasoning": "hm"}, {"reasoning_content": "hm"}),
        ({"reasoning_content": "hm"}, {"reasoning_content": "hm"}),
        ({"reasoning": "hm", "reasoning_content": None}, {"reasoning_content": "hm"}),
        ({"reasoning": "hm", "reasoning_content": "hm"}, {"reasoning_content": "hm"}),
        ({"reasoning": None, "reasoning_content": "hm"}, {"reasoning_content": "hm"}),
        ({"reasoning": None}, {"reasoning_content": None}),
        ({"content": "yes"}, {"content": "yes"}),
    ],
)
def test_reasoning_has_one_name(delta: Delta, expected: Delta) -> None:
    assert fit_chunk({"choices": [{"delta": delta}]}) == {"choices": [{"delta": expected}]}


@pytest.mark.parametrize("chunk", [{}, {"choices": None}, {"choices": []}, {"choices": [{}]}])
def test_a_chunk_without_a_delta_stays_as_it_is(chunk: Chunk) -> None:
    assert fit_chunk(chunk.copy()) == chunk


# Errors


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            {"error": {"message": "No.", "type": "t", "param": "stop", "code": 400}},
            Fault("No.", "stop"),
        ),
        (
            {"object": "error", "message": "No.", "type": "t", "param": None, "code": 400},
            Fault("No."),
        ),
        (
            {"status": 429, "error": "INSUFFICIENT QUOTA", "message": "Too many at once."},
            Fault("Too many at once."),
        ),
        ({"status": 429, "error": "INSUFFICIENT QUOTA"}, Fault("INSUFFICIENT QUOTA")),
        (
            [
                {"loc": ["body", "tools", 0, "type"], "msg": "Field required", "type": "missing"},
                {"loc": ["body", "stop"], "msg": "Bad stop", "type": "value_error"},
            ],
            Fault("tools.0.type: Field required; stop: Bad stop", "tools.0.type"),
        ),
        (
            {"detail": [{"loc": ["body"], "msg": "Bad JSON", "type": "json_invalid"}]},
            Fault("Bad JSON"),
        ),
    ],
)
def test_the_shapes_of_scaleways_errors_are_understood(document: Any, expected: Fault) -> None:
    assert read_fault(orjson.dumps(document)) == expected


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html><head><TITLE>\n502 Bad Gateway </TITLE></head></html>", "502 Bad Gateway"),
        (b"<html><body>no title</body></html>", ""),
        (b"<title>\xff</title>", "\N{REPLACEMENT CHARACTER}"),
        (b"upstream connect error", ""),
        (b"", ""),
        (b"null", ""),
        (b"[]", ""),
        (b"{}", ""),
        (b'["no"]', ""),
        (b'{"error": {}}', ""),
        (b'{"error": {"message": 5, "param": 6}}', ""),
        (b'[{"loc": 5, "msg": null}]', ""),
    ],
)
def test_the_message_of_any_other_body_is_what_can_be_made_of_it(body: bytes, message: str) -> None:
    assert read_fault(body) == Fault(message)


@unhurried
@given(json_values(keys=("error", "message", "detail", "loc", "msg", "param", "object")))
def test_any_error_body_can_be_read(document: Any) -> None:
    fault = read_fault(orjson.dumps(document))
    assert isinstance(fault.message, str)
    assert fault.param is None or isinstance(fault.param, str)


@unhurried
@given(st.binary())
def test_any_bytes_can_be_read_as_an_error_body(body: bytes) -> None:
    assert isinstance(read_fault(body).message, str)


def test_of_a_huge_error_page_only_the_beginning_is_looked_at() -> None:
    assert read_fault(b"<title>Bad gateway</title>" + b"<title" * 50_000) == Fault("Bad gateway")
    assert read_fault(b"<title" * 50_000 + b"<title>Bad gateway</title>") == Fault("")


def test_a_title_has_no_attributes_of_any_length() -> None:
    assert read_fault(b"<title " + b"x" * 199 + b">Found</title>") == Fault("Found")
    assert read_fault(b"<title " + b"x" * 200 + b">Found</title>") == Fault("")
