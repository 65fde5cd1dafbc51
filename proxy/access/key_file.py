"""The key file, read again when it changes."""

from __future__ import annotations

import logging
import math
import time
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from proxy.access.clients import Client
from proxy.access.key_records import KeyRecord, records_of
from proxy.access.watched_file import WatchedFile, never_hung_up, read_text
from proxy.errors import SettingsError

_NOBODY: Final = "It lets nobody in."

_log = logging.getLogger("proxy.access")


@dataclass(frozen=True, slots=True)
class HeldKey:
    """What a secret opens, and until when, in seconds since 1970."""

    client: Client
    until: float = math.inf


def client_of(record: KeyRecord) -> Client:
    return Client(record.name, record.id, record.grant, people=record.people)


def held_keys(records: Iterable[KeyRecord]) -> Mapping[bytes, HeldKey]:
    """What each secret opens, by its SHA-256."""
    held = {}
    for record in records:
        client = client_of(record)
        expires = math.inf if record.expires is None else record.expires.timestamp()
        for secret in (record.secret, *record.previous):
            until = math.inf if secret.until is None else secret.until.timestamp()
            held[secret.sha256] = HeldKey(client, min(expires, until))
    return held


def parse_keys(text: str, path: Path) -> tuple[KeyRecord, ...]:
    """The keys in the text of `path`. Raises SettingsError with every problem."""
    try:
        return records_of(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not valid TOML ({error})") from error
    except SettingsError as error:
        raise SettingsError(*(f"{path}: {problem}" for problem in error.problems)) from error
    except (ValueError, RecursionError):
        raise SettingsError(f"{path}: has a number that is too long, or lists too deep") from None


def read_keys(path: Path) -> tuple[KeyRecord, ...]:
    """The keys in a file; none if there is no file. Raises SettingsError for a broken one."""
    text = read_text(path)
    return () if text is None else parse_keys(text, path)


def _nothing_amiss(_clients: Iterable[Client]) -> Iterable[str]:
    return ()


class KeyFile(WatchedFile):
    """The keys in a file. The keys that were read before stay while it is broken.

    A file that is gone holds no keys.
    """

    def __init__(
        self,
        path: Path,
        *,
        hang_ups: Callable[[], int] = never_hung_up,
        faults: Callable[[Iterable[Client]], Iterable[str]] = _nothing_amiss,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`faults` are those of clients that were read: each is a line of the log."""
        super().__init__(path, _log, hang_ups=hang_ups, now=now)
        self._faults = faults
        self.held: Mapping[bytes, HeldKey] = MappingProxyType({})
        """What each secret opens, by its SHA-256. A look replaces it as a whole."""
        self.look()

    def _take(self, text: str | None) -> str:
        records = () if text is None else parse_keys(text, self._path)
        self.held = held_keys(records)
        if not records:
            fault = "does not exist" if text is None else "holds no keys"
            return f"{self._path}: {fault}. {_NOBODY} Make a key: rag-proxy keys add NAME"
        _log.info("%s: read %d client keys.", self._path, len(records))
        for fault in self._faults(map(client_of, records)):
            _log.error("%s: %s", self._path, fault)
        return ""

    def _kept(self) -> str:
        return "The keys that were read before stay." if self.held else _NOBODY
