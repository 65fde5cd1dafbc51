"""What each marker of an answer stands on: the quote, how well it bears out, and what is missing.

    marks = [Mark(24, 27, passage=3)]
    weigh("The term is four months [1].", marks, {3: Source("The term is three months.")})

in the end gives one Finding for each mark: the passage's sentence, "weak", and ("four months",).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from proxy.core.evidence.answer import read_answer
from proxy.core.evidence.bearing import NOTHING, Claim, Evidence, Source, Support
from proxy.core.evidence.held import Held, missing_from
from proxy.core.evidence.sentences import Span
from proxy.tasks import Steps


class Mark(NamedTuple):
    """A marker at [start, end) of the answer's final text, and the key of one passage it cites."""

    start: int
    end: int
    passage: int


class Finding(NamedTuple):
    """What a marker stands on.

    `figures_missing` are those of the part it is cited for that no passage of the sentence holds.
    """

    quote: str
    support: Support
    figures_missing: tuple[str, ...]


def weigh(text: str, marks: Sequence[Mark], sources: Mapping[int, Source]) -> Steps[list[Finding]]:
    """A finding for each mark, in the order in which both stand in the text.

    Every passage of a mark is one of `sources`.
    """
    answer = yield from read_answer(text, [(each.start, each.end) for each in marks])
    sentences = [answer.sentence_at(each.start) for each in marks]
    parts = [answer.part_at(each.start) for each in marks]
    cited: defaultdict[Span | None, dict[int, Source]] = defaultdict(dict)
    for mark, sentence in zip(marks, sentences, strict=True):
        cited[sentence][mark.passage] = sources[mark.passage]
    claims: dict[Span, tuple[Claim, tuple[str, ...]]] = {}
    for part, sentence in zip(parts, sentences, strict=True):
        if part and part not in claims:
            claim = Claim(answer.plain(part))
            held: list[Held] = []
            for source in cited[sentence].values() if claim.figures else ():
                held.append(source.held)
                yield
            claims[part] = claim, missing_from(claim.figures, held)
            yield
    found: dict[tuple[Span, int], Evidence] = {}
    findings = []
    for mark, part in zip(marks, parts, strict=True):
        if part is None:
            findings.append(Finding(*NOTHING, ()))
            continue
        claim, missing = claims[part]
        if (part, mark.passage) not in found:
            source = sources[mark.passage]
            found[part, mark.passage] = source.for_claim(claim, is_whole=not missing)
            yield
        findings.append(Finding(*found[part, mark.passage], missing))
    return findings
