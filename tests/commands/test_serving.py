"""How uvicorn is set up; that it serves is tested with the commands."""

import pytest

from proxy.commands.serving import server_config


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
