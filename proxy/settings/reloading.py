"""The settings file, followed while the proxy runs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from proxy.access.watched_file import WatchedFile, never_hung_up
from proxy.settings.loading import load_settings, settings_file
from proxy.settings.schema import Settings

Apply = Callable[[Settings], str]
"""Lets new settings hold, as far as it can, and says what holds now in a few words."""

_log = logging.getLogger("proxy.settings")

_APPLIED: Final = frozenset({"access"})
"""The settings that hold as soon as they are read. All others wait for the next start."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the settings of this process come from."""

    config: Path | None = None
    flags: Mapping[str, object] = field(default_factory=dict)

    @property
    def file(self) -> Path | None:
        """The TOML file, if it can be read more than once."""
        path = settings_file(self.config)
        return path if path is not None and path.is_file() else None

    def load(self) -> Settings:
        """Read all sources again, in their order. Raises SettingsError."""
        return load_settings(self.config, **self.flags)


class SettingsFile(WatchedFile):
    """Applies what a change of the settings file says, in the order of all sources.

    What stands in the environment wins over the file, as at the start.
    """

    def __init__(
        self,
        path: Path,
        origin: Origin,
        started: Settings,
        apply: Iterable[Apply],
        *,
        hang_ups: Callable[[], int] = never_hung_up,
    ) -> None:
        """`started` are the settings that hold until the file says others."""
        super().__init__(path, _log, hang_ups=hang_ups)
        self._origin = origin
        self._started = started
        self._apply = tuple(apply)
        self._has_read = False
        self.look()

    def _take(self, text: str | None) -> str:  # noqa: ARG002 - the file is one of the sources
        settings = self._origin.load()
        is_as_started = settings == self._started and not self._has_read
        self._has_read = True
        if not is_as_started:
            said = "; ".join(apply(settings) for apply in self._apply)
            _log.info("%s: read again: %s.%s", self._path, said, self._waiting(settings))
        return ""

    def _kept(self) -> str:
        return "What was read before holds on."

    def _waiting(self, settings: Settings) -> str:
        """The settings that the running proxy does not have, as a sentence. It names no value."""
        others = [
            name
            for name in Settings.model_fields
            if name not in _APPLIED and getattr(settings, name) != getattr(self._started, name)
        ]
        return f" These hold from the next start: {', '.join(others)}." if others else ""
