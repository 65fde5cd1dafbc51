"""Who asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from proxy.access.grants import EVERYTHING, Grant


@dataclass(frozen=True, slots=True)
class Person:
    """One of those that a key or an issuer of tokens stands for."""

    name: str
    """As rules name the person, for example an e-mail address. Never ""."""
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PeopleHeaders:
    """The headers in which a front-end says who asks through its key."""

    user: str
    secret_env: str = ""
    """The variable with the secret that the user header is signed with; "" if it is plain."""
    groups: str = ""
    """The header with the person's groups; "" if there is none."""


@dataclass(frozen=True, slots=True)
class Client:
    """The sender of a request, as far as the proxy tells clients apart."""

    name: str
    """A name that stands for the key but does not reveal it, the same in every process.

    "" for ANYBODY.
    """
    id: str = ""
    """Tells apart keys of one name, one of which was made after the other was revoked.

    A rotated key keeps it. "" for keys that have no record.
    """
    grant: Grant = EVERYTHING
    """What the key opens."""
    person: Person | None = None
    """Who asks through the key; None if it stands for nobody but itself."""
    of_person: Grant = EVERYTHING
    """What rules open to the person, of what the key opens."""
    people: PeopleHeaders | None = None
    """How a request says for whom the key stands; None if it stands for nobody but itself."""

    @property
    def identity(self) -> tuple[str, ...]:
        """What separates its state from that of all others, whatever it may do by now."""
        if self.person is None:
            return self.id, self.name
        return self.id, self.name, self.person.name

    @property
    def of_key(self) -> tuple[str, str]:
        """The identity of the key: what all its people have in common."""
        return self.id, self.name

    @property
    def allowed(self) -> Grant:
        """What it may name and do: what both the key and the rules open.

        The limits are the key's; those of the person hold beside them. The workspaces of both are
        narrowed in `proxy.core.scope`, as all parts of a scope are.
        """
        return self.grant if self.person is None else self.grant.within(self.of_person)


ANYBODY: Final = Client("")
"""Any client, where no keys are in use or the path needs none."""
