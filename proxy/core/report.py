"""What a reply says of itself, beside the completion: how it came about, and how long that took."""

from __future__ import annotations

from collections.abc import Mapping

from proxy.core.desk import Desk
from proxy.core.plan import Plan
from proxy.core.timeline import Timeline
from proxy.core.timings import timings_of


def report_of(  # noqa: PLR0913 - an answer and its record
    plan: Plan,
    desk: Desk,
    timeline: Timeline,
    told: Mapping[str, object],
    now: float,
    *,
    is_refused: bool,
) -> dict[str, object]:
    """The report, written `now`, of an answer that may rest on documents.

    `told` is what its sources tell: see `Grounding.close`. `is_refused` says that the proxy has
    answered in place of the model.
    """
    rounds = len(timeline.rounds)
    report = {**told, **report_of_times(timeline, now), "rounds": rounds}
    if timeline.retries:
        report["retries"] = len(timeline.retries)
    if is_refused:
        report["refused"] = True
    elif desk.is_ungrounded and not told["citations"]:
        report["ungrounded"] = True
    if plan.policy.show_scope:
        report["scope"] = {**plan.scope.identity, "retrieval": plan.retrieval}
    return report


def report_of_times(timeline: Timeline, now: float) -> dict[str, object]:
    """The report of an answer that is written `now`: all of it, if no documents are behind it."""
    return {"timings": timings_of(timeline, now)}
