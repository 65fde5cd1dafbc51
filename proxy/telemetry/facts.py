"""What a request turned out to be: one record for each, which the log line is written from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from proxy.access.clients import Client
from proxy.errors import ProxyError, UpstreamError


@dataclass(frozen=True, slots=True)
class AnswerFacts:
    """What became of the answer that a request asked for, whether or not it came to its end."""

    model: str
    """A profile or a model, as the client named it; "" for the default."""
    answered_by: str
    """The model, as its upstream reports it; "" if nothing was heard of it."""
    stream: bool
    rounds: int
    """Model rounds that were begun."""
    searches: int
    """Searches that were made for it, failed ones too."""
    tokens: int
    """Of prompts and completions in all rounds, as the upstream counts them."""
    cut_by: str = ""
    """The setting that ended it early; "" if none did."""
    failed_searches: int = 0
    search_causes: tuple[str, ...] = ()
    """Why searches failed, each word once: those of `UpstreamError.cause`."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The error that a request ended with. All words are fit for a log: none holds a secret."""

    error: str
    """OpenAI's code, or the type where there is no code."""
    upstream: str = ""
    """The upstream at fault; "" if it is none's."""
    cause: str = ""
    """Why: a word of `UpstreamError.cause`."""
    said: str = ""
    """What the upstream gave as its reason."""
    in_stream: bool = False
    """Whether it was told as a stream's last event, after the status 200."""

    @classmethod
    def of(cls, error: ProxyError, *, in_stream: bool = False) -> Self:
        name = error.code or error.type
        if not isinstance(error, UpstreamError):
            return cls(name, in_stream=in_stream)
        return cls(name, error.upstream, error.cause, error.said, in_stream)


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """One request, when it is over."""

    request_id: str
    method: str
    path: str
    """As the client sent it, without the query."""
    address: str
    """Where it came from; "" if that is not known."""
    client: Client
    status: int
    """The reply's; 0 if none has begun."""
    took_s: float
    answer: AnswerFacts | None = None
    """None for a request that asked for none, or that was refused before anybody was asked."""
    failure: Failure | None = None
    is_client_gone: bool = False
    """The client hung up before the reply was complete."""
