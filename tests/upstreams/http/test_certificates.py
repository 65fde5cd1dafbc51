"""The files of certificates: which the proxy trusts, which it shows, and its errors for bad ones.

Other tests make real handshakes.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import certifi
import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from proxy.errors import SettingsError
from proxy.settings import Settings
from proxy.upstreams.http.certificates import client_context
from tests.upstreams.secure_server import write_authority

AUTHORITY = trustme.CA()
SECRET = "not-to-be-repeated"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an authority, two certificates with keys, and what is none of these."""
    write_authority(AUTHORITY, tmp_path)
    for name in ("one", "other"):
        issued = AUTHORITY.issue_cert(f"{name}.test")
        issued.cert_chain_pems[0].write_to_path(str(tmp_path / f"{name}.pem"))
        issued.private_key_pem.write_to_path(str(tmp_path / f"{name}.key"))
        issued.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / f"{name}.both"))
    (tmp_path / "text").write_text(f"{SECRET}\n")
    key = serialization.load_pem_private_key((tmp_path / "one.key").read_bytes(), None)
    (tmp_path / "locked.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"word"),
        )
    )
    return tmp_path


def made(folder: Path, environment: dict[str, str], **files: str) -> ssl.SSLContext:
    paths: dict[str, Any] = {name: str(folder / file) for name, file in files.items()}
    return client_context(Settings(**paths), environment)


def authorities(context: ssl.SSLContext) -> set[str]:
    return {str(each["subject"]) for each in context.get_ca_certs()}


def test_an_authority_of_one_s_own_is_added_to_the_system_s(folder: Path) -> None:
    system = authorities(made(folder, {}))
    both = authorities(made(folder, {}, ca_file="ca.pem"))
    assert system < both
    assert any("trustme" in subject for subject in both - system)


def test_where_the_system_has_no_store_mozilla_s_list_stands_in(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "empty").mkdir()
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "none"))
    monkeypatch.setenv("SSL_CERT_DIR", str(folder / "empty"))
    expected = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    expected.load_verify_locations(certifi.where())
    assert authorities(made(folder, {})) == authorities(expected)


def test_a_store_that_is_named_is_not_added_to(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "empty").mkdir()
    environment = {"SSL_CERT_DIR": str(folder / "empty"), "SSL_CERT_FILE": str(folder / "ca.pem")}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert len(authorities(made(folder, environment))) == 1
    del environment["SSL_CERT_FILE"]
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "none"))
    assert authorities(made(folder, environment)) == set()


def test_certificates_are_checked_and_names_too(folder: Path) -> None:
    context = made(folder, {}, ca_file="ca.pem")
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert not context.verify_flags & ssl.VERIFY_X509_STRICT


@pytest.mark.parametrize(
    "files",
    [
        {"client_certificate": "one.pem", "client_key": "one.key"},
        {"client_certificate": "one.both"},
    ],
)
def test_a_key_may_stand_beside_its_certificate(folder: Path, files: dict[str, str]) -> None:
    made(folder, {}, **files)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"ca_file": "none"}, "ca_file: the file cannot be read (no such file or directory)"),
        ({"ca_file": "."}, "ca_file: the file cannot be read (is a directory)"),
        ({"ca_file": "text"}, "ca_file: the file holds no certificate in PEM format"),
        ({"ca_file": "one.key"}, "ca_file: the file holds no certificate in PEM format"),
        ({"client_key": "one.key"}, "client_key: set client_certificate as well"),
        (
            {"client_certificate": "none", "client_key": "one.key"},
            "client_certificate: the file cannot be read (no such file or directory)",
        ),
        (
            {"client_certificate": "one.pem", "client_key": "none"},
            "client_key: the file cannot be read (no such file or directory)",
        ),
        (
            {"client_certificate": "one.pem", "client_key": "other.key"},
            "client_key: does not belong to client_certificate",
        ),
        ({"client_certificate": "one.pem"}, "client_certificate: its file and that of client_key"),
        (
            {"client_certificate": "text", "client_key": "one.key"},
            "client_certificate: its file and that of client_key",
        ),
        (
            {"client_certificate": "one.pem", "client_key": "locked.key"},
            "client_certificate: its file and that of client_key",
        ),
    ],
)
def test_a_wrong_file_is_one_line_that_repeats_nothing(
    folder: Path, files: dict[str, str], said: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        made(folder, {}, **files)
    (problem,) = caught.value.problems
    assert problem.startswith(said)
    assert str(folder) not in problem


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"SSL_CERT_FILE": "none"}, "SSL_CERT_FILE: the file cannot be read"),
        ({"SSL_CERT_FILE": "text"}, "SSL_CERT_FILE: the file holds no certificate"),
        ({"SSL_CERT_DIR": "none"}, "SSL_CERT_DIR: there is no such folder"),
        ({"SSL_CERT_DIR": "text"}, "SSL_CERT_DIR: there is no such folder"),
    ],
)
def test_a_wrong_store_that_openssl_would_pass_over_is_an_error(
    folder: Path, environment: dict[str, str], said: str
) -> None:
    named = {name: str(folder / value) for name, value in environment.items()}
    with pytest.raises(SettingsError, match=said):
        made(folder, named)
    made(folder, dict.fromkeys(environment, ""))


def test_a_file_for_the_keys_of_connections_that_cannot_be_written_is_an_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(folder / "none" / "keys"))
    with pytest.raises(SettingsError, match="SSLKEYLOGFILE: the file cannot be written"):
        made(folder, {})
