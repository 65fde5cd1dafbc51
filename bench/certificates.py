"""A certificate for the scripted upstream, from an authority that lives as long as the run.

The `openssl` command makes both. The benchmark runs from the proxy's own environment, in which
nothing else can make certificates.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.sockets import HOST

_PATIENCE_S: Final = 30.0
_CONFIG: Final = f"""\
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = IP:{HOST}
authorityKeyIdentifier = keyid
"""
"""Everything that strict clients look for, whatever the system's configuration says."""
_NEW: Final = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


class NoCertificatesError(RuntimeError):
    """The benchmark could not make certificates."""


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files."""

    authority: Path
    """The certificate that clients must trust."""
    server: Path
    """The certificate for 127.0.0.1."""
    key: Path
    """The private key of the server's certificate."""


def missing() -> str:
    """Why the benchmark can make no certificates; "" if it can."""
    return "" if shutil.which("openssl") else "needs openssl"


def make_certificates(folder: Path) -> Certificates:
    """Make them in `folder`, valid for a day. Raises NoCertificatesError."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "openssl.cnf"
    config.write_text(_CONFIG)
    authority, key_of_authority = folder / "authority.pem", folder / "authority.key"
    made = Certificates(authority, folder / "server.pem", folder / "server.key")
    common = (*_NEW, "-config", str(config), "-days", "1")
    _openssl(
        *(*common, "-extensions", "authority", "-subj", "/CN=Authority of the benchmark"),
        *("-keyout", str(key_of_authority), "-out", str(authority)),
    )
    _openssl(
        *(*common, "-extensions", "server", "-subj", f"/CN={HOST}"),
        *("-CA", str(authority), "-CAkey", str(key_of_authority)),
        *("-keyout", str(made.key), "-out", str(made.server)),
    )
    return made


def _openssl(*arguments: str) -> None:
    try:
        done = subprocess.run(  # noqa: S603  # with arguments from above
            [shutil.which("openssl") or "openssl", *arguments],
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as fault:
        raise NoCertificatesError(str(fault)) from fault
    if done.returncode:
        raise NoCertificatesError(f"openssl: {done.stderr.strip()}")
