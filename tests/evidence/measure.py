"""How often the support of a sentence and its missing figures are judged right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from proxy.core.evidence.bearing import find_evidence
from proxy.core.evidence.held import missing_figures
from tests.evidence.figures import Case
from tests.evidence.pairs import Pair


@dataclass(frozen=True)
class Support:
    """Sentences by their label, and of each how many were called supported: exact or close."""

    given: Counter[str]
    called: Counter[str]

    @property
    def precision(self) -> float:
        """Without contradicted sentences."""
        return self._precision("supported", "unsupported")

    @property
    def precision_with_contradicted(self) -> float:
        return self._precision("supported", "unsupported", "contradicted")

    @property
    def recall(self) -> float:
        return self.called["supported"] / self.given["supported"]

    def _precision(self, *labels: str) -> float:
        return self.called["supported"] / sum(self.called[label] for label in labels)


def support_of(pairs: Iterable[Pair]) -> Support:
    """Judge all sentences."""
    result = Support(Counter(), Counter())
    for pair in pairs:
        result.given[pair.label] += 1
        found = find_evidence(pair.sentence, pair.passage)
        result.called[pair.label] += found.support in {"exact", "close"}
    return result


@dataclass(frozen=True)
class Figures:
    """Sentences with an unchanged and with a changed figure, and how often that was got wrong."""

    held: int
    false_alarms: int
    changed: int
    missed: int


def figures_of(cases: Iterable[Case]) -> Figures:
    """Judge all sentences."""
    given: Counter[bool] = Counter()
    wrong: Counter[bool] = Counter()
    for case in cases:
        given[case.is_changed] += 1
        is_found = bool(missing_figures(case.sentence, [case.passage]))
        wrong[case.is_changed] += is_found is not case.is_changed
    return Figures(given[False], wrong[False], given[True], wrong[True])
