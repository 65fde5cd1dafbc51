"""The key file, read again when it changes."""

from __future__ import annotations

import asyncio
import hashlib
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
from proxy.errors import SettingsError

_LOOK_EVERY_S: Final = 1.0
_SETTLED_S: Final = 2.0
"""A file that is younger may change once more without a newer time: some systems count coarsely."""

_NOBODY: Final = "It lets nobody in."

_log = logging.getLogger("proxy.access")

Stamp = tuple[int, int, int, int]


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


def read_text(path: Path) -> str | None:
    """The text of a key file. None if there is no such file; SettingsError if it is unreadable."""
    try:
        if path.is_fifo():  # to open it would wait for a writer, perhaps for ever
            raise SettingsError(f"{path}: cannot be read (it is a pipe)")
        return path.read_bytes().decode()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise SettingsError(f"{path}: cannot be read ({reason})") from error


def read_keys(path: Path) -> tuple[KeyRecord, ...]:
    """The keys in a file; none if there is no file. Raises SettingsError for a broken one."""
    text = read_text(path)
    return () if text is None else parse_keys(text, path)


def _no_hang_ups() -> int:
    return 0


def _nothing_amiss(_clients: Iterable[Client]) -> Iterable[str]:
    return ()


class KeyFile:
    """The keys in a file, as `look` last found them. It never raises: the log says what is wrong.

    A file that is broken changes nothing: the keys that were read before stay. A file that is gone
    holds no keys.
    """

    def __init__(
        self,
        path: Path,
        *,
        hang_ups: Callable[[], int] = _no_hang_ups,
        faults: Callable[[Iterable[Client]], Iterable[str]] = _nothing_amiss,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`hang_ups` counts the signals to read the file again, changed or not.

        `faults` are those of clients that were read: each is a line of the log.
        """
        self._path = path
        self._faults = faults
        self._hang_ups = hang_ups
        self._now = now
        self._heard = hang_ups()
        self._stamp: Stamp | None = None
        self._is_settled = False
        self._content: tuple[bool, bytes] | None = None
        """Whether there was a file, and its hash: what says the same needs no parsing."""
        self._complaint = ""
        self.held: Mapping[bytes, HeldKey] = MappingProxyType({})
        """What each secret opens, by its SHA-256. A look replaces it as a whole."""
        self.look()

    def look(self) -> None:
        """Read the file if it has changed, or if a signal has asked for it."""
        heard, stamp = self._hang_ups(), _stamp(self._path)
        if heard != self._heard:
            self._heard, self._content, self._complaint = heard, None, ""
        elif stamp == self._stamp and self._is_settled:
            return
        self._stamp = stamp
        self._is_settled = stamp is None or self._now() - stamp[0] / 1e9 > _SETTLED_S
        try:
            self._read()
        except SettingsError as error:
            self._content = None
            stay = "The keys that were read before stay." if self.held else _NOBODY
            self._complain("; ".join(error.problems), stay)

    def _read(self) -> None:
        text = read_text(self._path)
        content = text is not None, hashlib.sha256((text or "").encode()).digest()
        if content == self._content:
            return
        records = () if text is None else parse_keys(text, self._path)
        self._content = content
        self._take(records, is_there=text is not None)

    async def keep_looking(self, pause_s: float = _LOOK_EVERY_S) -> None:
        """Look again and again. A long file takes a while, and nobody waits for it meanwhile."""
        while True:
            await asyncio.sleep(pause_s)
            await asyncio.to_thread(self.look)

    def _take(self, records: tuple[KeyRecord, ...], *, is_there: bool) -> None:
        self.held = held_keys(records)
        if records:
            self._complaint = ""
            _log.info("%s: read %d client keys.", self._path, len(records))
            for fault in self._faults(map(client_of, records)):
                _log.error("%s: %s", self._path, fault)
            return
        fault = "holds no keys" if is_there else "does not exist"
        self._complain(f"{self._path}: {fault}", f"{_NOBODY} Make a key: rag-proxy keys add NAME")

    def _complain(self, fault: str, result: str) -> None:
        """One line for one fault, however often it is met."""
        if fault != self._complaint:
            self._complaint = fault
            _log.error("%s. %s", fault, result)


def _stamp(path: Path) -> Stamp | None:
    """What changes when the file does; None if there is none. Also a change of rights counts."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino
