"""What the settings say of how much may be used at a time."""

from __future__ import annotations

import pytest

from proxy.access.fair_queue import QueueRules
from proxy.access.grants import Limits
from proxy.settings import Settings
from proxy.settings.limits import limits_of_all, queue_rules_of


def test_the_limits_of_all_clients_are_those_of_the_settings() -> None:
    settings = Settings(
        requests_per_minute=1,
        tokens_per_minute=2,
        max_concurrent_answers=3,
        daily_tokens=4,
        monthly_tokens=5,
    )
    assert limits_of_all(settings) == Limits(1, 2, 3, 4, 5)
    assert limits_of_all(Settings()) == Limits()


@pytest.mark.parametrize(("workers", "own"), [(1, 100), (3, 33), (200, 1)])
def test_workers_divide_the_slots_and_each_has_one_at_least(workers: int, own: int) -> None:
    assert queue_rules_of(Settings(workers=workers)) == QueueRules(100, own, 1_000, 9, 60)


def test_all_of_the_queue_can_be_set() -> None:
    settings = Settings(
        max_concurrent_model_requests=20, queue_length=5, queue_timeout_s=3, retry_after_max_s=7
    )
    assert queue_rules_of(settings) == QueueRules(20, 20, 5, 3, 7)


def test_without_a_limit_there_is_no_queue() -> None:
    assert queue_rules_of(Settings(max_concurrent_model_requests=0)) is None
