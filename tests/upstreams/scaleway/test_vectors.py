from __future__ import annotations

import json
import struct
from base64 import b64decode, b64encode
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types import CreateEmbeddingResponse

from proxy.errors import BadReply, UpstreamError
from proxy.upstreams.http.status import Vendor
from proxy.upstreams.scaleway.vectors import Reading, read_embeddings, read_ranking
from tests.support.steps import MOST_BETWEEN_PAUSES, at_once, most_between_pauses
from tests.upstreams.json_documents import json_values, unhurried

VENDOR = Vendor("Scaleway", "the key", 5, "")
ASKED = {"model": "m", "input": ["one", "two"]}
ONE = {"model": "m", "input": "one"}
IN_BASE64 = {**ASKED, "encoding_format": "base64"}
USAGE = {"prompt_tokens": 2, "total_tokens": 2}
RANK = {"model": "m", "query": "one", "documents": ["one", "two"]}


def item(index: int, embedding: Any = (1.0, 0.5), **more: Any) -> Any:
    written = embedding if isinstance(embedding, str) else list(embedding)
    return {"object": "embedding", "index": index, "embedding": written, **more}


def reply(*items: Any, **more: Any) -> Any:
    return {"object": "list", "model": "m", "data": list(items), "usage": USAGE, **more}


def packed(*numbers: float) -> str:
    return b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def reading(document: Any, asked: Any = ASKED) -> Reading:
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    return at_once(read_embeddings(VENDOR, body, asked))


def read(document: Any, asked: Any = ASKED) -> Any:
    """What the client gets."""
    return orjson.loads(reading(document, asked).body)


def ranking(document: Any) -> Reading:
    return at_once(read_ranking(VENDOR, orjson.dumps(document), RANK))


@pytest.mark.parametrize(
    ("whole", "asked"),
    [
        (reply(item(1, more=[]), item(0), vendor={"more": [1, 2]}), ASKED),
        (reply(item(0, packed(1.0)), item(1, packed(2.0))), IN_BASE64),
    ],
)
def test_a_reply_in_openais_form_has_the_same_bytes(whole: Any, asked: Any) -> None:
    for body in (orjson.dumps(whole), json.dumps(whole, indent=2).encode()):
        told = reading(body, asked)
        assert told.body == body
        assert told.document["usage"] == USAGE


def test_numbers_become_base64_where_the_client_asks_for_it() -> None:
    told = read(reply(item(0, (1, 0.5)), item(1, (-2.5, 3e-2))), IN_BASE64)
    assert [each["embedding"] for each in told["data"]] == [packed(1.0, 0.5), packed(-2.5, 0.03)]


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1))
def test_base64_holds_each_number_exactly(numbers: list[float]) -> None:
    told = read(reply(item(0, numbers)), {**IN_BASE64, "input": "one"})
    written = b64decode(told["data"][0]["embedding"])
    assert list(struct.unpack(f"<{len(numbers)}f", written)) == numbers


def test_what_the_upstream_leaves_out_is_added_and_the_rest_stays() -> None:
    bare = {"data": [{"embedding": [1.5]}, {"embedding": [2], "index": 0}], "usage": {"x": 1}}
    told = read({**bare, "y": {"embedding": 3}})
    assert told == {
        "data": [
            {"object": "embedding", "index": 0, "embedding": [1.5]},
            {"object": "embedding", "index": 0, "embedding": [2]},
        ],
        "object": "list",
        "model": "m",
        "usage": {"x": 1, "prompt_tokens": 0, "total_tokens": 0},
        "y": {"embedding": 3},
    }
    CreateEmbeddingResponse.model_validate(told)


def test_a_text_that_looks_like_a_vector_is_none() -> None:
    told = read(reply(item(0), item(1), note='"embedding": [1, 2]', object=None))
    assert told["note"] == '"embedding": [1, 2]'


@pytest.mark.parametrize(
    ("given_input", "count"),
    [("one", 1), ([1, 2, 3], 1), (["one"], 1), (["one", "two"], 2), ([[1, 2], [3]], 2)],
)
def test_a_reply_has_a_vector_for_each_input(given_input: Any, count: int) -> None:
    asked = {"model": "m", "input": given_input}
    assert len(read(reply(*map(item, range(count))), asked)["data"]) == count
    for wrong in (count - 1, count + 1):
        with pytest.raises(BadReply):
            read(reply(*map(item, range(wrong))), asked)


@pytest.mark.parametrize(
    "vector",
    [
        *(b"null", b"7", b"{}", b'["a"]', b"[null]", b"[[1.0]]", b'[1.0, "a"]', b'"AAAAPw=="'),
        *(b"[1.0,]", b"[1.0 2.0]", b"[-]", b"[0x1]", b"[NaN]", b"[01]", b"[true, x]"),
        b"[" + b"9" * 400 + b"]",
    ],
)
def test_what_is_no_vector_is_refused(vector: bytes) -> None:
    body = b'{"data": [{"embedding": %b}, {"embedding": [1]}]}' % vector
    with pytest.raises(BadReply):
        read(body)


@pytest.mark.parametrize("text", ["not base64!", "\u00e9", 'a"b'])
def test_text_that_is_no_base64_is_refused(text: str) -> None:
    with pytest.raises(BadReply):
        read(reply(item(0, text), item(1, packed(1.0))), IN_BASE64)


@unhurried
@given(json_values(("embedding", "index", "object")), st.sampled_from([ASKED, IN_BASE64, ONE]))
def test_any_data_is_read_or_refused(data: Any, asked: Any) -> None:
    try:
        told = read({"data": data}, asked)
    except UpstreamError:
        return
    CreateEmbeddingResponse.model_validate(
        {**told, "data": [each | {"embedding": []} for each in told["data"]]}
    )


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    for each in (body, b'{"data": [{"embedding": [%b]}]}' % body):
        try:
            told = reading(each, ONE)
        except UpstreamError:
            continue
        orjson.loads(told.body)


def test_many_vectors_are_read_one_at_a_time() -> None:
    body = orjson.dumps(reply(*(item(n, [0.25] * 500) for n in range(200))))
    asked = {**IN_BASE64, "input": ["one"] * 200}
    assert most_between_pauses(read_embeddings(VENDOR, body, asked)) < MOST_BETWEEN_PAUSES
    pauses = sum(1 for _ in read_embeddings(VENDOR, body, asked))
    assert pauses == 2 * 200  # as each is taken out, and as it is read


def test_a_ranking_has_the_same_bytes() -> None:
    results = [{"index": 1, "relevance_score": 0.5}, {"index": 0, "relevance_score": 0}]
    told = ranking({"results": results, "usage": {"total_tokens": 3}})
    assert orjson.loads(told.body) == told.document


@pytest.mark.parametrize(
    "results",
    [
        None,
        {},
        [7],
        [{}],
        [{"index": 0}],
        [{"index": 0, "relevance_score": "high"}],
        [{"index": -1, "relevance_score": 1}],
        [{"index": 2, "relevance_score": 1}],
        [{"index": "0", "relevance_score": 1}],
    ],
)
def test_what_ranks_none_of_the_documents_is_refused(results: Any) -> None:
    with pytest.raises(BadReply):
        ranking({"results": results})
