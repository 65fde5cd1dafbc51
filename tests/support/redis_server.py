"""A real Redis or Valkey, on a Unix socket of its own: no other process can have its address."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

_PATIENCE_S: Final = 60
_PROGRAMS: Final = ("redis-server", "valkey-server")


class RedisServer:
    """A server that forgets everything when it stops, and can be started again at its address."""

    def __init__(self, program: str, folder: Path, options: tuple[str, ...]) -> None:
        self.socket = folder / "redis.sock"
        self.url = f"unix://{self.socket}"
        fixed = ("--port", "0", "--save", "", "--appendonly", "no", "--dir", str(folder))
        self._command = (program, *fixed, "--unixsocket", str(self.socket), *options)

    def start(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - a program of this machine, no shell
            self._command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._log = ""
        self._said_something = threading.Event()
        """Set when it is ready, or has ended."""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert self._said_something.wait(_PATIENCE_S), f"Redis is not ready:\n{self._log}"
        assert self._process.poll() is None, f"Redis did not start:\n{self._log}"

    def stop(self) -> None:
        """At once, as if its machine went. Nothing happens if it has stopped already."""
        self._process.kill()
        self._process.wait(_PATIENCE_S)
        self._reader.join(_PATIENCE_S)

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._log += line
                if "eady to accept connections" in line:  # worded after what it listens on
                    self._said_something.set()
        self._process.wait(_PATIENCE_S)
        self._said_something.set()


@contextmanager
def redis_server(*options: str) -> Iterator[RedisServer]:
    """Run a server with these options of its command line. Skips the test where there is none."""
    program = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if program is None:
        pytest.skip(
            "needs redis-server or valkey-server (apt-get install redis-server): the tests of "
            "shared state are left out"
        )
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:  # a socket's path must be short
        server = RedisServer(program, Path(folder), options)
        try:
            server.start()
            yield server
        finally:
            server.stop()
