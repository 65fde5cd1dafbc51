from __future__ import annotations

import struct
from base64 import b64decode, b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types import CreateEmbeddingResponse

from proxy.errors import BadReply
from proxy.upstreams.scaleway.vectors import read_embeddings, read_ranking
from tests.upstreams.json_documents import json_values, unhurried

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


def test_a_reply_in_openais_form_is_the_same_object() -> None:
    whole = reply(item(1, more=[]), item(0), vendor="more")
    assert read_embeddings(whole, ASKED) is whole
    short = reply(item(0, packed(1.0)), item(1, packed(2.0)))
    assert read_embeddings(short, IN_BASE64) is short


def test_numbers_become_base64_where_the_client_asks_for_it() -> None:
    read: Any = read_embeddings(reply(item(0, (1, 0.5)), item(1, (-2.5, 3.0))), IN_BASE64)
    assert [each["embedding"] for each in read["data"]] == [packed(1.0, 0.5), packed(-2.5, 3.0)]


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1))
def test_base64_holds_each_number_exactly(numbers: list[float]) -> None:
    asked = {**IN_BASE64, "input": "one"}
    read: Any = read_embeddings(reply(item(0, numbers)), asked)
    written = b64decode(read["data"][0]["embedding"])
    assert list(struct.unpack(f"<{len(numbers)}f", written)) == numbers


def test_what_the_upstream_leaves_out_is_added_and_the_rest_stays() -> None:
    bare = {"data": [{"embedding": [1]}, {"embedding": [2], "index": 0}], "usage": {"x": 1}, "y": 2}
    read: Any = read_embeddings(bare, ASKED)
    assert [each["index"] for each in read["data"]] == [0, 0]
    assert read["usage"] == {"x": 1, "prompt_tokens": 0, "total_tokens": 0}
    assert read["y"] == 2
    CreateEmbeddingResponse.model_validate(read)


@pytest.mark.parametrize(
    ("given_input", "count"),
    [("one", 1), ([1, 2, 3], 1), (["one"], 1), (["one", "two"], 2), ([[1, 2], [3]], 2)],
)
def test_a_reply_has_a_vector_for_each_input(given_input: Any, count: int) -> None:
    asked = {"model": "m", "input": given_input}
    assert read_embeddings(reply(*map(item, range(count))), asked)
    for wrong in (count - 1, count + 1):
        with pytest.raises(BadReply):
            read_embeddings(reply(*map(item, range(wrong))), asked)


@pytest.mark.parametrize("vector", [None, 7, {}, ["a"], [None], [[1.0]], [1.0, "a"], "AAAAPw=="])
def test_what_is_no_vector_is_refused(vector: Any) -> None:
    broken = {"object": "embedding", "index": 0, "embedding": vector}
    with pytest.raises(BadReply):
        read_embeddings(reply(broken, item(1)), ASKED)


@unhurried
@given(
    json_values(("embedding", "index", "object")),
    st.sampled_from([ASKED, IN_BASE64, {"model": "m", "input": "one"}]),
)
def test_any_data_is_read_or_refused(data: Any, asked: Any) -> None:
    try:
        read = read_embeddings({"data": data}, asked)
    except BadReply:
        return
    assert isinstance(read["data"], list)


def test_a_ranking_is_the_same_object() -> None:
    whole: Any = {
        "results": [{"index": 1, "relevance_score": 0.5}, {"index": 0, "relevance_score": 0}]
    }
    assert read_ranking(whole, RANK) is whole


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
        read_ranking({"results": results}, RANK)
