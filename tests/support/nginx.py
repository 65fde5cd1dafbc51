"""A real nginx in front of one server, on a free port of this machine."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from bench.sockets import free_port
from tests.support.program import running

_PATIENCE_S: Final = 60
_LOOK_AGAIN_S: Final = 0.02
_TEMPORARY: Final = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")

# The lines for websockets are those that guides and ingress controllers have. With a pool of one,
# every client's request takes the same connection.
_CONFIGURATION: Final = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    {temporary}
    upstream backend {{
        server {backend};
        keepalive 1;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://backend;
            proxy_http_version 1.1;
            proxy_set_header Host $host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection "upgrade";
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        }}
    }}
}}
"""


@contextmanager
def nginx(backend: str) -> Iterator[int]:
    """Run nginx in front of `backend`, as host:port; gives its own port.

    Skips the test where there is no nginx.
    """
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        pytest.skip("needs nginx (apt-get install nginx-light): the tests behind it are left out")
    with tempfile.TemporaryDirectory(prefix="nginx-") as folder:
        port = free_port()
        temporary = "\n    ".join(f"{each}_temp_path {folder}/{each};" for each in _TEMPORARY)
        configuration = Path(folder) / "nginx.conf"
        configuration.write_text(
            _CONFIGURATION.format(folder=folder, temporary=temporary, backend=backend, port=port)
        )
        command = [program, "-p", folder, "-c", str(configuration)]
        with running(command, stderr=subprocess.PIPE) as process:
            _wait_for(port, process)
            yield port


def _wait_for(port: int, process: subprocess.Popen[str]) -> None:
    """It does not say when it listens, so it is asked until it does."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), _PATIENCE_S).close()
        except OSError:
            time.sleep(_LOOK_AGAIN_S)
        else:
            return
    process.kill()
    said = process.communicate(timeout=_PATIENCE_S)[1]
    raise AssertionError(f"nginx did not start:\n{said}")
