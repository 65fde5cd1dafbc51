"""Which authorities the proxy trusts, and which certificate it shows.

It trusts what OpenSSL trusts on this machine, and whatever `ca_file` adds. As with curl and git,
SSL_CERT_FILE and SSL_CERT_DIR may replace the system's store. If the system has no store, as in the
smallest images, the proxy uses Mozilla's list in the package certifi.

All this is `ssl` alone. The package truststore would ask macOS and Windows in their own ways. But
on Linux, where servers run, it also asks OpenSSL, and it has nothing for a system without a store.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

import certifi

from proxy.errors import SettingsError

_STORE_VARIABLES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")


class CertificateFiles(Protocol):
    """The files that settings may name, each with the name of its setting."""

    @property
    def ca_file(self) -> str | None: ...
    @property
    def client_certificate(self) -> str | None: ...
    @property
    def client_key(self) -> str | None: ...


def client_context(files: CertificateFiles, environment: Mapping[str, str]) -> ssl.SSLContext:
    """The context of TLS connections to upstreams. Raises SettingsError for a wrong file.

    OpenSSL reads the variables of `environment` by itself, and ignores what it cannot read. So the
    proxy checks them here.
    """
    _check_store(environment)
    try:
        context = ssl.create_default_context()
    except OSError as error:  # Python logs the keys of connections there, for Wireshark
        raise SettingsError("SSLKEYLOGFILE: the file cannot be written") from error
    # Python 3.13 refuses private authorities whose certificates lack extensions that curl does not
    # require. An operator may trust an intermediate authority by itself.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if not any(map(environment.get, _STORE_VARIABLES)) and not _has_store(context):
        context.load_verify_locations(certifi.where())
    if files.ca_file is not None:
        _load_authorities(context, files.ca_file, "ca_file")
    _load_client_certificate(context, files)
    return context


def _check_store(environment: Mapping[str, str]) -> None:
    file = environment.get("SSL_CERT_FILE")
    if file:
        _load_authorities(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), file, "SSL_CERT_FILE")
    for folder in environment.get("SSL_CERT_DIR", "").split(os.pathsep):
        if folder and not Path(folder).is_dir():
            raise SettingsError("SSL_CERT_DIR: there is no such folder")


def _has_store(context: ssl.SSLContext) -> bool:
    """Whether the system names any authority, in a file or in a folder."""
    folder = Path(ssl.get_default_verify_paths().capath or os.devnull)
    has_files = folder.is_dir() and any(folder.iterdir())
    return context.cert_store_stats()["x509"] > 0 or has_files


def _load_authorities(context: ssl.SSLContext, file: str, name: str) -> None:
    try:
        context.load_verify_locations(file)
    except ssl.SSLError as error:
        raise SettingsError(f"{name}: the file holds no certificate in PEM format") from error
    except OSError as error:
        raise _unreadable(name, error) from error


def _load_client_certificate(context: ssl.SSLContext, files: CertificateFiles) -> None:
    certificate, key = files.client_certificate, files.client_key
    if certificate is None:
        if key is not None:
            raise SettingsError("client_key: set client_certificate as well")
        return
    for name, file in (("client_certificate", certificate), ("client_key", key or certificate)):
        try:
            Path(file).read_bytes()
        except OSError as error:
            raise _unreadable(name, error) from error
    try:
        context.load_cert_chain(certificate, key, password="")  # otherwise OpenSSL would ask for it
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise SettingsError("client_key: does not belong to client_certificate") from error
        raise SettingsError(
            "client_certificate: its file and that of client_key must hold a certificate and its "
            "key in PEM format, the key without a password"
        ) from error


def _unreadable(name: str, error: OSError) -> SettingsError:
    return SettingsError(f"{name}: the file cannot be read ({(error.strerror or '').lower()})")
