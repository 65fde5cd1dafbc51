"""The response writer tells a Responses client what a chat client hears.

It hears the chunks of one completion, as `CompletionWriter` makes them, and the news of hidden
jobs, and makes OpenAI's events of them. The plain reply is the object of the last event. So both
kinds of client, on both surfaces, get the same answer.

Theory of operation:

A response is silent, then begun, then ended. What comes first begins it; `finish` or `fail` ends
it. In between, its output grows: thoughts, messages, calls and searches, in the order in which they
happen. Of messages, thoughts and calls, one goes on at a time, because clients are written for
OpenAI's streams, where this is so.

- A message and thoughts end where any item begins. So an answer that searches between two texts has
  two messages. Their texts, joined, are the content on chat. A message ends with the annotations
  that are known by then; what becomes known later follows late, and is in the last object.
- A call ends when it is whole. Until then, all else waits. A model hardly ever says anything while
  it writes a call, but a search may end in that time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import cast

import orjson

from proxy.core.citations import Citation, Cite
from proxy.core.frames import TextChunk
from proxy.core.hidden import HiddenTool, Job, Outcome
from proxy.core.names import FIELD, SEARCH_TOOL
from proxy.core.responses import logprobs
from proxy.core.responses.calls import Calls
from proxy.core.responses.cites import cites_of
from proxy.core.responses.events import Log, Told
from proxy.core.responses.manner import Manner
from proxy.core.responses.message import MessageEntry, Texts
from proxy.core.responses.message_parts import TextPart
from proxy.core.responses.objects import Ended, Facts, response_object
from proxy.core.responses.output import Output
from proxy.core.responses.searches import Searches
from proxy.core.responses.thoughts import ThoughtsItem
from proxy.core.responses.wire import ResponseObject, Status
from proxy.core.wire import Choice, Chunk
from proxy.errors import ProxyError


class ResponseWriter:
    """Makes the events of one response."""

    def __init__(
        self,
        facts: Facts,
        manner: Manner,
        mint: Callable[[str], str],
        cites: Callable[[], Iterable[Cite]] = tuple,
    ) -> None:
        """`mint` makes an id with a given prefix. `cites` are the citations of the text so far."""
        self._facts = facts
        self._manner = manner
        self._log = Log()
        self._output = Output(self._log, mint)
        self._texts = Texts(cites, cites_files=manner.has_file_search)
        self._calls = Calls(self._output, manner.called_as)
        self._searches = Searches(self._output, has_results=manner.has_results)
        self._late: list[Callable[[], None]] = []
        """What waits until the call that goes on has ended."""
        self._has_begun = self._has_message = False
        self._message: MessageEntry | None = None
        self._thoughts: ThoughtsItem | None = None
        self._text: TextPart | None = None
        """The part that goes on, of the message that does."""
        self.response: ResponseObject = {}
        """The whole response, once it has ended."""

    def hear(self, chunks: Sequence[Chunk | TextChunk]) -> list[Told]:
        """What the client hears of the completion."""
        for chunk in chunks:
            if isinstance(chunk, TextChunk):
                if self._text is not None:
                    self._text.say(chunk.text, chunk.written)
                    continue
                chunk = chunk.whole()  # noqa: PLW2901  # it means the same
            self._hear(chunk)
        return self._log.take()

    def begin(self, tool: HiddenTool, job: Job) -> list[Told]:
        """A hidden tool begins a job."""
        if self._shows(tool):
            self._do(partial(self._begin_search, job))
        return self._log.take()

    def end(self, tool: HiddenTool, job: Job, outcome: Outcome) -> list[Told]:
        """A job has ended."""
        if self._shows(tool):
            self._do(partial(self._searches.end, job, outcome))
        return self._log.take()

    def heartbeat(self) -> list[Told]:
        """A sign of life that every client survives.

        It is a piece of text or of thoughts without words where some go on. Else it is the state of
        the response with all of its output: openai-node goes on from what that says, and would lose
        what it does not.
        """
        if not self._has_begun:
            self._begin()
        elif self._text is not None:
            self._text.say("", b"")
        elif self._thoughts is not None:
            self._thoughts.think("")
        else:
            self._tell_state("response.in_progress")
        return self._log.take()

    def finish(self, now: int) -> list[Told]:
        """The last of a complete answer. `now` is in seconds since 1970."""
        self._facts.completed = now
        ended = self._facts.ended
        status: Status = "incomplete" if ended == "incomplete" else "completed"
        while self._calls.is_open:
            self._calls.end(status)
            self._go_on()
        if not (self._calls or self._has_message):
            self._text_part()  # an answer without words is a message without words
        self._make_room(status)
        return self._end(ended)

    def fail(self, error: ProxyError) -> list[Told]:
        """The last of an answer that an error ends.

        A call that is not whole does not end: clients would run it.
        """
        self._facts.error = error
        self._do_late()
        self._make_room("incomplete")
        return self._end("failed")

    def _shows(self, tool: HiddenTool) -> bool:
        return self._manner.has_file_search and tool.name == SEARCH_TOOL

    def _hear(self, chunk: Chunk) -> None:
        self._facts.model = chunk.get("model") or self._facts.model
        if not self._has_begun:
            self._begin()
        self._facts.usage = chunk.get("usage") or self._facts.usage
        report = cast("Mapping[str, object] | None", chunk.get(FIELD))
        if report is not None:
            self._facts.extras = {FIELD: report}
        for choice in chunk["choices"]:
            self._do(partial(self._say, choice))
            for fragment in choice["delta"].get("tool_calls") or ():
                self._calls.hear(fragment)
                self._go_on()
            self._facts.finish_reason = choice.get("finish_reason") or self._facts.finish_reason
            if annotations := choice["delta"].get("annotations"):
                reported = cast("Sequence[Citation]", (report or {}).get("citations") or ())
                self._do(partial(self._texts.annotate, cites_of(annotations, reported)))

    def _do(self, step: Callable[[], None]) -> None:
        """Do what adds to the output, now or once the call that goes on has ended."""
        if self._calls.is_open:
            self._late.append(step)
        else:
            step()

    def _do_late(self) -> None:
        late, self._late = self._late, []
        for step in late:
            step()

    def _go_on(self) -> None:
        """Do what has waited for a call, if that has ended: all else first, then the next call."""
        while not self._calls.is_open:
            self._do_late()
            if not self._calls.is_waiting:
                return
            self._make_room()
            self._calls.begin()

    def _begin_search(self, job: Job) -> None:
        self._make_room()
        self._searches.begin(job)

    def _say(self, choice: Choice) -> None:
        """All of a choice but its calls."""
        delta = choice["delta"]
        if thoughts := delta.get("reasoning_content"):
            self._open_thoughts().think(thoughts)
        text = delta.get("content") or ""
        if tokens := logprobs.fit((choice.get("logprobs") or {}).get("content") or ()):
            self._text_part().say_with(text, tokens)
        elif text:
            self._text_part().say(text, orjson.dumps(text)[1:-1])
        if refusal := delta.get("refusal"):
            self._text = None
            self._open_message().refusal().say(refusal)

    def _open_thoughts(self) -> ThoughtsItem:
        if self._thoughts is None:
            self._make_room()
            as_summary = self._manner.thoughts_as_summary
            self._thoughts = ThoughtsItem(self._output, as_summary=as_summary)
        return self._thoughts

    def _open_message(self) -> MessageEntry:
        if self._message is None:
            self._make_room()
            self._message, self._has_message = MessageEntry(self._output, self._texts), True
        return self._message

    def _text_part(self) -> TextPart:
        self._text = self._open_message().text()
        return self._text

    def _make_room(self, status: Status = "completed") -> None:
        """End what goes on, so that an item may begin. The response has begun then."""
        if not self._has_begun:
            self._begin()
        if self._message is not None:
            self._message.end(status)
        if self._thoughts is not None:
            self._thoughts.end()
        self._message = self._thoughts = self._text = None

    def _begin(self) -> None:
        self._has_begun = True
        self._tell_state("response.created")
        self._tell_state("response.in_progress")

    def _tell_state(self, type_: str) -> None:
        state = response_object(self._facts, "in_progress", self._output.items())
        self._log.tell({"type": type_, "response": state})

    def _end(self, ended: Ended) -> list[Told]:
        self._searches.close()
        done = [each for each in self._output.items() if each.get("status") != "in_progress"]
        self.response = response_object(self._facts, ended, done)
        self._log.tell({"type": f"response.{ended}", "response": self.response})
        return self._log.take()
