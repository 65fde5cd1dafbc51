"""The certificate of the scripted upstream: strict clients take it, and only from its authority."""

import ssl
from pathlib import Path

import pytest

from bench import certificates as module
from bench.certificates import Certificates, NoCertificatesError, make_certificates, missing
from bench.sockets import HOST

pytestmark = pytest.mark.usefixtures("certificates")


def shake_hands(made: Certificates, trusted: Path, host: str) -> None:
    """A TLS handshake in memory. Raises ssl.SSLCertVerificationError."""
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(made.server, made.key)
    client_side = ssl.create_default_context(cafile=str(trusted))
    client_side.verify_flags |= ssl.VERIFY_X509_STRICT
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_side.wrap_bio(down, up, server_hostname=host)
    server = server_side.wrap_bio(up, down, server_side=True)
    for side in (client, server, client):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue


def test_a_strict_client_takes_the_certificate_of_the_authority(tmp_path: Path) -> None:
    made = make_certificates(tmp_path / "new")
    shake_hands(made, made.authority, HOST)


def test_it_is_for_this_machine_alone(tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError, match="not valid for"):
        shake_hands(made, made.authority, "api.scaleway.ai")


def test_each_run_has_an_authority_of_its_own(tmp_path: Path) -> None:
    one, other = (make_certificates(tmp_path / name) for name in ("one", "other"))
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(one, other.authority, HOST)


def test_a_machine_without_openssl_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert missing() == ""
    monkeypatch.setattr("bench.certificates.shutil.which", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert missing() == "needs openssl"
    with pytest.raises(NoCertificatesError, match="openssl"):
        make_certificates(tmp_path)


def test_a_failure_has_the_words_of_openssl(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "_CONFIG", "[req]\n")
    with pytest.raises(NoCertificatesError, match="authority"):
        make_certificates(tmp_path)
