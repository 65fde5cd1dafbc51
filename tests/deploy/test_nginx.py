"""`deploy/nginx/rag-proxy.conf`, in a real nginx."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.settings import Settings
from proxy.surfaces.door_limits import DoorLimits
from tests.deploy import behind
from tests.deploy.fronted import DEPLOY, Certificate, Fronted, fronted, program, replaced

CONFIGURATION = (DEPLOY / "nginx" / "rag-proxy.conf").read_text()
KINDS = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def nginx(backend: int, port: int, certificate: Certificate) -> list[str]:
    folder = certificate.chain.parent
    changed = replaced(
        CONFIGURATION,
        {
            "127.0.0.1:8000": f"127.0.0.1:{backend}",
            "listen 443": f"listen 127.0.0.1:{port}",
            "    listen [::]:443 ssl;\n": "",
            "listen 80": f"listen unix:{folder}/plain",
            "    listen [::]:80;\n": "",
            "/etc/ssl/rag.example.com.pem": str(certificate.chain),
            "/etc/ssl/private/rag.example.com.key": str(certificate.key),
        },
    )
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in KINDS)
    file = folder / "nginx.conf"
    file.write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; {temporary}\n{changed} }}"
    )
    return [program("nginx", "nginx-light"), "-p", str(folder), "-c", str(file)]


@pytest.fixture(name="fronted")
def _fronted(tmp_path: Path) -> Iterator[Fronted]:
    program("nginx", "nginx-light")
    with fronted(nginx, tmp_path) as running:
        yield running


async def test_a_stream_arrives_while_the_model_still_writes(fronted: Fronted) -> None:
    await behind.a_stream_arrives_while_the_model_still_writes(fronted)


async def test_a_client_that_hangs_up_ends_the_work_upstream(fronted: Fronted) -> None:
    await behind.a_client_that_hangs_up_ends_the_work_upstream(fronted)


async def test_the_log_has_the_address_of_the_client(fronted: Fronted) -> None:
    await behind.the_log_has_the_address_of_the_client_and_none_that_it_claims(fronted)


async def test_a_body_that_is_too_large_is_refused_in_the_api_s_words(fronted: Fronted) -> None:
    await behind.a_body_that_is_too_large_is_refused_in_the_api_s_words(fronted)


def test_it_waits_longer_than_an_answer_may_take() -> None:
    waits = [int(each) for each in re.findall(r"proxy_\w+_timeout (\d+)s;", CONFIGURATION)]

    assert len(waits) == 2
    assert min(waits) > Settings().answer_timeout_s


def test_it_lets_go_of_an_idle_connection_before_the_proxy_does() -> None:
    (idle,) = re.findall(r"keepalive_timeout (\d+)s;", CONFIGURATION)

    assert int(idle) < DoorLimits().keep_alive_s


def test_it_lets_through_whatever_body_the_proxy_takes() -> None:
    (most,) = re.findall(r"client_max_body_size (\d+)m;", CONFIGURATION)

    assert int(most) * 1024 * 1024 > Settings().max_body_bytes
