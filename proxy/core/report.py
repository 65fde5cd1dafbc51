"""What a reply says of itself, beside the completion: how it came about, and how long that took."""

from __future__ import annotations

from collections.abc import Mapping

from proxy.core.desk import Desk
from proxy.core.plan import Plan
from proxy.core.timeline import Timeline


def report_of(
    plan: Plan, desk: Desk, timeline: Timeline, told: Mapping[str, object], *, is_refused: bool
) -> dict[str, object]:
    """The report of a grounded answer. `told` is what its sources tell: see `Grounding.close`.

    `is_refused` says that the proxy has answered in place of the model.
    """
    report: dict[str, object] = {**told, "rounds": len(timeline.rounds)}
    if timeline.retries:
        report["retries"] = len(timeline.retries)
    if queued_ms := round(timeline.queued_s * 1000):
        report["queued_ms"] = queued_ms
    if is_refused:
        report["refused"] = True
    elif desk.is_ungrounded and not told["citations"]:
        report["ungrounded"] = True
    if plan.policy.show_scope:
        report["scope"] = {**plan.scope.identity, "retrieval": plan.retrieval}
    return report
