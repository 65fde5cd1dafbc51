import pytest

from proxy.core.available import available
from proxy.core.chat import Chat, ToolChoice
from proxy.core.search_tool import SearchTool
from proxy.errors import BadRequest
from tests.support.lookup import Lookup
from tests.support.parts import Searcher

TOOLS = (SearchTool(Searcher()), Lookup())


def chat(choice: ToolChoice | None = None) -> Chat:
    return Chat(body={}, model=None, messages=[], tool_choice=choice)


def test_a_profile_has_all_tools_but_the_absent_ones() -> None:
    assert available(TOOLS, chat(), absent=frozenset()) == TOOLS
    assert available(TOOLS, chat(), absent={"lookup"}) == TOOLS[:1]


def test_an_absent_tool_cannot_be_allowed() -> None:
    choice = ToolChoice("auto", allowed=frozenset({"lookup"}))
    assert available(TOOLS, chat(choice), absent=frozenset()) == TOOLS
    with pytest.raises(BadRequest, match="names lookup, not in 'tools'") as refused:
        available(TOOLS, chat(choice), absent={"lookup"})
    assert refused.value.param == "tool_choice.allowed_tools.tools"


def test_a_client_reads_where_it_has_named_the_tool() -> None:
    choice = ToolChoice("auto", allowed=frozenset({"lookup"}), allowed_in="tool_choice")
    with pytest.raises(BadRequest, match="'tool_choice' names lookup") as refused:
        available(TOOLS, chat(choice), absent={"lookup"})
    assert refused.value.param == "tool_choice.tools"
