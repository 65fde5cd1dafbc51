"""What people may use: rules of the operator for groups and for users, which add up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from proxy.access.clients import Client, Person
from proxy.access.grants import Grant, sum_of
from proxy.errors import NoAccess

EVERYBODY: Final = "*"
"""The user of a rule that fits every person who is known, whatever the groups."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a group or a user may use. One of both names is ""."""

    grant: Grant
    group: str = ""
    user: str = ""

    def fits(self, person: Person) -> bool:
        if self.group:
            return self.group in person.groups
        return self.user in (EVERYBODY, person.name)


class Rules:
    """The rules that hold now. Whoever no rule fits gets nothing.

    A person costs a look-up for each of the person's groups, however many rules there are.
    """

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.take(rules)

    def take(self, rules: Iterable[Rule]) -> None:
        """Let these rules hold instead, as a whole."""
        self._index = _index(rules)

    def admit(self, client: Client, person: Person) -> Client:
        """The client as one that this person asks through. Raises NoAccess."""
        index = self._index
        names = (("", EVERYBODY), ("", person.name), *((group, "") for group in person.groups))
        grants = [index[name] for name in dict.fromkeys(names) if name in index]
        if not grants:
            raise NoAccess(
                f"The rules of this proxy open nothing to {person.name!r}, nor to a group of "
                "theirs. Ask the operator of the proxy for access."
            )
        return replace(client, person=person, of_person=sum_of(grants))


def _index(rules: Iterable[Rule]) -> Mapping[tuple[str, str], Grant]:
    """What all rules for one group or user open together, by both names of a rule."""
    found: dict[tuple[str, str], list[Grant]] = {}
    for rule in rules:
        found.setdefault((rule.group, rule.user), []).append(rule.grant)
    return {name: sum_of(grants) for name, grants in found.items()}
