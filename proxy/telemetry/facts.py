"""The facts of a request that is over. Its log line shows one such record."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal, Self

from proxy.access.clients import Client
from proxy.core.timeline import Timeline
from proxy.errors import ProxyError, UpstreamError
from proxy.telemetry.trail import Trail

Outcome = Literal["ok", "cut", "client_gone", "error", "unanswered"]


@dataclass(frozen=True, slots=True)
class AnswerFacts:
    """What became of the answer to a request, complete or not."""

    model: str
    """The profile or model that the client named; "" for the default."""
    answered_by: str
    """The model that the upstream says it used; "" if the upstream said nothing."""
    stream: bool
    rounds: int
    """How many rounds the model began."""
    searches: int
    """How many searches the proxy made for the answer, including those that failed."""
    tokens: int
    """The prompts' and completions' tokens in all rounds, as the upstream counts them."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated_tokens: int = 0
    """What those rounds cost, by estimate, for which the upstream has sent no count: for example
    because the client hung up."""
    cut_by: str = ""
    """The setting that ended the answer early; "" if none did."""
    failed_searches: int = 0
    search_causes: tuple[str, ...] = ()
    """Why searches failed: words of `UpstreamError.cause`, each once."""
    upstream_model: str = ""
    """The model that the proxy asked the upstream for, in the latest round."""
    fallback_from: str = ""
    """The model that could not answer, so that another one did; "" if none did."""
    retrieval: str = ""
    """The retrieval mode of the request; `search` or `file` for one that has no model."""
    reads: int = 0
    """How many of `searches` read a document instead."""
    failed_reads: int = 0
    """How many of `failed_searches` did."""
    cached_tokens: int = 0
    """How many of the prompts' tokens the upstream had in its cache."""
    uncounted_rounds: int = 0
    """Rounds whose tokens the upstream did not tell, for example because the client hung up."""
    cited: tuple[int | None, ...] = ()
    """The file of each source that the answer cites; None if it has no number."""
    timeline: Timeline = field(default_factory=Timeline)
    """What was done for it, and when. It goes on while the answer does."""
    has_model: bool = True
    """Whether a model, or a profile, answers at all: a search by itself has none."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The error that ended a request. No word holds a secret, so the log may show all of them."""

    error: str
    """OpenAI's code, or the type if there is no code."""
    upstream: str = ""
    """The upstream at fault; "" if none is."""
    cause: str = ""
    """A word of `UpstreamError.cause`."""
    said: str = ""
    """The reason that the upstream gave."""
    in_stream: bool = False
    """Whether the client got the error as a stream's last event, after the status 200."""

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
    """The address that it came from; "" if the server does not know it."""
    client: Client
    status: int
    """The reply's status; 0 if no reply began."""
    took_s: float
    answer: AnswerFacts | None = None
    """None if the request wanted no answer, or if the proxy refused it before it asked the model.
    """
    failure: Failure | None = None
    is_client_gone: bool = False
    """The client hung up before the reply was complete, or the proxy cut it off."""
    is_client_stalled: bool = False
    """The proxy cut it off, because it took nothing of what waited for it."""
    trail: Trail | None = None
    """What the answer rested on, if there is an audit and the proxy began to make one."""
    first_byte_s: float | None = None
    """The time to the first byte of the reply; None if no reply began."""
    route: str = ""
    """The path of a route whose requests count to limits, whatever form the client sent it in."""
    person: str = ""
    """The client's person as records name one: see `PeopleInRecords`. "" if it is none."""

    @property
    def first_token_s(self) -> float | None:
        """The time to the first that the client heard of a streamed answer; None if nothing."""
        timeline = None if self.answer is None else self.answer.timeline
        if timeline is None or timeline.first_heard_at is None:
            return None
        return timeline.first_heard_at - timeline.began

    @property
    def outcome(self) -> Outcome:
        """How the request ended, in one word.

        A failure comes before anything else: a client often hangs up because of one. `unanswered`
        is a request that ended without a reply, for example because its process was stopped.
        """
        if self.failure or self.status >= HTTPStatus.BAD_REQUEST:
            return "error"
        if self.is_client_gone:
            return "client_gone"
        if not self.status:
            return "unanswered"
        return "cut" if self.answer and self.answer.cut_by else "ok"
