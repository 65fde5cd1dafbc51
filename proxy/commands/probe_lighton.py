"""Tries LightOn with one search: its outcome tells about the address, the key and the scope."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from proxy.commands.advice import Place, explain
from proxy.commands.probing import ProbeError, Step
from proxy.core.hidden import Found
from proxy.core.scope import Scope
from proxy.core.search_tool import Search, SearchUpstream
from proxy.errors import (
    BadCredentials,
    OutOfReach,
    Overloaded,
    ProxyError,
    RateLimited,
    Unreachable,
    UpstreamRejected,
    UpstreamTimeout,
)
from proxy.settings.checks import LIGHTON_CONSOLE

_SEARCH: Final = Search("the of and to in is a for de la le et der die und das ist", 1)
"""What any text has: a search of words must not call documents absent that lack one of them."""


@dataclass(slots=True)
class LightOnProbe:
    """The steps share one search, because LightOn bills each."""

    client: SearchUpstream
    scope: Scope
    place: Place
    key_name: str = "LIGHTON_API_KEY"
    """The variable that holds the key."""
    _outcome: Found | ProxyError | None = field(init=False, default=None)

    def steps(self) -> tuple[Step, ...]:
        return (
            Step("LightOn is reachable", self._reach),
            Step("LightOn accepts the key", self._identify),
            Step("LightOn searches", self._search),
        )

    async def _reach(self) -> str:
        try:
            self._outcome = await self.client.search(_SEARCH, self.scope)
        except (Unreachable, UpstreamTimeout) as error:
            raise ProbeError(explain(error, self.place)) from error
        except ProxyError as error:
            self._outcome = error
        return self.place.shown

    async def _identify(self) -> str:
        if isinstance(self._outcome, BadCredentials):
            raise ProbeError(f"LightOn rejects {self.key_name}: create one at {LIGHTON_CONSOLE}.")
        return ""

    async def _search(self) -> str:
        match self._outcome:
            case Found(results=()):
                return "no results; does the key reach any documents, within the settings' scope?"
            case OutOfReach(message=said):
                raise ProbeError(said)
            case UpstreamRejected(message=said):
                raise ProbeError(f"{said} Check workspace_id, tag_id and the other scope settings.")
            case RateLimited(message=said) | Overloaded(message=said):
                raise ProbeError(f"{said} Try again later.")
            case ProxyError(message=said):
                raise ProbeError(
                    f"{said} Check that LIGHTON_BASE_URL is LightOn: {self.place.url}."
                )
        return "one result"
