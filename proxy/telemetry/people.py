"""How people are named in the usage file and in the log: by a hash, or as they are."""

from __future__ import annotations

import hmac
import os
from dataclasses import dataclass, field
from typing import Final

from proxy.access.clients import Client

_LENGTH: Final = 16
"""64 bits, so that no two of the people of one key will ever share a name."""


def _unknown_secret() -> bytes:
    return os.urandom(32)


@dataclass(frozen=True, slots=True)
class PeopleInRecords:
    """The names of people in records.

    A hash depends on `secret`, so that a reader of the records cannot test guesses of a person's
    name, which for most is an address that others know.
    """

    secret: bytes = field(default_factory=_unknown_secret, repr=False)
    """By default one that no other process knows."""
    as_given: bool = False

    def name_of(self, client: Client) -> str:
        """The same for one name behind every key. "" for a client that is no person."""
        person = client.person
        if person is None:
            return ""
        if self.as_given:
            return person.name
        return hmac.digest(self.secret, person.name.encode(), "sha256").hex()[:_LENGTH]
