"""Decides what is right and what is wrong with a reply. No model judges: patterns and titles do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from tests.quality.questions import Question
from tests.quality.reply import Reply

_MARKER: Final = re.compile(
    r"\[(?:(?:passage|source|document|quelle|fuente) ?)?#?\d{1,4}(?: ?, ?\d{1,4}){0,20}\]"
    r"|【\d{1,4}[^】]{0,40}】",
    re.IGNORECASE,
)
_NUMBER: Final = re.compile(r"\d+")
_CALL: Final = re.compile(r"lighton_\w|</?tool_call|\"arguments\" ?:", re.IGNORECASE)
"""A tool call that the model wrote as text, and that came to the client as its answer."""
_DENIAL: Final = re.compile(
    r"n['\u2019]t\b|\bnot\b"
    r"|\bno (?:information|mention|details?|data|results?|specific)\b|\bcannot\b|\bunable\b"
    r"|\b(?:ne |n['\u2019])[\w'\u2019 ]{1,40}\b(?:pas|aucune?)\b|\baucune?\b|\bpas d['\u2019e]"
    r"|\bkeine?n?\b|\bnicht\b"
    r"|\bno (?:se|hay|ha|he|tengo|tienen?|contienen?|mencionan?|dispongo|especifican?|puedo|est)"
    r"|\bning[uú]n",
    re.IGNORECASE,
)
_PAPERS: Final = re.compile(
    r"\b(?:informa[tc]i|passages?\b|documents?\b|dokument|documentos?\b|pasajes?\b"
    r"|results?\b|résultat|ergebnis|resultado)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """`wrong_sources`: it cites, and never the document that holds the answer.

    `invented`: a marker in the text is no link, or there are links where no document has an answer.
    """

    right: bool
    cited: bool
    invented: bool
    wrong_sources: bool
    searched: bool
    found: bool
    rounds: int


def judge(question: Question, reply: Reply) -> Judgement:
    titles = {citation.title for citation in reply.citations}
    has_document = bool(question.document)
    return Judgement(
        right=not reply.error and _is_right(question, reply),
        cited=has_document and question.title in titles,
        invented=_has_bare_marker(reply) or (bool(titles) and not has_document),
        wrong_sources=has_document and bool(titles) and question.title not in titles,
        searched=bool(reply.searches),
        found=has_document and question.title in reply.found,
        rounds=reply.rounds,
    )


def _is_right(question: Question, reply: Reply) -> bool:
    """By kind: it holds the fact, or says that it is not known, or is simply an answer.

    An answer to small talk shall not tell of documents that hold nothing about it.
    """
    text = " ".join(_MARKER.sub(" ", reply.text).split())
    if not text or _CALL.search(text):
        return False
    if question.kind == "absent":
        return bool(_DENIAL.search(text) or (reply.lighton or {}).get("refused"))
    if question.kind == "small talk":
        return not (_DENIAL.search(text) and _PAPERS.search(text))
    return bool(question.pattern.search(text))


def _has_bare_marker(reply: Reply) -> bool:
    """Whether a number in a marker has no citation of its own."""
    for marker in _MARKER.finditer(reply.text):
        start, end = marker.span()
        linked = [each for each in reply.citations if start <= each.start and each.end <= end]
        if len(linked) < (1 if marker[0][0] == "【" else len(_NUMBER.findall(marker[0]))):
            return True
    return False
