"""OpenAI's own client embeds texts through the proxy, before a real sandbox."""

from __future__ import annotations

import httpx
import pytest
from openai import NotFoundError, OpenAI

from proxy.sandbox.served import EMBEDDERS
from tests.support.program import PATIENCE_S

TEXTS = ["The notice for the lease is three months.", "Our cat sleeps all day."]


@pytest.mark.parametrize("model", [each.id for each in EMBEDDERS])
def test_openai_python_gets_the_same_vectors_in_both_forms(proxy_url: str, model: str) -> None:
    """Without an encoding it asks for base64, which one of the models does not know."""
    with OpenAI(base_url=f"{proxy_url}/v1", api_key="none", max_retries=0) as client:
        short = client.embeddings.create(model=model, input=TEXTS)
        plain = client.embeddings.create(model=model, input=TEXTS, encoding_format="float")
    assert [each.embedding for each in short.data] == [each.embedding for each in plain.data]
    assert short.model == model
    assert short.usage.total_tokens == 13


@pytest.mark.parametrize("model", [each.id for each in EMBEDDERS])
def test_base64_comes_where_it_was_asked_for_whatever_the_model_knows(
    proxy_url: str, model: str
) -> None:
    """openai-node decodes what it gets, and would take numbers for bytes."""
    document = {"model": model, "input": TEXTS, "encoding_format": "base64"}
    reply = httpx.post(f"{proxy_url}/v1/embeddings", json=document, timeout=PATIENCE_S).json()
    assert all(isinstance(each["embedding"], str) for each in reply["data"])


def test_documents_are_ranked(proxy_url: str) -> None:
    document = {"model": EMBEDDERS[0].id, "query": "cat", "documents": TEXTS, "top_n": 1}
    reply = httpx.post(f"{proxy_url}/v1/rerank", json=document, timeout=PATIENCE_S)
    (best,) = reply.raise_for_status().json()["results"]
    assert (best["index"], best["document"]["text"]) == (1, TEXTS[1])


def test_a_model_that_is_not_there_is_not_found(proxy_url: str) -> None:
    client = OpenAI(base_url=f"{proxy_url}/v1", api_key="none", max_retries=0)
    with client, pytest.raises(NotFoundError, match="text-embedding-3-small"):
        client.embeddings.create(model="text-embedding-3-small", input=TEXTS)
