"""How uvicorn is set up; that it serves is tested with the commands."""

import gc
import pickle
import resource
import signal
from collections.abc import Iterator
from ipaddress import ip_network
from typing import cast

import pytest

from proxy.commands.serve import create_app_from_environment
from proxy.commands.serving import DrainingServer, collect_rarely, door_limits, server_config
from proxy.settings import Settings
from proxy.surfaces.door import Door
from proxy.surfaces.door_limits import DoorLimits


@pytest.fixture
def ordinary_collector() -> Iterator[None]:
    """Python's own collector, before and after."""
    thresholds = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


async def app(*_: object) -> None:
    """Answer nothing."""


def test_the_server_does_not_name_itself_and_writes_no_access_log() -> None:
    config = server_config(app, "info")
    assert not config.server_header
    assert not config.access_log
    assert config.date_header


def test_headers_that_anyone_can_send_do_not_change_the_client_s_address() -> None:
    assert not server_config(app, "info").proxy_headers


@pytest.mark.parametrize(
    ("level", "uvicorn_level"),
    [("debug", "debug"), ("info", "warning"), ("warning", "warning"), ("error", "error")],
)
def test_uvicorn_s_own_chatter_is_for_debugging(level: str, uvicorn_level: str) -> None:
    assert server_config(app, level).log_level == uvicorn_level


def test_an_import_string_names_a_factory() -> None:
    config = server_config("proxy.commands.serve:create_app_from_environment", "info", workers=3)
    assert config.factory
    assert config.workers == 3
    assert not server_config(app, "info").factory


def test_the_door_s_limits_are_those_of_the_settings() -> None:
    limits = door_limits(
        Settings(
            max_head_bytes=2_000,
            max_headers=3,
            head_timeout_s=4,
            max_body_bytes=5,
            client_stall_s=8,
            max_waiting_connections=6,
            trusted_proxies=("10.0.0.0/8",),
        )
    )
    assert limits == DoorLimits(
        max_head_bytes=2_000,
        max_headers=3,
        head_timeout_s=4,
        linger_bytes=5,
        client_stall_s=8,
        max_waiting=6,
        trusted=(ip_network("10.0.0.0/8"),),
    )


@pytest.mark.parametrize(
    ("descriptors", "most"), [(256, 128), (100_000, 4096), (resource.RLIM_INFINITY, 512)]
)
def test_waiting_connections_leave_half_of_the_descriptors_to_others(
    descriptors: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (descriptors, descriptors))
    assert door_limits(Settings()).max_waiting == most


def test_each_process_counts_its_own_connections() -> None:
    """Workers are sent the configuration."""
    limits = DoorLimits(max_waiting=7, trusted=(ip_network("10.0.0.0/8"),))
    config = server_config(
        "proxy.commands.serve:create_app_from_environment", "info", limits=limits
    )
    door = cast("Door", config.http)
    copy = pickle.loads(pickle.dumps(door))  # noqa: S301 - just made
    assert copy.limits == limits
    assert copy.waiting is not door.waiting


@pytest.mark.usefixtures("ordinary_collector")
def test_garbage_is_collected_rarely_and_not_among_what_has_been_loaded() -> None:
    before = gc.get_threshold()
    collect_rarely()
    assert gc.isenabled()
    assert gc.get_threshold() > before
    assert gc.get_freeze_count() > 10_000


@pytest.mark.usefixtures("ordinary_collector")
def test_every_worker_collects_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIGHTON_API_KEY", "k")
    monkeypatch.setenv("SCALEWAY_API_KEY", "k")
    before = gc.get_threshold()
    create_app_from_environment()
    assert gc.get_threshold() > before


def test_the_log_is_written_before_a_signal_that_the_server_heard_ends_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[str] = []
    monkeypatch.setattr("proxy.commands.serving.flush_log", lambda: done.append("written"))
    monkeypatch.setattr(signal, "raise_signal", lambda _: done.append("ended"))
    server = DrainingServer(server_config(app, "info"))
    with server.capture_signals():
        server.handle_exit(signal.SIGTERM, None)
    assert done == ["written", "ended"]
