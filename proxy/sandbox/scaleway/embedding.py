"""The Scaleway stand-in's embeddings and rankings: requests in, reply bodies out.

Sources: "Using Embeddings API" and "How to query reranking models" of Scaleway's documentation of
its Generative APIs. It lists `encoding_format` and `dimensions` as unsupported, but newer models
run on a server that knows the first: so one stand-in ignores it, and the other one does not.
"""

import uuid
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from proxy.sandbox.scaleway import tokens
from proxy.sandbox.scaleway.errors import Rejected, by_gateway, by_schema, error_body
from proxy.sandbox.scaleway.vectors import Vector, in_base64, likeness, vector_of
from proxy.sandbox.served import ServedEmbedder, find_embedder

Text = Annotated[str, Field(min_length=1)]
Tokens = Annotated[list[int], Field(min_length=1)]


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow", strict=True)


class EmbeddingRequest(_Request):
    input: Text | Tokens | Annotated[list[Text] | list[Tokens], Field(min_length=1)]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: int | None = None

    @property
    def texts(self) -> list[str]:
        """What to embed. The stand-in's tokens have no text, so their numbers count as words."""
        given = self.input
        if isinstance(given, str) or isinstance(given[0], int):
            return [_text(given)]
        return list(map(_text, given))


class RankingRequest(_Request):
    query: str
    documents: list[str]
    top_n: int | None = Field(None, ge=1)


def embed(document: Any) -> dict[str, Any]:
    """The body of the reply to an embedding request. Raises `Rejected`."""
    embedder = _embedder_of(document)
    try:
        request = EmbeddingRequest.model_validate(document)
    except ValidationError as error:
        raise by_schema(error) from None
    if request.dimensions is not None:
        what = f"Model {embedder.id} does not support matryoshka representation."
        raise Rejected(400, error_body(1, 400, what))
    is_short = request.encoding_format == "base64" and embedder.knows_base64
    vectors = [vector_of(text, embedder.dimensions) for text in request.texts]
    used = sum(map(tokens.count, request.texts))
    return {
        "id": f"embd-{uuid.uuid4().hex}",
        "object": "list",
        "created": 1_700_000_000,
        "model": embedder.id,
        "data": [_item(place, vector, is_short) for place, vector in enumerate(vectors)],
        "usage": {
            "prompt_tokens": used,
            "total_tokens": used,
            "completion_tokens": 0,
            "prompt_tokens_details": None,
        },
    }


def rank(document: Any) -> dict[str, Any]:
    """The body of the reply to a ranking request. Raises `Rejected`."""
    embedder = _embedder_of(document)
    try:
        request = RankingRequest.model_validate(document)
    except ValidationError as error:
        raise by_schema(error) from None
    asked = vector_of(request.query, embedder.dimensions)
    scores = [likeness(asked, vector_of(each, embedder.dimensions)) for each in request.documents]
    best = sorted(range(len(scores)), key=lambda place: (-scores[place], place))
    return {
        "id": f"rerank-{uuid.uuid4().hex}",
        "model": embedder.id,
        "usage": {"total_tokens": sum(map(tokens.count, [request.query, *request.documents]))},
        "results": [
            {
                "index": place,
                "document": {"text": request.documents[place], "multi_modal": None},
                "relevance_score": scores[place],
            }
            for place in best[: request.top_n]
        ],
    }


def _embedder_of(document: Any) -> ServedEmbedder:
    name = document.get("model") if isinstance(document, dict) else None
    if not name:
        raise by_gateway(422, "MISSING MODEL", "The model key is missing from the request payload.")
    embedder = find_embedder(name) if isinstance(name, str) else None
    if embedder is None:
        raise by_gateway(422, "MODEL NOT FOUND", f"The model {name} does not exist.")
    return embedder


def _item(place: int, vector: Vector, is_short: bool) -> dict[str, Any]:  # noqa: FBT001  # of a request
    embedding = in_base64(vector) if is_short else vector
    return {"index": place, "object": "embedding", "embedding": embedding}


def _text(given: Any) -> str:
    return given if isinstance(given, str) else " ".join(map(str, given))
