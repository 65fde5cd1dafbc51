"""The settings of a proxy that runs: rules follow their file, all else follows the signal.

Theory of operation:

The TOML file is looked at all the time. A change lets other rules for people hold at once, and
nothing else: whoever edits it decides when the rest should, by SIGHUP. The signal reads all sources
again, checks them as at the start, and replaces what holds as a whole, or not at all. The
environment of a process never changes, and wins over the files, as at the start.

`FIXED` names what a running process cannot change. It keeps these, also for the checks: a file that
moves the proxy to a loopback address and takes the keys away must not open the address it is on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from proxy.access.watched_file import WatchedFile, never_hung_up
from proxy.errors import EmptyScope, SettingsError
from proxy.settings.loading import load_named_secrets, load_settings, settings_file
from proxy.settings.named_secrets import NO_SECRETS, NamedSecrets
from proxy.settings.schema import Settings

Apply = Callable[[Settings], str]
"""Lets new rules hold, and says what holds now in a few words."""
Check = Callable[[Settings, NamedSecrets], Iterable[str]]
"""Raises SettingsError for settings that the proxy would not start with. Returns warnings."""

_LOOK_EVERY_S: Final = 1.0
_KEPT: Final = "What was read before holds on."
_FOLLOWED: Final = frozenset({"access"})
"""The settings that hold as soon as they are read."""
FIXED: Final = frozenset(
    {
        "host",
        "port",
        "workers",
        "max_head_bytes",
        "max_headers",
        "head_timeout_s",
        "client_stall_s",
        "max_waiting_connections",
        "trusted_proxies",
        "drain_delay_s",
        "grace_s",
        "metrics",
        "metrics_port",
        "metrics_host",
        "redis_url",
        "state_max_bytes",
    }
)
"""The settings of the server, its counts and of the store: they hold from the next start."""

_log = logging.getLogger("proxy.settings")


def _nothing_amiss(_settings: Settings, _secrets: NamedSecrets) -> Iterable[str]:
    return ()


@dataclass(frozen=True, slots=True)
class Given:
    """All that an operator gives the proxy."""

    settings: Settings
    secrets: NamedSecrets = NO_SECRETS


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the settings of this process come from, and how they are checked."""

    config: Path | None = None
    flags: Mapping[str, object] = field(default_factory=dict)
    check: Check = _nothing_amiss

    @property
    def file(self) -> Path | None:
        """The TOML file, if it can be read more than once."""
        path = settings_file(self.config)
        return path if path is not None and path.is_file() else None

    def load(self) -> Settings:
        """Read all sources again, in their order. Raises SettingsError."""
        return load_settings(self.config, **self.flags)


class SettingsFile(WatchedFile):
    """Applies the rules that a change of the settings file brings."""

    def __init__(
        self, path: Path, origin: Origin, started: Settings, apply: Iterable[Apply]
    ) -> None:
        """`started` are the settings that hold until the file says others."""
        super().__init__(path, _log)
        self._origin = origin
        self._holding = started
        self._apply = tuple(apply)
        self._seen: Settings | None = started
        self.look()

    def hold(self, seen: Settings, holding: Settings) -> None:
        """The signal has let these hold, of those that were seen."""
        self._seen, self._holding = seen, holding

    def _take(self, text: str | None) -> str:  # noqa: ARG002 - the file is one of the sources
        seen, self._seen = self._seen, None
        self._seen = settings = self._origin.load()
        if settings != seen:
            said = "; ".join(apply(settings) for apply in self._apply)
            _log.info("%s: read again: %s.%s", self._path, said, self._waiting(settings))
        return ""

    def _kept(self) -> str:
        return _KEPT

    def _waiting(self, settings: Settings) -> str:
        """The settings that do not hold yet, as sentences. They name no value."""
        changed = changes(self._holding, settings)
        others = [each for each in changed if each not in FIXED | _FOLLOWED]
        waiting = f" These hold after SIGHUP: {', '.join(others)}." if others else ""
        return waiting + _from_next_start(changed)


class Following:
    """Follows the settings of a process, and lets them hold by `replace`."""

    def __init__(
        self,
        origin: Origin,
        holding: Given,
        replace: Callable[[Given], None],
        apply: Apply,
        *,
        hang_ups: Callable[[], int] = never_hung_up,
    ) -> None:
        """`hang_ups` counts the signals. `replace` raises SettingsError where it changed nothing.

        `apply` lets the rules hold, also without a signal.
        """
        self._origin, self._holding = origin, holding
        self._replace, self._apply = replace, apply
        self._hang_ups, self._heard = hang_ups, hang_ups()
        path = origin.file
        started = holding.settings
        self._file = None if path is None else SettingsFile(path, origin, started, [apply])

    async def keep_following(self, pause_s: float = _LOOK_EVERY_S) -> None:
        while True:
            await asyncio.sleep(pause_s)
            await self.look()

    async def look(self) -> None:
        """Do what a signal or a change of the file asks for, if there was one."""
        heard = self._hang_ups()
        if heard != self._heard:
            self._heard = heard
            await self._reload()
        elif self._file is not None:
            await asyncio.to_thread(self._file.look)

    async def _reload(self) -> None:
        try:
            read, given, warnings = await asyncio.to_thread(self._read)
            self._replace(given)
        except SettingsError as error:
            _log.error("SIGHUP: %s %s", error.sentence, _KEPT)
            return
        except EmptyScope as error:
            _log.error("SIGHUP: %s %s", error.message, _KEPT)
            return
        before, self._holding = self._holding, given
        self._apply(given.settings)
        if self._file is not None:
            self._file.hold(read, given.settings)
        _tell(before, given, read, warnings)

    def _read(self) -> tuple[Settings, Given, tuple[str, ...]]:
        """The settings as they stand, what of them can hold, and warnings. Raises SettingsError."""
        read, secrets = self._origin.load(), load_named_secrets()
        holding = self._holding.settings
        held = read.model_copy(update={name: getattr(holding, name) for name in FIXED})
        tuple(self._origin.check(read, secrets))
        warnings = tuple(self._origin.check(held, secrets))
        return read, Given(held, secrets), warnings


def changes(before: Settings, after: Settings) -> list[str]:
    """The names of the settings that differ, also of single profiles. They tell no value."""
    named: list[str] = []
    for name in Settings.model_fields:
        old, new = getattr(before, name), getattr(after, name)
        if isinstance(old, dict) and isinstance(new, dict):
            keys = (key for key in {**old, **new} if old.get(key) != new.get(key))
            named += (f"{name}.{key}" for key in keys)
        elif old != new:
            named.append(name)
    return named


def _tell(before: Given, given: Given, read: Settings, warnings: Iterable[str]) -> None:
    changed = changes(before.settings, given.settings)
    if before.secrets != given.secrets:
        changed.append("variables in .env")
    what = f"Changed: {', '.join(changed)}." if changed else "Nothing has changed."
    _log.info("SIGHUP: settings read again. %s", what)
    if waiting := _from_next_start(changes(given.settings, read)):
        _log.warning("SIGHUP:%s", waiting)
    for warning in warnings:
        _log.warning("SIGHUP: %s", warning)


def _from_next_start(changed: Iterable[str]) -> str:
    fixed = [each for each in changed if each in FIXED]
    return f" These hold from the next start: {', '.join(fixed)}." if fixed else ""
