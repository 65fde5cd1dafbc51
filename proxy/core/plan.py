"""The plan of one request: the first search, what each round asks the model, who answers its calls.

`make_plan` makes it once, from the request, its profile and the settings. The loop reads it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from proxy.core.chat import Chat, ToolChoice, tool_name
from proxy.core.chores import is_chore
from proxy.core.fence import Fence
from proxy.core.followups import Followups, Question, first_questions
from proxy.core.hidden import HiddenTool, Job
from proxy.core.instructions import ANSWERING, CITING, CONTEXT, add_to_system
from proxy.core.json_format import JsonFormat, read_format
from proxy.core.languages import Language
from proxy.core.passages import Passage
from proxy.core.scope import Retrieval, Scope, Shown, Wish, common_scope, mode_of, searching_mode
from proxy.core.tool_names import ToolNames
from proxy.core.turn import Owner
from proxy.core.wire import Message, NamedTool, Tool
from proxy.errors import BadRequest

CitationNumbers = Literal["sources", "passage"]
"""What the numbers of an answer count: its sources, or the passages that the model was shown."""
AnswerLinks = Literal["sources", "all", "none"]
TextCallsRead = Literal["all", "own", "off"]
"""Whose calls are read that the model writes as text: everybody's, the proxy's own, nobody's."""
WhenNothingFound = Literal["model", "own_knowledge", "refuse"]
"""Who answers then: the model, which says so; the model, from what it knows; the proxy."""
OnSearchError = Literal["tell_model", "fail", "refuse"]
"""What comes of a search that fails: a note to the model; an error; a refusal."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What settings, profile and client key decide for a request."""

    model: str
    """The model that answers."""
    scope: Scope
    """What settings and profile both allow."""
    retrieval: Retrieval = "tool"
    max_rounds: int = 4
    """The most model rounds in which hidden tools may run."""
    max_searches: int = 8
    """The most searches of one round."""
    budget_s: float = 240.0
    """After this wall time, in seconds, the proxy runs no further search."""
    instructions: str = ""
    """The operator's own text for the system message."""
    context: str | None = None
    """What stands before the passages of a first search; None for the built-in text, see `Plan`."""
    citing: str = CITING
    """What follows passages, wherever they stand."""
    citation_numbers: CitationNumbers = "sources"
    answer_links: AnswerLinks = "sources"
    link_hosts: frozenset[str] = frozenset()
    """Hosts that an answer's links may lead to, beside its sources; in lower case."""
    passage_chars: int = 48_000
    max_answer_chars: int = 1_000_000
    """The most characters that the client hears in all rounds of one answer."""
    followups: Followups = "merge"
    query_chars: int = sys.maxsize
    """The longest query that the search takes, in characters."""
    on_search_error: OnSearchError = "tell_model"
    text_calls: TextCallsRead = "all"
    search_memory: bool = False
    """Whether the model sees in later answers what it found for earlier ones."""
    memory_chars: int = 12_000
    """The most characters of passages of earlier answers."""
    absent_tools: frozenset[str] = frozenset()
    """The hidden tools that it does not have."""
    json_with_tools: bool = False
    """Whether a model that must answer in a JSON format can call tools all the same."""
    progress: Shown = "off"
    when_nothing_found: WhenNothingFound = "model"
    refusals: Mapping[Language, str] = field(default_factory=dict)
    """The operator's own words for a refusal."""
    granted: tuple[Scope, ...] = ()
    """What the client key allows, and what the rules for the person do."""
    modes: frozenset[str] | None = None
    """The retrieval modes that both allow; None is all."""
    show_scope: bool = False
    """Whether the reply's report says which scope held, and the mode of retrieval."""
    fallbacks: tuple[str, ...] = ()
    """The models that answer if `model` cannot, in this order."""


class Ask(NamedTuple):
    """One model round: what changes from round to round of a request."""

    messages: list[Message]
    tools: tuple[Tool, ...] = ()
    tool_choice: str | NamedTool | None = None
    hidden: frozenset[str] = frozenset()
    """The hidden tools that it offers."""
    has_format: bool = True
    """Whether the model gets the client's `response_format`, if there is one."""
    is_withheld: bool = False
    """Whether the client hears none of its text unless the loop says so, see `Tell`."""
    is_forced: bool = False
    """Whether the model must call a hidden tool."""
    is_silent: bool = False
    """Whether the client hears neither its text nor its reasoning: only calls of its own tools."""


class Offer(NamedTuple):
    """A hidden tool that rounds may offer."""

    tool: HiddenTool
    definition: Tool


