"""The search desk: decides what each call of the search tool gets, and writes the answers.

A call gets a search, the result of an earlier one, or a correction. The decision is made as soon as
a call is complete, possibly while its round still streams, and stays the same when it is asked
again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from proxy.core.kept import Findings, KeptSearch
from proxy.core.passages import Listing, PassageBook, Result
from proxy.core.scope import Scope
from proxy.core.search_tool import NAME, Order, Search, read_call
from proxy.core.turn import ToolCall
from proxy.errors import ProxyError, UpstreamError

UNAVAILABLE: Final = (
    "The search is unavailable at the moment. Answer from what you have, and tell the user that "
    "the documents could not be searched."
)
FULL: Final = (
    "Not run: there is no room for more passages. Answer from what you have, and tell the user if "
    "that is not enough."
)


class Found(NamedTuple):
    """What a search brought."""

    results: tuple[Result, ...] = ()
    warnings: tuple[dict[str, Any], ...] = ()
    """LightOn's own: `{code, reason?}`, for example when ranking was degraded."""
    took_ms: int = 0


@dataclass(frozen=True, slots=True)
class Failed:
    """A search that brought nothing because it failed."""

    error: ProxyError
    took_ms: int = 0


Outcome = Found | Failed


class _ByWords:
    """Searches by their words."""

    __slots__ = ("_searches",)

    def __init__(self) -> None:
        self._searches: dict[tuple[str, ...], list[Search]] = {}
        """Of those for the same words, each that brings more results than all before it."""

    def add(self, search: Search) -> None:
        known = self._searches.setdefault(_words(search), [])
        if not known or search.max_results > known[-1].max_results:
            known.append(search)

    def find(self, search: Search) -> Search | None:
        """The first search for the same words that brings at least as many results."""
        known = self._searches.get(_words(search), ())
        return next((each for each in known if each.max_results >= search.max_results), None)


def _words(search: Search) -> tuple[str, ...]:
    return tuple(search.query.casefold().split())


@dataclass(slots=True)
class SearchDesk:
    """Takes the search calls of one request, which may go on with the answer of an earlier one."""

    scope: Scope
    book: PassageBook
    max_searches: int
    """The most searches of one round."""
    query_limit: int
    trace: list[dict[str, Any]] = field(default_factory=list)
    """Every search that was run, as the reply's `lighton.searches` shows it."""
    causes: list[str] = field(default_factory=list)
    """Why searches failed, a word for the operator each."""
    _orders: dict[str, Order] = field(default_factory=dict)
    _listings: dict[Search, Listing] = field(default_factory=dict)
    _round: dict[Search, None] = field(default_factory=dict)
    _recalled: set[Search] = field(default_factory=set)
    _listed: _ByWords = field(default_factory=_ByWords)
    _asked: _ByWords = field(default_factory=_ByWords)
    """The searches of the listings and those of the round."""

    def recall(self, findings: Findings, chars: int) -> bool:
        """Take in what an earlier request found, which the model is shown in `chars` characters.

        False, and nothing is taken in, if its passages cannot keep their numbers.
        """
        taken = self.book.recall(findings.passages, last_number=findings.last_number, chars=chars)
        if taken:
            passages = self.book.passages
            for each in findings.searches:
                known = tuple(passages[n] for n in each.numbers if n in passages)
                self._listings.setdefault(each.search, Listing(known=known, left_out=each.left_out))
                self._listed.add(each.search)
                self._recalled.add(each.search)
        return taken

    def findings(self) -> Findings:
        """What was found in this request, for a later one to recall."""
        searches = tuple(
            KeptSearch(search, tuple(each.n for each in listing.passages), listing.left_out)
            for search, listing in self._listings.items()
            if search not in self._recalled
        )
        return Findings(self.book.new, searches, self.book.last_number)

    def begin_round(self) -> None:
        self._orders = {}
        self._round = {}
        self._asked = _ByWords()

    def take(self, call: ToolCall) -> Search | None:
        """The search to start for `call`; None if it gets its answer without one."""
        order = self._orders.get(call.id)
        if order is None:
            order = self._orders[call.id] = self._decide(call)
        search = order.search
        return search if search in self._round else None

    def round_searches(self) -> tuple[Search, ...]:
        """The searches that this round needs, in the order of their calls."""
        return tuple(self._round)

    def record(self, outcomes: Mapping[Search, Outcome]) -> None:
        """Take in what the searches brought, in the order of their calls."""
        for search, outcome in outcomes.items():
            entry: dict[str, Any] = {
                "query": search.query,
                "took_ms": outcome.took_ms,
                "results": [],
                "warnings": [],
            }
            if isinstance(outcome, Failed):
                entry["error"] = outcome.error.message
                if isinstance(outcome.error, UpstreamError):
                    self.causes.append(outcome.error.cause)
            else:
                listing = self._listings[search] = self.book.add(outcome.results)
                self._listed.add(search)
                entry["results"] = [passage.as_trace() for passage in listing.passages]
                entry["warnings"] = list(outcome.warnings)
            self.trace.append(entry)

    def answers(self, calls: tuple[ToolCall, ...]) -> list[str]:
        """What the model is told for each call, once the round's searches are recorded."""
        told: set[Search] = set()
        return [self._answer(self._orders[call.id], told) for call in calls]

    def has_found(self, search: Search) -> bool:
        """Whether a search has been run and did not fail."""
        return search in self._listings

    def context(self, search: Search) -> str:
        """What a search before the first round is shown as."""
        listing = self._listings.get(search)
        return UNAVAILABLE if listing is None else self._show(search, listing)

    def _decide(self, call: ToolCall) -> Order:
        order = read_call(call, self.scope, query_limit=self.query_limit)
        if order.search is None:
            return order
        earlier = self._listed.find(order.search) or self._asked.find(order.search)
        if earlier is not None:
            return Order(earlier, order.notes)
        if self.book.is_full:
            return Order(fault=FULL)
        if len(self._round) >= self.max_searches:
            limit = self.max_searches
            return Order(fault=f"Not run: at most {limit} searches a round. Call {NAME} again.")
        self._round[order.search] = None
        self._asked.add(order.search)
        return order

    def _answer(self, order: Order, told: set[Search]) -> str:
        if order.search is None:
            return order.fault
        listing = self._listings.get(order.search)
        if listing is None:
            text = UNAVAILABLE
        elif order.search in self._round and order.search not in told:
            text = self._show(order.search, listing)
        else:
            text = listing.refer()
        told.add(order.search)
        return "\n\n".join([text, *order.notes])

    def _show(self, search: Search, listing: Listing) -> str:
        """The listing with its texts, which are then let go of: long rounds need not hold them."""
        self._listings[search] = self.book.shown(listing)
        return listing.render()
