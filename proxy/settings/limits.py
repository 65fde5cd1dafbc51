"""How much all clients together may use, and how many requests may go to the model at a time."""

from __future__ import annotations

from proxy.access.fair_queue import QueueRules
from proxy.access.grants import Limits
from proxy.settings.schema import Settings


def limits_of_all(settings: Settings) -> Limits:
    """The limits of all clients together."""
    return Limits(
        requests_per_minute=settings.requests_per_minute,
        tokens_per_minute=settings.tokens_per_minute,
        concurrent=settings.max_concurrent_answers,
        daily_tokens=settings.daily_tokens,
        monthly_tokens=settings.monthly_tokens,
    )


def queue_rules_of(settings: Settings) -> QueueRules | None:
    """The rules of the queue before the model; None if nobody waits."""
    limit = settings.max_concurrent_model_requests
    if not limit:
        return None
    return QueueRules(
        limit,
        max(1, limit // settings.workers),
        settings.queue_length,
        settings.queue_timeout_s,
        settings.retry_after_max_s,
    )
