"""The plan of one request: what is searched before, what each model round is asked, who calls what.

Made once from the request, the profile it chose and the settings; read by the loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from proxy.core import search_tool
from proxy.core.chat import Chat, Message, Tool, ToolChoice, last_user_text, tool_name
from proxy.core.chores import is_chore
from proxy.core.instructions import CONTEXT, SEARCHING, add_to_system
from proxy.core.scope import Retrieval, Scope, Wish
from proxy.core.search_tool import Search
from proxy.core.turn import Owner
from proxy.errors import BadRequest


@dataclass(frozen=True, slots=True)
class Policy:
    """What settings and profile decide for a request. `scope` is already their intersection."""

    model: str
    scope: Scope = field(default_factory=Scope)
    retrieval: Retrieval = "tool"
    max_rounds: int = 4
    """The most model rounds in which searches may run."""
    max_searches: int = 8
    """The most searches of one round."""
    budget_s: float = 240.0
    """Wall time in seconds after which nothing more is searched."""
    instructions: str = ""
    """The operator's own text for the system message."""
    searching: str = SEARCHING
    context: str = CONTEXT
    passage_chars: int = 48_000
    max_answer_chars: int = 1_000_000
    """The most characters that the client hears in all rounds of one answer."""
    query_chars: int = 4_000
    fail_on_search_error: bool = False
    search_memory: bool = False
    """Whether the model is shown in later answers what it found for earlier ones."""


class Ask(NamedTuple):
    """One model round: what changes from round to round of a request."""

    messages: list[Message]
    tools: tuple[Tool, ...] = ()
    tool_choice: str | dict[str, Any] | None = None
    can_search: bool = False


class Plan(NamedTuple):
    """A request as the loop sees it."""

    chat: Chat
    policy: Policy
    scope: Scope
    messages: list[Message]
    """The client's messages, with the instructions in the system message."""
    search_first: Search | None
    """The search to run before the first round."""
    offers_search: bool
    """Whether the model may call the search tool."""
    choice: ToolChoice | None
    """The tool_choice of every round that is not forced to search."""
    search_forced: bool = False
    """The first round must call the search tool."""
    grounded: bool = True
    """Whether the reply tells about searches: false only with retrieval `off`."""
    client_tools: frozenset[str] = frozenset()
    all_tools: tuple[Tool, ...] = ()
    """The client's tools and, if it is offered, that of the search."""

    def ask(self, messages: list[Message], *, is_first: bool, is_last: bool) -> Ask:
        """The next model round. In the last one the model can only answer."""
        can_search = self.offers_search and not is_last
        tools = self.all_tools if can_search else self.chat.tools
        choice = self._choice(is_first=is_first, is_last=is_last) if tools else None
        return Ask(messages, tools, choice, can_search)

    def owner_of(self, name: str, *, can_search: bool) -> Owner:
        """Who answers a call of the tool `name`."""
        if name in self.client_tools:
            return Owner.CLIENT
        is_search = can_search and name == search_tool.NAME
        return Owner.SEARCH if is_search else Owner.NOBODY

    def correction(self, name: str, *, can_search: bool) -> str:
        """What the model is told when it calls a tool that nobody declared."""
        names = sorted(self.client_tools | ({search_tool.NAME} if can_search else frozenset()))
        there_are = f"There are: {', '.join(names)}." if names else "There are no tools."
        return f"There is no tool named {name!r}. {there_are}"

    def _choice(self, *, is_first: bool, is_last: bool) -> str | dict[str, Any] | None:
        if is_first and self.search_forced and not is_last:
            return search_tool.choice()
        if self.choice is None:
            return None
        if self.choice.kind == "named":
            return {"type": "function", "function": {"name": self.choice.name}}
        if self.choice.kind == "required" and is_last and self.offers_search:
            return "auto"
        return self.choice.kind


_AUTO: Final = ToolChoice("auto")


def make_plan(chat: Chat, policy: Policy, wish: Wish) -> Plan:
    """The plan for `chat`. `wish` is what its body and headers together ask for.

    Raises EmptyScope, and BadRequest for a tool_choice that cannot be met.
    """
    scope = policy.scope.narrow(wish.scope)
    mode = wish.retrieval or policy.retrieval
    client_tools = frozenset(name for tool in chat.tools if (name := tool_name(tool)))
    names_search = _names_search(chat.tool_choice, client_tools, mode)
    means_search = names_search or _can_only_mean_search(chat.tool_choice, client_tools)
    may_search = means_search or _leaves_open(chat.tool_choice)
    offers_search = (
        may_search
        and mode in ("tool", "hybrid")
        and policy.max_rounds > 0
        and search_tool.NAME not in chat.declared
    )
    search_first = None
    if may_search and mode in ("context", "hybrid"):
        search_first = _first_search(chat, policy, scope)
    texts = (policy.instructions, policy.searching if offers_search else "")
    return Plan(
        chat=chat,
        policy=policy,
        scope=scope,
        messages=add_to_system(chat.messages, "\n\n".join(filter(None, texts))),
        search_first=search_first,
        offers_search=offers_search,
        choice=_AUTO if means_search else chat.tool_choice,
        search_forced=offers_search and means_search and (names_search or not search_first),
        grounded=mode != "off",
        client_tools=client_tools,
        all_tools=(*chat.tools, search_tool.definition(scope)) if offers_search else chat.tools,
    )


def with_context(plan: Plan, messages: list[Message], passages: Sequence[str]) -> list[Message]:
    """`messages` with the passages of first searches, if there are any, in the system message."""
    text = "\n\n".join((plan.policy.context, *passages)) if passages else ""
    return add_to_system(messages, text)


def _names_search(choice: ToolChoice | None, client_tools: frozenset[str], mode: Retrieval) -> bool:
    """Whether the client forces our tool. Raises BadRequest for a tool that is not there."""
    if choice is None or choice.name is None or choice.name in client_tools:
        return False
    if choice.name != search_tool.NAME:
        raise BadRequest(
            f"'tool_choice' names {choice.name!r}, which is not in 'tools'.", param="tool_choice"
        )
    if mode == "off":
        raise BadRequest(
            f"'tool_choice' names {search_tool.NAME}, but retrieval is off for this request.",
            param="tool_choice",
        )
    return True


def _can_only_mean_search(choice: ToolChoice | None, client_tools: frozenset[str]) -> bool:
    """Whether the client requires a tool call without having a tool."""
    return choice is not None and choice.kind == "required" and not client_tools


def _leaves_open(choice: ToolChoice | None) -> bool:
    """Whether a search is welcome: not with `none`, nor with a tool of the client's by name."""
    return choice is None or choice.kind in ("auto", "required")


def _first_search(chat: Chat, policy: Policy, scope: Scope) -> Search | None:
    """The search of the modes that search first: the last user message, cut to the limit."""
    question = last_user_text(chat.messages)[: policy.query_chars].strip()
    if not question or is_chore(chat.messages):
        return None
    return Search(question, scope.results_default)
