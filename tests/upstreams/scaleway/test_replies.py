from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.fold import Fold
from proxy.core.gathering import CallRules
from proxy.core.reader import FailedTurnError, TurnReader
from proxy.core.tool_names import ToolNames
from proxy.core.turn import Owner
from proxy.core.wire import Chunk
from proxy.core.writer import CompletionWriter
from proxy.errors import (
    BadCredentials,
    BadReply,
    Overloaded,
    ProxyError,
    RateLimited,
    UpstreamError,
    UpstreamRejected,
    UpstreamTimeout,
)
from proxy.upstreams.http.status import Vendor
from proxy.upstreams.scaleway.replies import (
    CREDENTIALS,
    NAME,
    decode,
    is_finished,
    read_chunk,
    read_completion,
    read_error,
)
from tests.upstreams.json_documents import objects, spoiled, unhurried
from tests.upstreams.scaleway.samples import whole

VENDOR = Vendor(NAME, CREDENTIALS, 5, "upstream-secret")
Read = Callable[[Vendor, bytes], Chunk]


def chunk_of(document: Any) -> Chunk:
    return read_chunk(VENDOR, orjson.dumps(document))


def completion_of(document: Any) -> Chunk:
    return read_completion(VENDOR, orjson.dumps(document))


def with_delta(**delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}


def with_message(**message: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}


# Chunks


def test_a_chunk_of_the_schema_is_kept_whole() -> None:
    document = {
        "id": "1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "delta": {"role": "assistant", "content": "hi", "tool_calls": [], "vendor": 1},
                "logprobs": {
                    "content": [{"token": "hi", "logprob": -1, "bytes": None, "top_logprobs": []}],
                    "refusal": None,
                },
                "finish_reason": None,
                "stop_reason": None,
            }
        ],
        "usage": None,
    }
    assert chunk_of(document) == document


def test_the_model_is_the_one_that_the_upstream_reports() -> None:
    document = {"model": "mistral-small-3.2-24b-instruct-2506", **with_delta(content="hi")}
    assert chunk_of(document)["model"] == "mistral-small-3.2-24b-instruct-2506"


@pytest.mark.parametrize(
    "document",
    [
        {"choices": [], "usage": {"total_tokens": 3}},
        {"choices": None},
        {},
        {"choices": [{}]},
        {"choices": [{"delta": None}]},
        with_delta(content=None, tool_calls=None, refusal=None),
        with_delta(tool_calls=[{"index": 0}, {"id": None, "function": None}]),
        with_delta(tool_calls=[{"index": 0, "function": {"name": "f", "arguments": "{}"}}]),
    ],
)
def test_a_chunk_may_leave_out_everything(document: dict[str, Any]) -> None:
    assert chunk_of(document) == document


def test_reasoning_comes_under_the_name_that_clients_know() -> None:
    assert chunk_of(with_delta(reasoning="hm")) == with_delta(reasoning_content="hm")


@pytest.mark.parametrize(
    "document",
    [
        None,
        5,
        "data",
        [],
        {"choices": 5},
        {"choices": "none"},
        {"choices": {"0": {}}},
        {"choices": [5]},
        {"choices": [None]},
        {"choices": [], "usage": [1]},
        {"choices": [], "model": 5},
        {"choices": [{"delta": "hi"}]},
        {"choices": [{"delta": {}, "finish_reason": 5}]},
        {"choices": [{"delta": {}, "logprobs": [5]}]},
        {"choices": [{"delta": {}, "logprobs": {"content": 5}}]},
        with_delta(content=5),
        with_delta(content={"type": "text", "text": "hi"}),
        with_delta(reasoning=5),
        with_delta(reasoning_content={}),
        with_delta(refusal=5),
        with_delta(tool_calls=5),
        with_delta(tool_calls={}),
        with_delta(tool_calls=[5]),
        with_delta(tool_calls=[None]),
        with_delta(tool_calls=[{"index": []}]),
        with_delta(tool_calls=[{"index": "0"}]),
        with_delta(tool_calls=[{"id": 5}]),
        with_delta(tool_calls=[{"function": "f"}]),
        with_delta(tool_calls=[{"function": {"name": 5}}]),
    ],
)
def test_a_chunk_of_another_shape_is_a_bad_reply(document: Any) -> None:
    with pytest.raises(BadReply, match="Scaleway sent a reply of an unknown shape"):
        chunk_of(document)


@pytest.mark.parametrize("data", [b"", b"{", b"<html>", b'{"a": NaN}', b'"\xff"', b"[" * 2000])
@pytest.mark.parametrize("read", [read_chunk, read_completion])
def test_what_is_not_json_is_a_bad_reply(read: Read, data: bytes) -> None:
    with pytest.raises(BadReply, match="Scaleway sent a reply that is not JSON"):
        read(VENDOR, data)


