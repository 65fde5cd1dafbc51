from __future__ import annotations

from typing import Any

from proxy.core.citations import Cite
from proxy.core.responses.events import Log, TextPlace, whole
from proxy.core.responses.message_parts import RefusalPart, TextPart

PLACE = TextPlace("msg_1", 0, 0)


def told(log: Log) -> list[Any]:
    return [whole(each) for each in log.take()]


def cite(start: int) -> Cite:
    return Cite(start, start + 1, "https://x/7", "Handbook", 7)


def text_part(log: Log, begin: int = 0, *, cites_files: bool = False) -> TextPart:
    return TextPart(log, PLACE, begin, cites_files=cites_files)


def test_text_is_joined_and_its_probabilities_are_kept() -> None:
    log = Log()
    part = text_part(log)
    token: Any = {"token": "b", "bytes": [], "logprob": -1.0, "top_logprobs": []}
    part.say("a", b"a")
    part.say_with("b", [token])
    part.end(())
    first, second, done = told(log)
    assert (first["delta"], first["logprobs"]) == ("a", [])
    assert (second["delta"], second["logprobs"]) == ("b", [token])
    assert (done["text"], done["logprobs"]) == ("ab", [token])
    assert part.part()["text"] == "ab"
    assert (part.begin, part.stop) == (0, 2)


def test_each_part_tells_of_the_citations_in_its_text_and_of_each_once() -> None:
    log = Log()
    part = text_part(log, begin=10)
    part.say("abcd", b"abcd")
    part.annotate([cite(9), cite(10)])
    part.end([cite(9), cite(10), cite(13), cite(14)])
    part.annotate([cite(10), cite(12), cite(14)])
    types = [each["type"].removeprefix("response.output_text.") for each in told(log)]
    assert types == [
        "delta",
        "annotation.added",
        "annotation.added",
        "done",
        "annotation.added",
    ]
    cited: Any = part.part()["annotations"]
    assert [each["start_index"] for each in cited] == [0, 3, 2]


def test_annotations_are_numbered_in_their_part() -> None:
    log = Log()
    part = text_part(log, cites_files=True)
    part.say("abc", b"abc")
    part.annotate([cite(0), cite(2)])
    _, first, second = told(log)
    assert (first["annotation_index"], second["annotation_index"]) == (0, 1)
    assert second["annotation"]["type"] == "file_citation"


def test_a_part_that_was_told_does_not_change() -> None:
    log = Log()
    part = text_part(log)
    part.say("a", b"a")
    before = part.part()
    part.annotate([cite(0)])
    part.say("b", b"b")
    assert (before["text"], before["annotations"]) == ("a", [])


def test_a_refusal_is_joined() -> None:
    log = Log()
    part = RefusalPart(log, PLACE)
    part.say("I can")
    part.say("not.")
    part.end()
    assert [each.get("delta", each.get("refusal")) for each in told(log)] == [
        "I can",
        "not.",
        "I cannot.",
    ]
    assert part.part() == {"type": "refusal", "refusal": "I cannot."}
