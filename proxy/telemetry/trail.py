"""What an answer rested on: what was looked for, and which documents the model was shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from proxy.core.chat import last_user_text
from proxy.core.desk import Desk
from proxy.core.grounding import Grounding
from proxy.core.names import SEARCH_TOOL
from proxy.core.passages import Result, pages_of
from proxy.core.plan import Plan
from proxy.core.timeline import JobRun

LONGEST_TITLE: Final = 300


class Asked(NamedTuple):
    """One job of a hidden tool."""

    tool: str
    what: Mapping[str, object]
    """What it looked for, as the tool tells of it: for example `{"query": "…"}`."""
    has_ended: bool
    cause: str
    """Why it failed, in a word; "" if it did not."""


class Document(NamedTuple):
    """A document, or as much of it as was shown or cited."""

    file_id: int | None
    title: str
    pages: tuple[str, ...]
    """Such as `3` and `5-7`, each once."""


@dataclass(frozen=True, slots=True)
class Trail:
    """One answer, complete or not."""

    scope: Mapping[str, object]
    """The scope that held for all searches, as JSON."""
    asked: tuple[Asked, ...]
    shown: tuple[Document, ...]
    """What the model was shown, also of what earlier answers had found."""
    cited: tuple[Document, ...]
    question: str
    """The last message of the user."""
    answer: str
    """What the client has heard."""


def trail_of(
    plan: Plan, desk: Desk, jobs: Iterable[JobRun], grounding: Grounding, text: str
) -> Trail:
    """The trail of an answer whose client has heard `text`. `jobs` are all that have begun."""
    return Trail(
        scope=plan.scope.identity,
        asked=tuple(
            Asked(
                each.job.tool,
                {**desk.tool_of(each.job).trace(each.job)},
                each.ended is not None,
                each.cause,
            )
            for each in jobs
        ),
        shown=_documents(each.result for each in grounding.shown),
        cited=_documents(each.result for each in grounding.cited_passages),
        question=last_user_text(plan.chat.messages),
        answer=text,
    )


def trail_of_search(
    scope: Mapping[str, object],
    queries: Sequence[str],
    results: Iterable[Result],
    cause: str,
    *,
    has_ended: bool,
) -> Trail:
    """The trail of a search that a client made itself, for some queries.

    `cause` is why it failed, in a word; "" if it did not.
    """
    asked = tuple(Asked(SEARCH_TOOL, {"query": each}, has_ended, cause) for each in queries)
    return Trail(scope, asked, _documents(results), (), "\n".join(queries), "")


def trail_of_file(scopes: Sequence[Mapping[str, object]], shown: Sequence[Document]) -> Trail:
    """The trail of a client that asked for a document in one of `scopes`, and got it or not."""
    scope = scopes[0] if len(scopes) == 1 else {"any_of": list(scopes)}
    return Trail(scope, (), tuple(shown), (), "", "")


def _documents(results: Iterable[Result]) -> tuple[Document, ...]:
    """The documents of some results, in their order. Those without an id differ by their title."""
    pages: dict[tuple[int | None, str], dict[str, None]] = {}
    titles: dict[tuple[int | None, str], str] = {}
    for result in results:
        title = result.name[:LONGEST_TITLE]
        key = result.file_id, "" if result.file_id is not None else title
        titles.setdefault(key, title)
        known = pages.setdefault(key, {})
        if result.page_start is not None:
            known[pages_of(result)] = None
    return tuple(Document(key[0], titles[key], tuple(known)) for key, known in pages.items())
