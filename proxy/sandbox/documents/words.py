"""The words of a text, and the search words of a question. Both fold letters in the same way.

Chinese, Japanese and Korean write words without spaces between them, or with endings grown onto
them. There every character is a word, and every two neighbours are: the usual way to search such
text without a dictionary. A question searches for the pairs.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import pairwise

_MARKS = re.compile(
    "[\u0300-\u036f"  # accents, once they are apart from their letters
    "\u00ad\u200b-\u200d\u2060\ufeff]"  # invisible characters inside words
)
_HAN = (
    "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
    "\u3100-\u312f\u31a0-\u31bf"  # and Bopomofo
)
_HIRAGANA = "\u3041-\u3096\u309d-\u309f"
_KATAKANA = "\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
_HANGUL = "\uac00-\ud7a3\u1100-\u11ff\u3131-\u318e"
_RUNS = "|".join(f"[{script}]+" for script in (_HAN, _HIRAGANA, _KATAKANA, _HANGUL))
_UNSPACED = f"{_HAN}{_HIRAGANA}{_KATAKANA}{_HANGUL}"
_WORD = re.compile(rf"(?P<run>{_RUNS})|[^\W_{_UNSPACED}][^\W{_UNSPACED}]*")
_GRAMMAR = re.compile(f"[{_HIRAGANA}的了是吗嗎呢么麼]")
"""Japanese grammar is written in Hiragana; the others are the commonest particles of Chinese."""


def fold(text: str) -> str:
    """`text` in a form in which spellings that look the same are equal.

    Unicode's compatibility forms (NFKC: ligatures, full width), case folding (`ß` is `ss`), and
    no accents.
    """
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return unicodedata.normalize("NFKC", _MARKS.sub("", apart))


def words(text: str) -> Iterator[str]:
    """Every word that finds `text`, in order and as often as it occurs."""
    for match in _WORD.finditer(fold(text)):
        yield from match[0] if match["run"] else (match[0],)
        yield from _pairs(match["run"])


def asked(question: str) -> Iterator[str]:
    """The search words of `question`: the pairs of a run, or its only character."""
    for match in _WORD.finditer(fold(question)):
        yield from _pairs(match["run"]) if len(match["run"] or "") > 1 else (match[0],)


def telling(candidates: Iterable[str], untelling: frozenset[str]) -> list[str]:
    """The candidates that say something about a subject; grammar only if there is nothing else."""
    told = [each for each in candidates if each not in untelling]
    return [each for each in told if not _GRAMMAR.search(each)] or told


def _pairs(run: str | None) -> Iterator[str]:
    if run:
        yield from map("".join, pairwise(run))
