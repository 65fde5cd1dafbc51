"""The labelled cases of the package `contexttrace` (MIT licence): sentences and their passages.

Its three files hold 201 cases. A case is an answer with the verdicts that its sentences deserve:
one verdict is that of all of them; of two, the unsupported sentence stands last. A sentence that is
partly supported counts as unsupported. Only the files are read: the package is not imported.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any, Final

from proxy.core.evidence.answer import plain
from proxy.core.evidence.sentences import sentences_of_line
from tests.evidence.pairs import Label, Pair

FILES: Final = ("external_benchmark_cases", "public_holdout_cases", "real_benchmark_cases")
HOLDOUT: Final = "public_holdout_cases"


def installed() -> Path | None:
    """The folder that holds the cases; None if the package is not installed."""
    try:
        found = files("contexttrace") or ()
    except PackageNotFoundError:
        return None
    places = (Path(str(each.locate())) for each in found if each.stem == HOLDOUT)
    return next((each.parent for each in places), None)


def labelled(folder: Path, *names: str) -> Iterator[Pair]:
    """All sentences of the named files, with the passages of their case as one text."""
    for name in names:
        for case in json.loads((folder / f"{name}.json").read_text("utf-8"))["cases"]:
            yield from _pairs(case)


def _pairs(case: dict[str, Any]) -> Iterator[Pair]:
    sentences = list(_sentences(case["answer"]))
    passage = "\n\n".join(each["text"] for each in case["contexts"])
    labels = _labels(case["expected_verdict_counts"], len(sentences))
    for sentence, label in zip(sentences, labels, strict=True):
        yield Pair("English", label, sentence, passage)


def _sentences(answer: str) -> Iterator[str]:
    for line in answer.splitlines():
        for start, end in sentences_of_line(line, 0, len(line)):
            yield plain(line[start:end])


def _labels(verdicts: dict[str, int], count: int) -> list[Label]:
    if "contradicted" in verdicts:
        return ["contradicted"] * count
    unsupported = sum(number for name, number in verdicts.items() if name != "supported")
    if unsupported and count == 1:
        return ["unsupported"]
    unsupported = min(unsupported, count)
    return [*["supported"] * (count - unsupported), *["unsupported"] * unsupported]  # type: ignore[list-item]
