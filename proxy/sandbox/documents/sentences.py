"""Passages in a conversation, and the sentences in them that fit a question best.

This is all the "understanding" that the stand-in has: words that the question and a sentence share.
Rare words count more than common ones. No randomness, so equal questions get equal answers.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from proxy.sandbox.documents.markdown import sections
from proxy.sandbox.documents.stopwords import STOP_WORDS
from proxy.sandbox.documents.words import asked, telling, words

MOST = 4
_FEWEST = 2
_LONGEST_SENTENCE = 400
_FEWEST_WORDS = 3
_KEEP_FROM_BEST = 0.5
"""After the first two, the model quotes a sentence that has this share of the best score."""
_HEADING_WEIGHT = 0.5
"""The weight of a shared word that stands only in the heading above a sentence."""
_USUAL_WORDS = 25
"""Sentences much longer than this share words with everything, so they are discounted."""

_PASSAGE = re.compile(
    r'<passage(?P<word>(?:-\w+)?)(?=[\s>])(?P<attributes>(?:[^">]|"[^"]*")*)>'
    r"(?P<content>.*?)</passage(?P=word)>",
    re.DOTALL,
)
_NUMBER = re.compile(r'\bn="(\d+)"')
_CODE = re.compile(r"^\s*(```|~~~).*?(?:^\s*\1|\Z)", re.DOTALL | re.MULTILINE)
_LIST_ITEM = re.compile(r"(?:[-*+•]|\d+[.)])\s+(.*)")
_TABLE_RULE = re.compile(r"[\s|:-]+")
_SENTENCE_END = re.compile(
    r"(?<=[.!?])(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bcf\.)[\"')\]»”]*\s+(?=[A-ZÀ-Þ0-9\"'(`«“])"
    r"|(?<=[。！？])(?![。！？」』）])"  # no space follows a sentence in Chinese and Japanese
)
_INLINE_CODE = r"(?P<code>(?<!`)(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`))"
_CLUTTER = tuple(
    (re.compile(f"{_INLINE_CODE}|{clutter}"), rf"\g<code>{kept}")
    for clutter, kept in (
        (r"!\[[^\]]*\]\([^)]*\)", ""),
        (r"\[(?P<label>[^\]]*)\]\([^)]*\)", r"\g<label>"),
        (r"\s*\[\d+\]", ""),
        (r"\*\*|`", ""),
        (r"(?<!\w)\*(?=\w)|(?<=\w)\*(?!\w)", ""),
    )
)
"""Markup and its replacement. Inline code stays: inside backticks, `[1]` cites nothing."""
_UNTELLING = STOP_WORDS | {"like", "look", "many", "may", "might", "much"}
_ENDINGS = ("ings", "ing", "ies", "ied", "es", "ed", "s", "e", "y")


@dataclass(frozen=True, slots=True)
class Passage:
    n: str
    text: str


@dataclass(frozen=True, slots=True)
class Sentence:
    n: str
    """The number of the passage it stands in."""
    text: str
    heading: str = ""


def find_passages(texts: Iterable[str]) -> list[Passage]:
    """Find the `<passage-word n="…">…</passage-word>` blocks in texts, in order."""
    found = []
    for text in texts:
        for block in _PASSAGE.finditer(text):
            number = _NUMBER.search(block["attributes"])
            if number:
                found.append(Passage(number[1], block["content"]))
    return found


def best_sentences(question: str, passages: Iterable[Passage]) -> list[Sentence]:
    """Choose up to four sentences that share words with the question, in reading order."""
    candidates = list(_distinct(passages))
    scores = _scores(question_terms(question), candidates)
    ranked = sorted(range(len(candidates)), key=lambda place: -scores[place])
    enough = _KEEP_FROM_BEST * max(scores, default=0.0)
    fitting = [
        place
        for rank, place in enumerate(ranked[:MOST])
        if scores[place] > 0 and (rank < _FEWEST or scores[place] >= enough)
    ]
    return [candidates[place] for place in sorted(fitting)]


def terms(text: str) -> frozenset[str]:
    """Reduce text to the stems of its telling words."""
    return frozenset(map(_stem, telling(words(text), _UNTELLING)))


def question_terms(question: str) -> frozenset[str]:
    """Reduce a question to the stems of its telling search words."""
    return frozenset(map(_stem, telling(asked(question), _UNTELLING)))


def split(passage: Passage) -> Iterator[Sentence]:
    """Cut a passage's Markdown into plain sentences, without headings and blocks of code.

    A cut can divide inline code, so each sentence loses its markup once more: a single backtick
    would turn the citation after it into code.
    """
    for section in sections(passage.text):
        heading = " ".join(section.path)
        for block in section.blocks[1:] if section.level else section.blocks:
            for statement in _statements(block):
                for sentence in _SENTENCE_END.split(_plain(statement)):
                    if len(list(words(sentence))) >= _FEWEST_WORDS:
                        yield Sentence(passage.n, _plain(_shortened(sentence)), heading)


def _distinct(passages: Iterable[Passage]) -> Iterator[Sentence]:
    seen = set()
    for passage in passages:
        for sentence in split(passage):
            if sentence.text not in seen:
                seen.add(sentence.text)
                yield sentence


def _scores(wanted: frozenset[str], candidates: list[Sentence]) -> list[float]:
    found = [(terms(each.text), terms(each.heading)) for each in candidates]
    frequency = Counter(term for inside, above in found for term in wanted & (inside | above))
    weight = {term: math.log(1 + len(candidates) / n) for term, n in frequency.items()}

    def score(inside: frozenset[str], above: frozenset[str]) -> float:
        said = sum(weight[term] for term in sorted(wanted & inside))
        announced = sum(weight[term] for term in sorted(wanted & above - inside))
        covered = len(wanted & (inside | above)) / max(1, len(wanted))
        too_long = math.sqrt(max(1.0, len(inside) / _USUAL_WORDS))
        return covered * (said + _HEADING_WEIGHT * announced) / too_long

    return [score(*each) for each in found]


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) > _FEWEST_WORDS:
            return word.removesuffix(ending)
    return word


def _statements(block: str) -> Iterator[str]:
    """Yield a block's list items and table rows one by one, other text as a whole."""
    lines: list[str] = []
    for raw in _CODE.sub("", block).split("\n"):
        line = raw.strip().lstrip("> ")
        item = _LIST_ITEM.fullmatch(line)
        if item or line.startswith("|"):
            yield " ".join(lines)
            lines = []
        if not line.startswith("|"):
            lines.append(item[1] if item else line)
        elif not _TABLE_RULE.fullmatch(line):
            yield ": ".join(_cells(line))
    yield " ".join(lines)


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip("|").split("|") if cell.strip()]


def _plain(markdown: str) -> str:
    for clutter, plain in _CLUTTER:
        markdown = clutter.sub(plain, markdown)
    return " ".join(markdown.split())


def _shortened(sentence: str) -> str:
    if len(sentence) <= _LONGEST_SENTENCE:
        return sentence
    return sentence[:_LONGEST_SENTENCE].rsplit(" ", 1)[0] + " …"
