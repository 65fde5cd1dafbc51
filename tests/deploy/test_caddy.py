"""`deploy/caddy/Caddyfile`, in a real Caddy."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.settings import Settings
from proxy.surfaces.door_limits import DoorLimits
from tests.deploy import behind
from tests.deploy.fronted import DEPLOY, NAME, Certificate, Fronted, fronted, program, replaced

CONFIGURATION = (DEPLOY / "caddy" / "Caddyfile").read_text()


def caddy(backend: int, port: int, certificate: Certificate) -> list[str]:
    folder = certificate.chain.parent
    changed = replaced(
        CONFIGURATION,
        {
            "127.0.0.1:8000": f"127.0.0.1:{backend}",
            f"\n{NAME} {{": f"\nhttps://{NAME}:{port} {{\n\tbind 127.0.0.1\n"
            f"\ttls {certificate.chain} {certificate.key}",
        },
    )
    file = folder / "Caddyfile"
    file.write_text(f"{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{changed}")
    return [program("caddy", "caddy"), "run", "--config", str(file)]


@pytest.fixture(name="fronted")
def _fronted(tmp_path: Path) -> Iterator[Fronted]:
    program("caddy", "caddy")
    with fronted(caddy, tmp_path) as running:
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
    waits = [int(each) for each in re.findall(r"\w+_timeout (\d+)s\n", CONFIGURATION)]

    assert len(waits) == 2
    assert min(waits) > Settings().answer_timeout_s


def test_it_lets_go_of_an_idle_connection_before_the_proxy_does() -> None:
    (idle,) = re.findall(r"keepalive (\d+)s\n", CONFIGURATION)

    assert int(idle) < DoorLimits().keep_alive_s


def test_it_lets_through_whatever_body_the_proxy_takes() -> None:
    (most,) = re.findall(r"max_size (\d+)MB\n", CONFIGURATION)

    assert int(most) * 1_000_000 > Settings().max_body_bytes