class Plan(NamedTuple):
    """A request as the loop sees it."""

    chat: Chat
    policy: Policy
    scope: Scope
    messages: list[Message]
    """The client's messages, with the instructions in the system message."""
    tools: tuple[HiddenTool, ...]
    """All hidden tools."""
    first_jobs: tuple[Job, ...]
    """The jobs to run before the first round, for one question. The first one stands for all."""
    offers: tuple[Offer, ...]
    """The hidden tools that the model may call."""
    fence: Fence
    """The marks of passages and of what the proxy says beside them."""
    choice: ToolChoice | None
    """The tool_choice of every round that need not call a hidden tool."""
    forced: tuple[str, ...] = ()
    """Hidden tools: the first round must call the first of them that it offers."""
    forced_job: Job | None = None
    """The job that the proxy runs itself if the model calls none of them."""
    grounded: bool = True
    """Whether the reply reports on searches. Only with retrieval `off` it does not."""
    client_tools: frozenset[str] = frozenset()
    json_format: JsonFormat | None = None
    """The JSON that a grounded answer must be, if the client wants JSON."""
    progress: Shown = "off"
    """What the client is shown of searches. A plain reply comes once they are over."""
    retrieval: Retrieval = "tool"
    """The mode of this request."""

    def ask(
        self,
        messages: list[Message],
        passages: Mapping[int, Passage],
        *,
        is_first: bool,
        is_last: bool,
        is_bare: bool = False,
    ) -> Ask:
        """The next round, after the model saw `passages`. The last one offers no hidden tool.

        A bare one offers no tool at all. Where the client wants JSON, text beside a tool call would
        break it, so the text of a round that may end in calls is withheld. A model that must write
        JSON can call no tool on most servers, so a round that offers a hidden one has no format.
        A round that must search is withheld, too: some models answer all the same.
        """
        offers = () if is_last else [each for each in self.offers if each.tool.is_offered(passages)]
        hidden = frozenset(each.tool.name for each in offers)
        tools = () if is_bare else (*self.chat.tools, *(each.definition for each in offers))
        forced = next((name for name in self.forced if name in hidden), None) if is_first else None
        choice = self._choice(forced, is_last=is_last) if tools else None
        is_json = self.json_format is not None and bool(tools) and choice != "none"
        has_format = self.policy.json_with_tools or not (is_json and hidden)
        is_forced = forced is not None
        return Ask(messages, tools, choice, hidden, has_format, is_json or is_forced, is_forced)

    def owner_of(self, name: str, *, hidden: frozenset[str]) -> Owner:
        """Who answers a call of the tool `name` in a round that offers the `hidden` tools.

        Where the proxy has no tools of its own, all calls with a name are the client's.
        """
        if name in self.client_tools or (name and not self.grounded):
            return Owner.CLIENT
        return Owner.HIDDEN if name in hidden else Owner.NOBODY

    @property
    def before(self) -> str:
        """What stands before the passages of a first search.

        A model that has the search tool is told in the system message what to do with passages.
        """
        if self.policy.context is not None:
            return self.policy.context
        return "" if self.offers else CONTEXT

    @property
    def citing(self) -> str:
        """What follows passages. Arguments of a call that the client forces hold no citations."""
        is_call = self.choice is not None and self.choice.name is not None
        citing = "" if is_call else self.policy.citing
        return f"{ANSWERING} {citing}" if citing and self.offers else citing

    @property
    def tool_names(self) -> ToolNames:
        """The names of tools that a model may mean, also where a round does not offer them."""
        own = frozenset(tool.name for tool in self.tools) if self.grounded else frozenset()
        read = self.policy.text_calls
        is_forbidden = self.choice is not None and self.choice.kind == "none"
        return ToolNames(
            declared=self.chat.declared | own,
            own_in_text=own - self.chat.declared if read != "off" else frozenset(),
            client_in_text=self.client_tools if read == "all" and not is_forbidden else frozenset(),
            tools=(*self.chat.tools, *(each.definition for each in self.offers)),
        )

    def correction(self, name: str, *, hidden: frozenset[str]) -> str:
        """The answer to a call of a tool that nobody declared."""
        names = sorted(self.client_tools | hidden)
        there_are = f"There are: {', '.join(names)}." if names else "There are no tools."
        return f"There is no tool named {name!r}. {there_are}"

    def _choice(self, forced: str | None, *, is_last: bool) -> str | NamedTool | None:
        if forced is not None:
            return _named(forced)
        if self.choice is None:
            return None
        if self.choice.name is not None:
            return _named(self.choice.name)
        if self.choice.kind == "required" and is_last and self.offers:
            return "auto"
        return self.choice.kind


_AUTO: Final = ToolChoice("auto")


