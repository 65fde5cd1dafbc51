"""How uvicorn is set up; that it serves is tested with the commands."""

import gc
from collections.abc import Iterator

import pytest

from proxy.commands.serve import create_app_from_environment
from proxy.commands.serving import collect_rarely, server_config


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
