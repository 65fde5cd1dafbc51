"""The parts of a message: text that goes on, and a refusal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from proxy.core.citations import Cite
from proxy.core.responses.cites import annotation_of
from proxy.core.responses.events import TEXT_DELTA, Log, TextPlace
from proxy.core.responses.wire import Annotation, OutputText, Refusal
from proxy.core.wire import TokenLogprob


class TextPart:
    """A part of text, and its place in the text of the whole answer."""

    def __init__(self, log: Log, place: TextPlace, begin: int, *, cites_files: bool) -> None:
        self.begin = begin
        self.stop: int | None = None
        """Where it ends; None until it does."""
        self._log = log
        self._place = place
        self._cites_files = cites_files
        self._pieces: list[str] = []
        self._annotations: list[Annotation] = []
        self._cited: set[int] = set()
        """Where in the whole answer the citations begin that have been told of."""
        self._logprobs: list[TokenLogprob] = []

    def say(self, text: str, written: bytes) -> None:
        """Add a piece; "" only gives a sign of life. `written` is the text as JSON has it."""
        self._pieces.append(text)
        self._log.say(self._place, text, written)

    def say_with(self, text: str, logprobs: Sequence[TokenLogprob]) -> None:
        """Add a piece, which may be "", and the probabilities of its tokens."""
        self._pieces.append(text)
        self._logprobs += logprobs
        self._log.tell_at(self._place, TEXT_DELTA, delta=text, logprobs=list(logprobs))

    def annotate(self, cites: Iterable[Cite]) -> None:
        """Tell of those citations that stand in this part and have not been told of."""
        for cite in cites:
            is_here = self.begin <= cite.start and (self.stop is None or cite.start < self.stop)
            if is_here and cite.start not in self._cited:
                self._cited.add(cite.start)
                self._annotate(cite)

    def part(self) -> OutputText:
        """The part as it is now. Each call makes a new one."""
        return {
            "type": "output_text",
            "text": "".join(self._pieces),
            "annotations": list(self._annotations),
            "logprobs": list(self._logprobs),
        }

    def end(self, cites: Iterable[Cite]) -> None:
        """No more text comes. `cites` are the citations that are known by now."""
        text = "".join(self._pieces)
        self._pieces = [text]
        self.stop = self.begin + len(text)
        self.annotate(cites)
        type_ = "response.output_text.done"
        self._log.tell_at(self._place, type_, text=text, logprobs=list(self._logprobs))

    def _annotate(self, cite: Cite) -> None:
        annotation = annotation_of(cite, self.begin, self.stop, as_file=self._cites_files)
        self._log.tell_at(
            self._place,
            "response.output_text.annotation.added",
            annotation_index=len(self._annotations),
            annotation=annotation,
        )
        self._annotations.append(annotation)


class RefusalPart:
    """The words in which the model refuses."""

    def __init__(self, log: Log, place: TextPlace) -> None:
        self._log = log
        self._place = place
        self._pieces: list[str] = []

    def say(self, text: str) -> None:
        self._pieces.append(text)
        self._log.tell_at(self._place, "response.refusal.delta", delta=text)

    def part(self) -> Refusal:
        """The part as it is now. Each call makes a new one."""
        return {"type": "refusal", "refusal": "".join(self._pieces)}

    def end(self) -> None:
        refusal = self.part()["refusal"]
        self._log.tell_at(self._place, "response.refusal.done", refusal=refusal)