@pytest.mark.parametrize(("read", "name"), [(read_chunk, b"delta"), (read_completion, b"message")])
def test_half_of_an_emoji_costs_one_character(read: Read, name: bytes) -> None:
    data = b'{"choices":[{"finish_reason":"stop","%b":{"content":"Hi \\ud83d"}}]}' % name
    (choice,) = read(VENDOR, data)["choices"]
    delta: Any = choice["delta"]
    assert delta == {"content": "Hi \N{REPLACEMENT CHARACTER}"}
    assert is_finished(data)


@pytest.mark.parametrize("read", [chunk_of, completion_of])
def test_content_in_parts_becomes_text(read: Callable[[Any], Any]) -> None:
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "a"},
        {"type": "text", "text": "b"},
    ]
    document = (with_delta if read is chunk_of else with_message)(content=parts)
    assert read(document)["choices"][0]["delta"] == {"content": "ab", "reasoning_content": "hm"}


def test_json_is_decoded() -> None:
    assert decode(b'{"data": [1]}') == {"data": [1]}


# Completions


def test_the_message_of_a_completion_becomes_the_delta_of_its_chunk() -> None:
    document = {"model": "m", "usage": {"total_tokens": 3}, **with_message(content="hi", vendor=1)}
    assert completion_of(document) == {
        "model": "m",
        "usage": {"total_tokens": 3},
        "choices": [{"index": 0, "finish_reason": "stop", "delta": {"content": "hi", "vendor": 1}}],
    }


def test_the_calls_of_a_completion_are_numbered_whatever_their_index_says() -> None:
    call = {"type": "function", "function": {"name": "f", "arguments": "{}"}}
    document = with_message(tool_calls=[{**call, "id": "a"}, {**call, "id": "b", "index": 7}])
    delta = completion_of(document)["choices"][0]["delta"]
    assert delta["tool_calls"] == [
        {**call, "id": "a", "index": 0},
        {**call, "id": "b", "index": 1},
    ]


def test_the_reasoning_of_a_completion_comes_under_the_name_that_clients_know() -> None:
    chunk = completion_of(with_message(content="hi", reasoning="hm"))
    assert chunk["choices"][0]["delta"] == {"content": "hi", "reasoning_content": "hm"}


@pytest.mark.parametrize(
    "document",
    [
        {"choices": 5},
        {"choices": True},
        {"choices": [5]},
        {"choices": [{}]},
        {"choices": [{"message": None}]},
        {"choices": [{"message": "hi"}]},
        {"choices": [{"delta": {"content": "hi"}}]},
        with_message(content=5),
        with_message(tool_calls=5),
        with_message(tool_calls=[5]),
        with_message(tool_calls=[{"id": 5}]),
        [with_message(content="hi")],
    ],
)
def test_a_completion_of_another_shape_is_a_bad_reply(document: Any) -> None:
    with pytest.raises(BadReply):
        completion_of(document)


# Errors in a reply that began with 200


@pytest.mark.parametrize("read", [chunk_of, completion_of])
@pytest.mark.parametrize(
    ("document", "expected", "message"),
    [
        ({"error": {"message": "Bad.", "code": 400}}, UpstreamRejected, "Bad."),
        ({"error": {"message": "Broken.", "code": 500}}, UpstreamError, "Broken."),
        ({"error": {"message": "Later.", "code": 503}}, Overloaded, "Later."),
        ({"error": {"message": "Slow.", "code": 504}}, UpstreamTimeout, "Slow."),
        ({"error": {"message": "Full.", "code": "rate_limit_exceeded"}}, RateLimited, "Full."),
        ({"error": {"message": "Bad.", "code": "invalid_request_error"}}, UpstreamRejected, "Bad."),
        ({"error": {"message": "Odd.", "code": 599}}, UpstreamError, "HTTP 599: Odd."),
        ({"error": {"message": "Odd.", "code": 600}}, UpstreamError, "HTTP 500: Odd."),
        ({"error": {"message": "Odd.", "code": 399}}, UpstreamError, "HTTP 500: Odd."),
        ({"error": {"message": "Odd.", "code": "no_such_code"}}, UpstreamError, "Odd."),
        ({"error": {"message": "Odd.", "code": None}}, UpstreamError, "Odd."),
        ({"error": {"message": "Odd.", "code": 200}}, UpstreamError, "Odd."),
        ({"error": {"message": "Odd.", "code": True}}, UpstreamError, "Odd."),
        ({"error": {"message": "Odd.", "code": {}}}, UpstreamError, "Odd."),
        ({"error": {"message": "Key.", "code": 403}}, BadCredentials, "credentials"),
        ({"object": "error", "message": "Full.", "code": 429}, RateLimited, "Full."),
        ({"object": "error", "message": "Odd."}, UpstreamError, "Odd."),
        ({"status": 429, "error": "INSUFFICIENT QUOTA"}, RateLimited, "INSUFFICIENT QUOTA"),
        (
            {"status": 429, "error": "INSUFFICIENT QUOTA", "message": "Too many."},
            RateLimited,
            "Too many.",
        ),
        ({"error": True}, UpstreamError, "failed"),
        ({"error": ["x"]}, UpstreamError, "failed"),
    ],
)
def test_an_error_inside_a_reply_is_an_error(
    read: Callable[[Any], Chunk], document: Any, expected: type[UpstreamError], message: str
) -> None:
    with pytest.raises(expected, match=message) as caught:
        read(document)
    assert type(caught.value) is expected
    assert not caught.value.is_refused  # the model had begun


