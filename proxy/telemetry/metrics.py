"""Counts what requests were, from their facts, when they are over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from proxy.core.timeline import JobRun, ModelRound
from proxy.telemetry.board import Board
from proxy.telemetry.facts import AnswerFacts, Failure, RequestFacts
from proxy.telemetry.label_values import NONE, Values, codes
from proxy.telemetry.series import (
    ANSWER_SECONDS,
    CACHE,
    FIRST_TOKEN_SECONDS,
    QUEUE_SECONDS,
    REQUESTS,
    ROUNDS,
    SEARCH_SECONDS,
    SEARCHES,
    TOKENS,
)
from proxy.telemetry.usage_record import profile_of

MOST_MODELS: Final = 100
MOST_KEYS: Final = 1_000
_MOST_CAUSES: Final = 200
_NOT_ASKED: Final = frozenset({"queue_full", "queue_timeout", "circuit_open"})
"""Causes of a search that no upstream was asked for."""
_NO_FAILURE: Final = Failure("")


@dataclass(frozen=True, slots=True)
class Learnt:
    """The values of labels that turned out to be right. It outlives a change of settings."""

    models: Values = field(default_factory=lambda: Values(more=MOST_MODELS))
    keys: Values = field(default_factory=lambda: Values(more=MOST_KEYS))
    causes: Values = field(default_factory=lambda: Values(more=_MOST_CAUSES))


@dataclass(slots=True)
class Metrics:
    """Counts on a board. It knows which names may be labels."""

    board: Board
    route_of: Callable[[str], str]
    """The route of a path as the client sent it."""
    profiles: frozenset[str] = frozenset()
    default_model: str = ""
    models: frozenset[str] = frozenset()
    """The models that the settings name. Others are known once they have answered."""
    learnt: Learnt = field(default_factory=Learnt)
    _codes: Values = field(init=False)

    def __post_init__(self) -> None:
        self._codes = Values(codes())

    def note(self, facts: RequestFacts) -> None:
        """Count a request that is over."""
        answer = facts.answer
        profile = profile_of(facts, self.profiles, self.default_model)
        model = "" if answer is None else self._model(answer)
        key = self.learnt.keys.of(facts.client.name, is_right=True)
        failure = facts.failure or _NO_FAILURE
        route = self.route_of(facts.path)
        labels = (
            route,
            profile,
            model,
            str(facts.status) if facts.status else NONE,
            self._codes.of(failure.error),
            self._cause(failure.cause),
            key,
        )
        self.board.add(REQUESTS, labels)
        if answer is not None:
            if answer.has_model:
                self._answer(facts, answer, (route, profile, model))
                self._tokens(answer, (model, profile, key))
            for job in answer.timeline.jobs:
                if job.ended is not None:
                    self._job(job)

    def _model(self, answer: AnswerFacts) -> str:
        name = answer.upstream_model
        if name in self.models:
            return name
        has_answered = any(_is_well(each) for each in answer.timeline.rounds)
        return self.learnt.models.of(name, is_right=has_answered)

    def _cause(self, word: str) -> str:
        return self.learnt.causes.of(word, is_right=True) if word else ""

    def _answer(
        self, facts: RequestFacts, answer: AnswerFacts, labels: tuple[str, str, str]
    ) -> None:
        board = self.board
        if facts.outcome in ("ok", "cut"):
            board.observe(ANSWER_SECONDS, labels, facts.took_s)
            board.observe(ROUNDS, labels, answer.rounds)
        if (first_s := facts.first_token_s) is not None:
            board.observe(FIRST_TOKEN_SECONDS, labels[1:], first_s)
        board.observe(QUEUE_SECONDS, (), answer.timeline.queued_s)

    def _tokens(self, answer: AnswerFacts, labels: tuple[str, str, str]) -> None:
        for kind, count in (
            ("prompt", answer.prompt_tokens),
            ("completion", answer.completion_tokens),
            ("cached", answer.cached_tokens),
            ("estimated", answer.estimated_tokens),
        ):
            if count:
                self.board.add(TOKENS, (kind, *labels), count)

    def _job(self, job: JobRun) -> None:
        tool = job.job.tool
        self.board.add(SEARCHES, (tool, self._cause(job.cause)))
        if not job.cause:
            self.board.add(CACHE, ("search", "hit" if job.is_shared else "miss"))
        if not job.is_shared and job.cause not in _NOT_ASKED:
            self.board.observe(SEARCH_SECONDS, (tool,), job.took_s())


def _is_well(noted: ModelRound) -> bool:
    """Whether a round went well, as far as it came: a client may have hung up meanwhile."""
    return not noted.cause and (noted.ended is not None or noted.first_at is not None)
