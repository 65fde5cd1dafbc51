"""The names that a client may send as `model`: profiles, and models of the upstream."""

from __future__ import annotations

from collections.abc import Iterable

from proxy.access.grants import Grant
from proxy.core.lookalikes import Names
from proxy.errors import ModelNotFound


class ModelNames:
    """Tells profiles and models apart, and both from what a client may not use.

    What it may not use is as if it were not there: no message tells of it. Yet no model stands in
    for a hidden profile, nor for one whose name is nearly a profile's: it would search more.
    """

    def __init__(self, profiles: Iterable[str]) -> None:
        self.profiles = Names(profiles)

    def profiles_of(self, grant: Grant) -> list[str]:
        """The profiles that a client may use, in their order."""
        return [name for name in self.profiles if _has(grant.profiles, name)]

    def is_profile(self, name: str, grant: Grant) -> bool:
        """Whether `name` is a profile; else it may be a model. Raises ModelNotFound."""
        if name in self.profiles:
            if _has(grant.profiles, name):
                return True
            raise ModelNotFound.of(name)
        if alike := self.profiles.like(name):
            meant = next((each for each in alike if _has(grant.profiles, each)), None)
            if meant is None:
                raise ModelNotFound.of(name)
            raise ModelNotFound.of(name, f"Did you mean the profile {meant!r}?")
        if not _has(grant.models, name):
            raise ModelNotFound.of(name)
        return False

    def may_name_model(self, grant: Grant) -> bool:
        """Whether there is any name but a profile's that a client may use."""
        models = grant.models
        return models is None or any(self.shows(each, grant) for each in models)

    def shows(self, model: str, grant: Grant) -> bool:
        """Whether a client may use the upstream's `model`."""
        is_free = model not in self.profiles and not self.profiles.like(model)
        return is_free and _has(grant.models, model)


def _has(allowed: frozenset[str] | None, name: str) -> bool:
    return allowed is None or name in allowed
