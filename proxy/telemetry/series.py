"""The series that the proxy counts, each with its labels. This is all that `/metrics` can show."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

Kind = Literal["counter", "gauge", "highest", "histogram"]
"""Of a gauge, processes add up their values; of a `highest`, the highest of them counts."""

_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0)
_ROUNDS: Final = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


class Series(NamedTuple):
    name: str
    kind: Kind
    about: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    """The upper ends of a histogram's buckets, without that of the last one, which has none."""

    @property
    def is_gauge(self) -> bool:
        return self.kind in ("gauge", "highest")

    @property
    def numbers(self) -> int:
        """How many numbers it takes: of a histogram, one for each bucket, and the sum of all."""
        return len(self.buckets) + 2 if self.kind == "histogram" else 1


REQUESTS: Final = Series(
    "rag_proxy_requests_total",
    "counter",
    "Requests that are over.",
    ("route", "profile", "model", "status", "code", "cause", "key"),
)
ANSWER_SECONDS: Final = Series(
    "rag_proxy_answer_seconds",
    "histogram",
    "How long answers took that their clients got to the end.",
    ("route", "profile", "model"),
    _SECONDS,
)
FIRST_TOKEN_SECONDS: Final = Series(
    "rag_proxy_time_to_first_token_seconds",
    "histogram",
    "How long clients of streamed answers waited for the first word or call.",
    ("profile", "model"),
    _SECONDS,
)
TOKENS: Final = Series(
    "rag_proxy_tokens_total",
    "counter",
    "Tokens of the model, in all rounds.",
    ("kind", "model", "profile", "key"),
)
ROUNDS: Final = Series(
    "rag_proxy_rounds",
    "histogram",
    "How many rounds of the model answers took.",
    ("route", "profile", "model"),
    _ROUNDS,
)
SEARCHES: Final = Series(
    "rag_proxy_searches_total",
    "counter",
    "Searches and readings of documents.",
    ("tool", "cause"),
)
SEARCH_SECONDS: Final = Series(
    "rag_proxy_search_seconds",
    "histogram",
    "How long searches and readings took for which an upstream was asked.",
    ("tool",),
    _SECONDS,
)
UPSTREAM_REQUESTS: Final = Series(
    "rag_proxy_upstream_requests_total",
    "counter",
    "Requests to upstreams that are over, each attempt by itself.",
    ("upstream", "status", "cause"),
)
RETRIES: Final = Series(
    "rag_proxy_retries_total",
    "counter",
    "Requests to upstreams that failed and were sent again.",
    ("upstream", "cause"),
)
BREAKER_STATE: Final = Series(
    "rag_proxy_breaker_state",
    "highest",
    "Whether a circuit breaker lets requests through: 0 yes, 1 it tries one, 2 no.",
    ("kind", "name"),
)
QUEUE_SECONDS: Final = Series(
    "rag_proxy_queue_seconds",
    "histogram",
    "How long answers waited until the model could be asked, in all rounds.",
    (),
    _SECONDS,
)
QUEUE_LENGTH: Final = Series(
    "rag_proxy_queue_length", "gauge", "Rounds that wait until the model can be asked."
)
OPEN_STREAMS: Final = Series("rag_proxy_open_streams", "gauge", "Streamed answers that go on.")
CACHE: Final = Series(
    "rag_proxy_cache_total",
    "counter",
    "Searches and readings, by whether an equal one had brought the results already.",
    ("cache", "result"),
)

ALL: Final = (
    REQUESTS,
    ANSWER_SECONDS,
    FIRST_TOKEN_SECONDS,
    TOKENS,
    ROUNDS,
    SEARCHES,
    SEARCH_SECONDS,
    UPSTREAM_REQUESTS,
    RETRIES,
    BREAKER_STATE,
    QUEUE_SECONDS,
    QUEUE_LENGTH,
    OPEN_STREAMS,
    CACHE,
)
