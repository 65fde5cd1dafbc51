"""What the reader of a grounded answer is shown of its sources.

The model cites passages by the numbers it was shown. The reader gets the numbers of sources: in the
text as it streams, in its annotations, and in the report at the end. All three are written here, so
that they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from proxy.core.chat import text_of
from proxy.core.citations import (
    MAX_ANNOTATIONS,
    Cite,
    annotate,
    citations,
    cites_at,
    json_markers,
)
from proxy.core.client_hosts import ClientHosts
from proxy.core.desk import Desk
from proxy.core.evidence.shelf import Shelf
from proxy.core.passages import Passage
from proxy.core.plan import Plan
from proxy.core.text import AnswerText, LinkRules, Marker
from proxy.core.turn import Heard
from proxy.core.wire import Annotation, Message
from proxy.core.writer import Prose, Verbatim
from proxy.tasks import Steps

_SOURCE: Final = "<source"
"""How the templates of front-ends begin that show the model documents of their own."""


class Closing(NamedTuple):
    """What an answer ends with."""

    annotations: list[Annotation]
    report: dict[str, object]


class Grounding:
    """The sources of one answer. `prose` is what its text passes through."""

    def __init__(self, plan: Plan, desk: Desk) -> None:
        self._plan = plan
        self._desk = desk
        self._text: AnswerText | None = None
        self.prose: Prose = Verbatim()
        self._by_source = plan.policy.citation_numbers == "sources" and not _must_keep(plan)
        if plan.grounded and plan.json_format is None:
            links = LinkRules(
                plan.policy.answer_links,
                hosts=ClientHosts(plan.policy.link_hosts, plan.chat.messages),
            )
            self._text = AnswerText(numbering=desk.numbering, links=links, rewrite=self._by_source)
            self.prose = self._text
        self._round_begins = 0
        """The first marker of the round."""
        self._cited: tuple[int | None, ...] | None = None
        self._json_markers: Sequence[Marker] = ()
        self._shown = 0
        """So many passages of the book the model has been shown."""

    def begin_round(self, *, has_model: bool = True) -> None:
        """Take in what the model is shown in the coming round, if it is the model's."""
        if has_model:
            self._shown = len(self._desk.book.passages)
        if self._text is not None:
            self._round_begins = len(self._text.markers)
            passages = self._desk.book.passages.items()
            self._text.show({n: passage.result.url for n, passage in passages})

    def heard(self, text: str) -> Heard:
        """What the client has heard of this round, in which `text` reached it."""
        if self._text is None:
            return Heard(text)
        markers = self._text.markers[self._round_begins :]
        return Heard(text, {each.n: each.passages[0] for each in reversed(markers)})

    @property
    def markers(self) -> Sequence[Marker]:
        """The markers of the text so far; none of a JSON text."""
        return () if self._text is None else self._text.markers

    def cites(self) -> Iterator[Cite]:
        """The citations of the text so far: those that its annotations will be made of."""
        return cites_at(self.markers, self._desk.book.passages)

    @property
    def cited(self) -> tuple[int | None, ...]:
        """The file of each source that the text so far cites; of a JSON text, once it is whole."""
        if self._cited is not None:
            return self._cited
        passages = self._desk.book.passages
        by_number = {each.n: each.passages[0] for each in reversed(self.markers)}
        return tuple(passages[each].result.file_id for each in by_number.values())

    @property
    def cited_passages(self) -> tuple[Passage, ...]:
        """The passages that the text so far cites; of a JSON text, once it is whole."""
        passages = self._desk.book.passages
        markers = self.markers or self._json_markers
        return tuple(
            passages[n] for n in dict.fromkeys(n for each in markers for n in each.passages)
        )

    @property
    def shown(self) -> tuple[Passage, ...]:
        """The passages that the model has been shown, also those of earlier answers."""
        return tuple(self._desk.book.passages.values())[: self._shown]

    def passage(self, n: int, messages: Sequence[Message]) -> tuple[Passage, str]:
        """Passage `n` with its text as `messages` show it; "" if they do not hold it any more."""
        texts = map(_content, reversed(messages))  # what was found last is likeliest
        return self._desk.book.passages[n], self._plan.fence.find_passage(n, texts)

    def close(self, text: str, messages: Sequence[Message], shelf: Shelf) -> Steps[Closing]:
        """What belongs to the whole `text`; the model was shown `messages` last."""
        passages = self._desk.book.passages
        markers = (
            (yield from json_markers(text, passages)) if self._text is None else self._text.markers
        )
        if self._text is None:
            self._json_markers = markers
        kept = markers[:MAX_ANNOTATIONS]
        report: dict[str, object] = {**self._desk.report}
        texts, fence = list(map(_content, messages)), self._plan.fence
        cited = yield from citations(
            text, kept, passages, lambda n: fence.find_passage(n, texts), shelf
        )
        report["citations"] = cited
        self._cited = tuple(each["file_id"] for each in cited)
        if len(markers) > len(kept):
            report["annotations_cut"] = True
        self._number_results(kept)
        return Closing([] if self._text is None else annotate(kept, passages), report)

    def _number_results(self, markers: Sequence[Marker]) -> None:
        """Tell of each result by which number its source is cited, if it is."""
        passages = self._desk.book.passages
        by_passage = {n: each.n for each in markers for n in each.passages}
        by_address = {passages[n].result.url: number for n, number in by_passage.items()}
        for entry in self._desk.trace:
            for result in entry["results"]:
                n = by_passage.get(result["passage"])
                if n is None and self._by_source:
                    n = by_address.get(result["url"])
                result["n"] = n


def _must_keep(plan: Plan) -> bool:
    """Whether the model's numbers must stay.

    The client may show the model documents of its own, which have numbers, too. And it may ask for
    the probability of each token, which it compares with the text.
    """
    if plan.chat.body.get("logprobs"):
        return True
    return any(_SOURCE in _content(each).lower() for each in _of_client(plan))


def _of_client(plan: Plan) -> Iterator[Message]:
    """What the client says for itself, and what its tools have brought."""
    return (each for each in plan.chat.messages if each["role"] != "assistant")


def _content(message: Message) -> str:
    return text_of(message.get("content"))