def make_plan(
    chat: Chat, policy: Policy, wish: Wish, tools: tuple[HiddenTool, ...], fence: Fence
) -> Plan:
    """The plan for `chat`. `wish` is what its body and headers together ask for.

    `tools` are the hidden tools. If the client requires a call, names no tool and has none, the
    model must call the first hidden tool that the first round offers.

    Raises EmptyScope, RetrievalNotAllowed, and BadRequest for a tool_choice that cannot be met.
    """
    mode = _mode(wish, policy)
    scope = common_scope(policy.scope, *policy.granted, wish.scope, is_searched=mode != "off")
    client_tools = frozenset(name for tool in chat.tools if (name := tool_name(tool)))
    named = _named_hidden(chat.tool_choice, client_tools, tools, mode, policy.absent_tools)
    means_hidden = bool(named) or _can_only_mean_hidden(chat.tool_choice, client_tools)
    may_search = means_hidden or (_leaves_open(chat.tool_choice) and not is_chore(chat.messages))
    may_offer = may_search and mode in ("tool", "hybrid") and policy.max_rounds > 0
    offers = _offers(chat, scope, tools) if may_offer else ()
    first_jobs: tuple[Job, ...] = ()
    if mode in ("context", "hybrid") and (may_search or _is_named(chat.tool_choice)):
        first_jobs = _question_jobs(chat, policy, scope, tools, policy.followups)[: chat.max_jobs]
    forced: tuple[str, ...] = (named,) if named else ()
    if means_hidden and not named and not first_jobs:
        forced = tuple(each.tool.name for each in offers)
    forced_job = None
    if forced and not first_jobs:
        forced_job = next(iter(_question_jobs(chat, policy, scope, tools, "off")), None)
    texts = (policy.instructions, *(each.tool.instructions for each in offers))
    return Plan(
        chat=chat,
        policy=policy,
        scope=scope,
        messages=add_to_system(chat.messages, "\n\n".join(filter(None, texts))),
        tools=tools,
        first_jobs=first_jobs,
        offers=offers,
        fence=fence,
        choice=_AUTO if means_hidden else chat.tool_choice,
        forced=forced,
        forced_job=forced_job,
        grounded=mode != "off",
        client_tools=client_tools,
        json_format=None if mode == "off" else read_format(chat.body.get("response_format")),
        progress=_progress(chat, wish.progress or policy.progress, mode),
        retrieval=mode,
    )


def _mode(wish: Wish, policy: Policy) -> Retrieval:
    mode = mode_of(wish.retrieval, policy.retrieval, policy.modes)
    return searching_mode(wish.retrieval, mode, policy.modes) if wish.must_search else mode


def _offers(chat: Chat, scope: Scope, tools: Sequence[HiddenTool]) -> tuple[Offer, ...]:
    """The hidden tools whose names the client does not use for its own."""
    free = (tool for tool in tools if tool.name not in chat.declared)
    return tuple(Offer(tool, tool.definition(scope)) for tool in free)


def _progress(chat: Chat, wanted: Shown, mode: Retrieval) -> Shown:
    """What the client is shown of searches, if it can be shown anything."""
    is_seen = chat.stream and mode != "off" and (chat.has_asides or wanted != "open-webui")
    return wanted if is_seen else "off"


def _named(name: str) -> NamedTool:
    """The `tool_choice` that makes the model call the tool `name`."""
    return {"type": "function", "function": {"name": name}}


def _named_hidden(
    choice: ToolChoice | None,
    client_tools: frozenset[str],
    tools: Sequence[HiddenTool],
    mode: Retrieval,
    absent: frozenset[str],
) -> str:
    """The hidden tool that the client forces, or "". Raises BadRequest for a tool nobody has."""
    if choice is None or choice.name is None or choice.name in client_tools:
        return ""
    if choice.name in absent:
        raise BadRequest(
            f"'tool_choice' names {choice.name}, but this tool is off for this request: the "
            "settings or the profile leave it out.",
            param="tool_choice",
        )
    if choice.name not in (tool.name for tool in tools):
        raise BadRequest(
            f"'tool_choice' names {choice.name!r}, which is not in 'tools'.", param="tool_choice"
        )
    if mode == "off":
        raise BadRequest(
            f"'tool_choice' names {choice.name}, but retrieval is off for this request.",
            param="tool_choice",
        )
    return choice.name


def _can_only_mean_hidden(choice: ToolChoice | None, client_tools: frozenset[str]) -> bool:
    """Whether the client requires a tool call, but has declared no tool."""
    return choice is not None and choice.kind == "required" and not client_tools


def _leaves_open(choice: ToolChoice | None) -> bool:
    """Whether the model may search: not with `none`, nor where it must call a client's tool."""
    return choice is None or choice.kind in ("auto", "required")


def _is_named(choice: ToolChoice | None) -> bool:
    """Whether the client forces one tool. Its arguments may rest on documents as an answer does."""
    return choice is not None and choice.kind == "named"


def _question_jobs(
    chat: Chat, policy: Policy, scope: Scope, tools: Sequence[HiddenTool], followups: Followups
) -> tuple[Job, ...]:
    """The jobs that look for the last user message; none for a chore. One tool runs them all."""
    questions = first_questions(
        chat.messages,
        followups=followups,
        query_chars=policy.query_chars,
        results=scope.results_default,
    )
    jobs_of_tools = (_jobs_of(tool, questions, scope) for tool in tools)
    return next(filter(None, jobs_of_tools), ())


def _jobs_of(tool: HiddenTool, questions: Sequence[Question], scope: Scope) -> tuple[Job, ...]:
    jobs = (tool.first_job(each, scope) for each in questions)
    return tuple(job for job in jobs if job is not None)
