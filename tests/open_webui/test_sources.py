"""What a user of Open WebUI sees of an answer's sources. `make e2e-open-webui` runs this."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.open_webui.conftest import MODEL, SEARCHES_FIRST, SHOWS_PROGRESS
from tests.open_webui.page import ChatPage
from tests.open_webui.stand_ins import StandIns, address
from tests.support.script import Call, Round, search_call

OpenChat = Callable[[str], ChatPage]

SEARCHES = Round(calls=(search_call("What is allowed?"),), finish_reason="tool_calls")
OF_OPEN_WEBUI = Call("get_current_timestamp", "{}")
"""A tool that it gives to every model, and runs itself."""


def calls_its_tool(said: str) -> Round:
    return Round(said, calls=(OF_OPEN_WEBUI,), finish_reason="tool_calls")


def check(chat: ChatPage, wanted: str, *titles: str) -> None:
    """Check text and chips of the last answer, and where the chips lead."""
    assert chat.answer(wanted) == wanted
    assert chat.addresses() == [address(title) for title in titles]


@pytest.mark.parametrize(
    ("said", "shown", "titles"),
    [
        (
            "A [2]. B [1]. C [2].",
            "A (Travel). B (Leave). C (Travel).",
            ("Travel", "Leave", "Travel"),
        ),
        (
            "A [4]. B [3]. C [2].",
            "A (Travel). B (Expenses). C (Travel).",
            ("Travel", "Expenses", "Travel"),
        ),
    ],
    ids=["in another order than found", "two passages of one document"],
)
def test_each_statement_leads_to_its_document(
    stand_ins: StandIns, open_chat: OpenChat, said: str, shown: str, titles: tuple[str, ...]
) -> None:
    stand_ins.play([SEARCHES, Round(said)])
    chat = open_chat(MODEL)
    chat.ask("What is allowed?")
    check(chat, shown, *titles)


def test_it_does_so_after_a_tool_of_open_webui_ran_in_between(
    stand_ins: StandIns, open_chat: OpenChat
) -> None:
    stand_ins.play([SEARCHES, calls_its_tool("A [2]."), Round("B [1]. C [2].")])
    chat = open_chat(MODEL)
    chat.ask("What is allowed now?")
    check(chat, "A (Travel). B (Leave). C (Travel).", "Travel", "Leave", "Travel")


def test_it_does_so_in_every_answer_of_a_chat(stand_ins: StandIns, open_chat: OpenChat) -> None:
    def rounds() -> Iterator[Round]:
        yield SEARCHES
        yield Round("A [2]. B [1].")
        yield SEARCHES
        number = stand_ins.shown()
        yield Round(f"C [{number['Expenses']}]. D [{number['Travel']}].")

    stand_ins.play(rounds())
    chat = open_chat(MODEL)
    chat.ask("What is allowed?")
    check(chat, "A (Travel). B (Leave).", "Travel", "Leave")
    chat.ask("And what else?")
    check(chat, "C (Expenses). D (Travel).", "Expenses", "Travel")


def test_a_source_shows_the_passage_where_its_model_shows_progress(
    stand_ins: StandIns, open_chat: OpenChat
) -> None:
    stand_ins.play([SEARCHES, Round("A [2]. B [1]. C [2].")])
    chat = open_chat(SHOWS_PROGRESS)
    chat.ask("What is allowed at all?")
    check(chat, "A (Travel). B (Leave). C (Travel).", "Travel", "Leave", "Travel")
    chat.shows("Found 4 passages.")
    for place, passage in enumerate(("Travel, paragraph 1.", "Leave, paragraph 0.")):
        assert passage in chat.passages(place)


def test_title_tags_and_follow_ups_are_not_searched_for(
    stand_ins: StandIns, open_chat: OpenChat
) -> None:
    before = len(stand_ins.searched)
    question = "Who must sign?"
    stand_ins.play([Round("A [1].")])
    chat = open_chat(SEARCHES_FIRST)
    chat.ask(question)
    check(chat, "A (Leave).", "Leave")
    assert stand_ins.chores(question, 3) == {"title", "tags", "follow_ups"}
    assert stand_ins.searched[before:] == [question]
