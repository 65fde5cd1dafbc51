import struct
from base64 import b64decode
from typing import Any

import pytest
from openai.types import CreateEmbeddingResponse

from proxy.sandbox.scaleway.embedding import embed, rank
from proxy.sandbox.scaleway.errors import Rejected
from proxy.sandbox.served import EMBEDDERS

QWEN, BGE = (each.id for each in EMBEDDERS)
DOCUMENTS = ["Our cat sleeps.", "The notice for the lease is three months.", "A lease is long."]


def rejected(document: Any) -> Rejected:
    with pytest.raises(Rejected) as caught:
        embed(document)
    return caught.value


@pytest.mark.parametrize("model", [QWEN, BGE])
def test_each_input_gets_a_vector_in_its_place(model: str) -> None:
    body = embed({"model": model, "input": ["one two", "three"]})
    reply = CreateEmbeddingResponse.model_validate(body)
    assert reply.model == model
    assert [each.index for each in reply.data] == [0, 1]
    assert reply.data[0].embedding != reply.data[1].embedding
    assert (reply.usage.prompt_tokens, reply.usage.total_tokens) == (3, 3)


def test_one_model_sends_base64_if_asked_and_the_other_ignores_it() -> None:
    short, long = (
        embed({"model": model, "input": "one", "encoding_format": "base64"})["data"][0]["embedding"]
        for model in (QWEN, BGE)
    )
    plain = embed({"model": QWEN, "input": "one"})["data"][0]["embedding"]
    assert list(struct.unpack(f"<{len(plain)}f", b64decode(short))) == plain
    assert isinstance(long, list)


def test_tokens_can_be_embedded_too() -> None:
    assert len(embed({"model": QWEN, "input": [1, 2]})["data"]) == 1
    assert len(embed({"model": QWEN, "input": [[1, 2], [3]]})["data"]) == 2


def test_documents_are_ranked_by_what_they_share_with_the_query() -> None:
    body = rank({"model": QWEN, "query": "notice for the lease", "documents": DOCUMENTS})
    assert [each["index"] for each in body["results"]] == [1, 2, 0]
    assert body["results"][0]["document"]["text"] == DOCUMENTS[1]
    scores = [each["relevance_score"] for each in body["results"]]
    assert scores == sorted(scores, reverse=True)
    assert body["usage"] == {"total_tokens": 19}


def test_only_the_best_come_where_a_number_is_given() -> None:
    asked = {"model": BGE, "query": "lease", "documents": DOCUMENTS, "top_n": 2}
    assert [each["index"] for each in rank(asked)["results"]] == [2, 1]


@pytest.mark.parametrize(
    ("document", "status"),
    [
        ({"input": "one"}, 422),
        ([], 422),
        ({"model": "llama-3.3-70b-instruct", "input": "one"}, 422),
        ({"model": QWEN}, 400),
        ({"model": QWEN, "input": ""}, 400),
        ({"model": QWEN, "input": []}, 400),
        ({"model": QWEN, "input": ["one", 2]}, 400),
        ({"model": QWEN, "input": "one", "dimensions": 8}, 400),
    ],
)
def test_what_cannot_be_embedded_is_refused(document: Any, status: int) -> None:
    assert rejected(document).status == status


def test_what_cannot_be_ranked_is_refused() -> None:
    with pytest.raises(Rejected):
        rank({"model": QWEN, "query": "lease"})
    with pytest.raises(Rejected):
        rank({"query": "lease", "documents": DOCUMENTS})