def test_an_error_inside_a_reply_names_the_field_at_fault() -> None:
    with pytest.raises(UpstreamRejected) as caught:
        chunk_of({"error": {"message": "Bad.", "param": "stop", "code": 400}})
    assert caught.value.param == "stop"


def test_an_error_of_null_is_no_error() -> None:
    assert chunk_of({"error": None, "choices": []}) == {"choices": []}


@pytest.mark.parametrize("read", [read_chunk, read_completion])
def test_an_error_that_is_nested_too_deeply_to_be_written_is_still_an_error(read: Read) -> None:
    data = b'{"error": {"message": "Odd.", "details": ' + b"[" * 900 + b"]" * 900 + b"}}"
    with pytest.raises(UpstreamError, match=r"Odd\."):
        read(VENDOR, data)


def test_the_error_of_an_error_status_holds_message_field_and_time_to_wait() -> None:
    body = orjson.dumps({"error": {"message": "Slow down.", "param": "model"}})
    error = read_error(VENDOR, 429, body, {"retry-after": "9"})
    assert type(error) is RateLimited
    assert error.message == "Scaleway's quota is used up: Slow down."
    assert error.retry_after_s == 9
    assert error.is_refused
    assert read_error(VENDOR, 400, body, {}).param == "model"


# Anything at all

ERRORS = objects(message=st.text(), code=st.integers(395, 605) | st.text(), param=st.text())
FRAGMENTS = objects(
    index=st.integers(0, 3),
    id=st.text(max_size=45),
    function=objects(
        name=st.sampled_from(["ours", "theirs"]), arguments=st.sampled_from(["{", "}"])
    ),
)
DELTAS = objects(
    role=st.just("assistant"),
    content=st.text(),
    reasoning=st.text(),
    reasoning_content=st.text(),
    refusal=st.text(),
    tool_calls=st.lists(FRAGMENTS, max_size=2),
)
LOGPROBS = objects(content=st.lists(st.just({"token": "x"}), max_size=2), refusal=st.none())
FINISH_REASONS = st.sampled_from([None, None, "stop", "tool_calls", "length"])
USAGE = objects(total_tokens=st.integers(0, 9), prompt_tokens_details=objects())


def documents(part: str) -> st.SearchStrategy[Any]:
    """Chunks or completions, mostly good ones, and error bodies among them."""
    choice = st.fixed_dictionaries(
        {part: DELTAS, "finish_reason": FINISH_REASONS}, optional={"logprobs": LOGPROBS}
    )
    chunk = st.fixed_dictionaries(
        {"choices": st.lists(choice, min_size=1, max_size=2)},
        optional={
            "model": st.text(),
            "usage": USAGE,
            "service_tier": st.just("auto"),
            "system_fingerprint": st.text(),
            "event": st.text(),
        },
    )
    errors = objects(error=ERRORS, object=st.just("error"))
    return spoiled(chunk | chunk | chunk | errors, most=1)


def owner_of(name: str) -> Owner:
    return {"ours": Owner.HIDDEN, "theirs": Owner.CLIENT}.get(name, Owner.NOBODY)


@pytest.mark.parametrize(("read", "part"), [(read_chunk, "delta"), (read_completion, "message")])
@unhurried
@given(data=st.data())
def test_whatever_is_read_can_be_told_to_the_client_and_all_else_is_an_error(
    read: Read, part: str, data: st.DataObject
) -> None:
    own, client = frozenset({"ours"}), frozenset({"theirs"})
    names = ToolNames(own | client, own_in_text=own, client_in_text=client)
    reader = TurnReader(CallRules(owner_of, str, names), room=1_000)
    writer = CompletionWriter(id="1", created=1, model="m", include_usage=True)
    fold = Fold()
    writer.begin_round()
    last = {"choices": [{part: {}, "finish_reason": "stop"}]}
    with suppress(ProxyError, FailedTurnError):
        for document in [*data.draw(st.lists(documents(part), max_size=2)), last]:
            heard = reader.feed(read(VENDOR, orjson.dumps(document)))
            if heard and (told := writer.write(heard)):
                fold.add(whole(told))
        turn = reader.close()
        writer.end_round(turn)
        for chunk in writer.end(turn, annotations=[], extras={}):
            fold.add(chunk)
    orjson.dumps(fold.completion())


@unhurried
@given(st.binary(), st.integers(300, 599))
def test_any_error_body_is_an_error_of_the_upstream(body: bytes, status: int) -> None:
    assert read_error(VENDOR, status, body, {}).upstream == NAME
