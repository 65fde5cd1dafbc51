import json
from typing import Any

from proxy.core.followups import Question
from proxy.core.hidden import CallContext, Found
from proxy.core.passages import Listing, Passage
from proxy.core.read_call import Reading
from proxy.core.read_tool import UNAVAILABLE, ReadTool, definition
from proxy.core.scope import Scope
from tests.core.samples import FENCE, call, note, result
from tests.support.shelves import Shelves

READING = Reading(1, 7, 3, 5, "Leave", "leave_a1.pdf", "https://docs.example/leave")


class Library:
    """Brings one page, and notes what it was asked for."""

    name = "Library"

    def __init__(self) -> None:
        self.asked: list[tuple[Reading, Scope]] = []

    async def read(self, reading: Reading, scope: Scope) -> Found:
        self.asked.append((reading, scope))
        return Found((result("p3"),))


def test_the_tool_takes_a_number_and_pages() -> None:
    function: Any = definition()["function"]
    assert function["name"] == "lighton_read"
    parameters = function["parameters"]
    assert set(parameters["properties"]) == {"n", "pages"}
    assert parameters["required"] == ["n"]
    assert parameters["additionalProperties"] is False
    assert ReadTool(Library()).definition(Shelves()) == definition()


def test_it_is_offered_once_a_passage_of_a_file_was_shown() -> None:
    tool = ReadTool(Library())
    assert not tool.is_offered({})
    assert not tool.is_offered({1: Passage(1, result(file_id=None))})
    assert tool.is_offered({1: Passage(1, result(file_id=None)), 2: Passage(2, result())})


async def test_a_call_becomes_a_job_which_the_upstream_runs_within_the_scope() -> None:
    library = Library()
    tool = ReadTool(library)
    context = CallContext(Shelves(("law",)), {1: Passage(1, result(page_start=3))}, 4_000)
    order = tool.read_call(call({"n": 1, "pages": "3-5"}), context)
    assert order.job == READING.job
    assert tool.first_job(Question("leave", 5), Shelves()) is None
    found = await tool.run(READING.job, Shelves(("law",)))
    assert [each.chunk_id for each in found.results] == ["p3"]
    assert library.asked == [(READING, Shelves(("law",)))]
    assert tool.upstream_name == "Library"


def test_a_job_is_written_as_a_call_and_told_of_in_the_report() -> None:
    tool = ReadTool(Library())
    function = tool.as_function(READING.job)
    assert function["name"] == tool.name == "lighton_read"
    assert json.loads(function["arguments"]) == {"n": 1, "pages": "3-5"}
    assert tool.trace(READING.job) == {"file_id": 7, "title": "Leave", "pages": "3-5"}
    assert tool.trace_name == "reads"
    nameless = READING._replace(title=None, filename=None, last=3)
    assert tool.trace(nameless.job) == {"file_id": 7, "title": "file 7", "pages": "3"}


def test_a_failure_is_told_to_the_model_and_ends_no_answer() -> None:
    tool = ReadTool(Library())
    assert tool.unavailable == UNAVAILABLE
    assert not tool.failure_may_end_answer


def test_the_user_is_shown_what_is_read() -> None:
    tool = ReadTool(Library())
    assert tool.doing(READING.job) == "Reading: Leave, p. 3-5"
    assert tool.failure == "The document could not be read."


def test_pages_are_shown_as_passages_and_referred_to_later() -> None:
    tool = ReadTool(Library())
    listing = Listing((Passage(2, result(), "Text."),), notes=("The document has 9 pages.",))
    shown = tool.show(listing, FENCE)
    assert shown.endswith(note("The document has 9 pages."))
    assert 'n="2"' in shown
    assert tool.refer(listing) == "This was read before. It found [2], shown above."
    empty = Listing(notes=("The document has 2 pages.",))
    assert tool.refer(empty) == "This was read before. The document has 2 pages."
