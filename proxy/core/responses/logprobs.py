"""The probabilities of tokens as Responses has them: all fields are there, and none is null."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from proxy.core.wire import TokenLogprob


def fit(tokens: Iterable[TokenLogprob]) -> list[TokenLogprob]:
    """The tokens of a chat chunk. One without text or probability is left out: none has a use."""
    return [cast("TokenLogprob", each) for each in _fit(tokens)]


def _fit(tokens: Iterable[Mapping[str, object]]) -> Iterator[dict[str, object]]:
    for token in tokens:
        if (known := _token(token)) is not None:
            others = token.get("top_logprobs")
            most = others if isinstance(others, list) else []
            yield {**known, "top_logprobs": [each for each in map(_token, most) if each]}


def _token(token: object) -> dict[str, object] | None:
    if not isinstance(token, dict):
        return None
    text, logprob, written = token.get("token"), token.get("logprob"), token.get("bytes")
    if not isinstance(text, str) or not isinstance(logprob, (int, float)):
        return None
    return {"token": text, "bytes": written or [], "logprob": logprob}
