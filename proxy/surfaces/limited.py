"""Surfaces whose requests count to the limits of their clients."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Awaitable
from dataclasses import dataclass, field, replace
from typing import Final

from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from proxy.access.clients import Client
from proxy.access.grants import EVERYTHING, Limits
from proxy.access.ledger import Account, Whose
from proxy.state.counters import Counters
from proxy.surfaces.exchange import Exchange, exchange_of
from proxy.surfaces.slot import Slot

MOST_KNOWN: Final = 10_000
_NONE: Final = EVERYTHING.limits


@dataclass(slots=True)
class AllLimits:
    """The limits of each person, of each key with all its people, and of all clients together.

    `realm` separates the accounts from others in the same Redis.
    """

    counters: Counters
    of_all: Limits
    realm: str
    _of_all: tuple[Account, ...] = field(init=False)
    _known: OrderedDict[tuple[str, ...], Account] = field(init=False, default_factory=OrderedDict)
    """The latest account of each key and person, so that its name is not hashed for each request.

    There may be very many people. Those that came first go first, and have theirs made again.
    """

    def __post_init__(self) -> None:
        account = Account(self._name(), self.of_all, whose="all")
        self._of_all = () if self.of_all == _NONE else (account,)

    def slot_of(self, client: Client, *, is_for_answer: bool = True) -> Slot | None:
        """A slot for a request of `client`; None if nothing limits it.

        Where the request is not for an answer, only the limits of requests count.
        """
        limits = client.grant.limits
        accounts = self._of_all
        if limits is not _NONE and limits != _NONE:
            accounts = (self._account("key", client.of_key, limits), *accounts)
        if client.person is not None and client.of_person.limits != _NONE:
            own = self._account("person", client.identity, client.of_person.limits)
            accounts = (own, *accounts)
        if not is_for_answer:
            accounts = tuple(map(_of_requests, filter(_counts_requests, accounts)))
        return Slot(self.counters, accounts, takes_place=is_for_answer) if accounts else None

    def _account(self, whose: Whose, identity: tuple[str, ...], limits: Limits) -> Account:
        account = self._known.get(identity)
        if account is None or account.limits != limits:
            account = self._known[identity] = Account(self._name(*identity), limits, whose)
            if len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
        return account

    def _name(self, *identity: str) -> str:
        named = "\0".join((self.realm, *identity))
        return hashlib.sha256(named.encode()).hexdigest()[:32]


def _counts_requests(account: Account) -> bool:
    return account.limits.requests_per_minute is not None


def _of_requests(account: Account) -> Account:
    """The same account, as far as it counts requests."""
    return replace(account, limits=Limits(account.limits.requests_per_minute))


def _route_of(scope: Scope) -> str:
    """The path of the route, with names in place of ids, so that there are few of them."""
    route = scope.get("route")
    return route.path_format if isinstance(route, Route) else str(scope["path"])


class Limited:
    """A surface within the limits. It takes a request before the body is read.

    The surface itself reserves tokens, and says what an answer has cost: see `Slot`. `Requests`
    ends the slot before the last byte of the reply, so that a client that asks again at once finds
    its place free. A client that hangs up gets no last byte.
    """

    def __init__(
        self,
        surface: ASGIApp,
        limits: AllLimits,
        *,
        makes_answers: bool = True,
        is_recorded: bool | None = None,
        has_documents: bool = True,
    ) -> None:
        """A surface that does not make answers takes no place among them, and no tokens.

        Whether usage and audit tell of its requests, `is_recorded` may say: else they do of those
        for answers. The audit does so only if the surface `has_documents` that answers rest on.
        """
        self.surface = surface
        self.limits = limits
        self.makes_answers = makes_answers
        self.is_recorded = makes_answers if is_recorded is None else is_recorded
        self.has_documents = has_documents

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        exchange = exchange_of(scope)
        exchange.wants_answer, exchange.has_documents = self.is_recorded, self.has_documents
        exchange.route = _route_of(scope)
        slot = self.limits.slot_of(exchange.client, is_for_answer=self.makes_answers)
        if slot is None:
            return self.surface(scope, receive, send)
        return self._within(slot, exchange, scope, receive, send)

    async def _within(
        self, slot: Slot, exchange: Exchange, scope: Scope, receive: Receive, send: Send
    ) -> None:
        exchange.slot = slot
        try:
            await slot.begin()
            await self.surface(scope, receive, send)
        finally:
            await slot.end()
