"""What one key has used, or one person behind it, as the usage file says.

Nothing is counted in memory as answers end: then the workers would have to agree, and a restart
would lose it. Instead a client's lines are read when it asks, and next time only what is new. All
workers see the same file, so all give the same sums.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

import orjson

from proxy.access.clients import Client
from proxy.telemetry.people import PeopleInRecords
from proxy.telemetry.rotated import with_rotated
from proxy.telemetry.usage_lines import read_lines
from proxy.telemetry.usage_sums import BrokenLineError, Record, Sums, day_of, person_of, read_record

MOST_CLIENTS: Final = 200
"""So many clients' sums are remembered. Those of others are read again from the beginning."""
_AT_ONCE: Final = 64_000
"""Bytes. Between two such reads the event loop gets its turn."""
_SIGN_BYTES: Final = 80
"""How much of a file's beginning tells it from another one: its first line's time and id."""

_Owner = tuple[str, str, str]
"""A line's `key_id`, `key` and `person`."""
DaysAndModels = dict[tuple[str, str], Sums]


@dataclass(slots=True)
class _Progress:
    """How far one file has been read for one client."""

    sign: bytes = b""
    place: int = 0
    sums: DaysAndModels = field(default_factory=dict)


@dataclass(slots=True)
class OwnUsage:
    """Reads the usage file for one client at a time. It blocks: call it in a thread."""

    path: Path
    people: PeopleInRecords
    _progress: OrderedDict[tuple[str, ...], dict[tuple[int, int], _Progress]] = field(
        default_factory=OrderedDict
    )
    """By client, then by file: a file that is renamed stays the same."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, client: Client, since: str = "") -> DaysAndModels:
        """The sums of a client from the day `since` on, by day and answering model.

        A person's are those of the person alone, and a key's those without a person. Raises
        OSError if the file cannot be read. One that does not exist yet holds nothing.
        """
        with self._lock:
            files = self._progress.setdefault(client.identity, {})
            self._progress.move_to_end(client.identity)
            if len(self._progress) > MOST_CLIENTS:
                self._progress.popitem(last=False)
            owner = client.id, client.name, self.people.name_of(client)
            seen = dict(_read_all(self.path, owner, files))
            self._progress[client.identity] = seen
            total: DaysAndModels = {}
            for progress in seen.values():
                for group, sums in progress.sums.items():
                    if group[0] >= since:
                        total.setdefault(group, Sums()).include(sums)
            return total


def _read_all(
    path: Path, owner: _Owner, files: dict[tuple[int, int], _Progress]
) -> Iterator[tuple[tuple[int, int], _Progress]]:
    for each in with_rotated(path):
        if not each.is_file():  # a device may be read for ever, and a pipe waited for
            continue
        try:
            with each.open("rb", buffering=0) as file:
                status = os.fstat(file.fileno())
                identity = (status.st_dev, status.st_ino)
                sign = file.read(_SIGN_BYTES)
                progress = files.get(identity) or _Progress()
                if status.st_size < progress.place or not sign.startswith(progress.sign):
                    progress = _Progress()  # emptied, or another file with the number of an old one
                progress.sign = sign
                file.seek(progress.place)
                _read_on(file, owner, progress)
                yield identity, progress
        except FileNotFoundError:  # there is none yet, or it was just rotated away
            continue


def _read_on(file: BinaryIO, owner: _Owner, progress: _Progress) -> None:
    """Take in the whole lines that have come since the last time."""
    key_id, key, person = owner
    named = ("key_id", key_id) if key_id else ("key", key)
    if person:
        named = "person", person
    needle = b'"%b":%b' % (named[0].encode(), orjson.dumps(named[1]))
    for lines, size in read_lines(file, _AT_ONCE, to_end=False):
        progress.place += size
        if needle in lines:
            for line in lines.split(b"\n"):
                if needle in line:
                    _take(line, owner, progress.sums)


def _take(line: bytes, owner: _Owner, total: DaysAndModels) -> None:
    try:
        record, _ = read_record(line)
        if (record.get("key_id"), record.get("key"), person_of(record)) == owner:
            group = day_of(record), _model_of(record)
            sums = total.get(group) or Sums()
            sums.add(record)
            total[group] = sums
    except BrokenLineError:
        return  # `rag-proxy usage` counts them


def _model_of(record: Record) -> str:
    return str(record.get("answered_by", ""))
