"""Tries the issuer of tokens: fetches its keys."""

from __future__ import annotations

from dataclasses import dataclass

from proxy.access.signatures import public_keys
from proxy.commands.advice import Place, explain
from proxy.commands.probing import ProbeError, Step
from proxy.errors import BadReply, UpstreamError
from proxy.upstreams.oidc.issuer import Issuer


@dataclass(frozen=True, slots=True)
class IssuerProbe:
    issuer: Issuer
    place: Place

    def steps(self) -> tuple[Step, ...]:
        return (Step("The issuer of tokens has keys", self._keys),)

    async def _keys(self) -> str:
        try:
            found = tuple(public_keys(await self.issuer.keys()))
        except BadReply as error:  # there is something, and it is not as it should be
            raise ProbeError(f"{error.message} Check {self.place.setting}.") from error
        except UpstreamError as error:
            raise ProbeError(explain(error, self.place)) from error
        except ValueError as error:
            raise ProbeError(f"What {self.place.host} sent as its keys {error}.") from error
        if not found:
            raise ProbeError(f"{self.place.host} has none that can check a signature.")
        count = "1 key" if len(found) == 1 else f"{len(found)} keys"
        return f"{count} at {self.place.shown}"
