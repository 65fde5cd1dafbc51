"""Fences: what tells a model where a quotation of a document begins and ends, and who says what.

The marks hold a word that nobody can guess who writes a document, so no document can close its
fence, be another passage or speak as the search. If the word becomes known all the same, a document
still cannot use it: it is broken wherever a quotation holds it, as are all marks.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from proxy.core.control_tokens import INERT, defuse_tokens
from proxy.core.unseen import drop_unseen

_LENGTH: Final = 10
_MARK_LIKE: Final = re.compile(r"<(?=\s*(?:/\s*)?(?:passage|note\b))", re.IGNORECASE)
_MARK: Final = re.compile(rf"(?P<kind></?(?:passage|note))-[0-9a-f]{{{_LENGTH}}}(?=[ >])")


def fence_word(secret: bytes, first_user_message: str) -> str:
    """Ten hexadecimal digits that stay the same over a conversation.

    So the beginning of its prompts stays the same, which upstreams keep in their prefix cache.
    White space doesn't count, because clients trim what they send again.
    """
    said = " ".join(first_user_message.split()).encode("utf-8", "surrogatepass")
    return hmac.digest(secret, said, hashlib.sha256).hex()[:_LENGTH]


def defuse_marks(text: str) -> str:
    """`text` with everything spelt inertly that looks like a mark, whatever word it holds."""
    return _MARK_LIKE.sub(INERT["<"], text) if "<" in text else text


@dataclass(frozen=True, slots=True)
class Fence:
    """The marks of one conversation."""

    word: str

    def passage(self, attributes: str, text: str) -> str:
        """A quotation. Both texts are harmless: without what nobody sees, and without marks."""
        opening = f"<passage-{self.word} {self._without_word(attributes)}>"
        return f"{opening}\n{self._without_word(text)}\n</passage-{self.word}>"

    def find_passage(self, n: int, texts: Iterable[str]) -> str:
        """The text of passage `n` in what the model was shown; "" if it is not there."""
        opening, closing = f'<passage-{self.word} n="{n}" ', f"\n</passage-{self.word}>"
        for text in texts:
            if (mark := text.find(opening)) >= 0:
                begin = text.find("\n", mark) + 1
                return text[begin : text.find(closing, begin)]
        return ""

    def note(self, text: str) -> str:
        """What the search itself says. It is made inert too: it may quote what a model wrote."""
        text = defuse_marks(defuse_tokens(drop_unseen(text)))
        return f"<note-{self.word}>{self._without_word(text)}</note-{self.word}>"

    def renewed(self, text: str) -> str:
        """Text of an earlier request with this conversation's word in its marks.

        They have another word if the client has since dropped or changed its first message. All
        that looks like a mark in `text` is one, because quotations hold none.
        """
        return _MARK.sub(rf"\g<kind>-{self.word}", text)

    def _without_word(self, text: str) -> str:
        """`text` with a dot in every occurrence of the word, whatever its case."""
        if self.word not in text.lower():
            return text
        first, others = re.escape(self.word[0]), re.escape(self.word[1:])
        return re.sub(rf"{first}(?={others})", r"\g<0>·", text, flags=re.IGNORECASE)
