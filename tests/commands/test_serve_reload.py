"""A proxy that gets SIGHUP while it serves: new requests, old streams, and what cannot change."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.commands.test_serve import KEYS, on_linux, started, workers_of
from tests.commands.test_serve_keys import WITH_WORKERS, each_worker_says
from tests.support.program import Program
from tests.support.told_model import Client, Model

READ = r"INFO proxy\.settings: SIGHUP: settings read again\. "
NEW_KEY = "a-newer-key-that-must-not-be-seen"
MODEL = 'default_model = "{}"\nretrieval = "off"\n'


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def serve(stack: ExitStack, folder: Path, model: Model, text: str, *flags: str) -> Program:
    (folder / "rag-proxy.toml").write_text(text)
    env = {**KEYS, "SCALEWAY_BASE_URL": model.url}
    del env["SCALEWAY_API_KEY"]
    (folder / ".env").write_text(f"SCALEWAY_API_KEY={KEYS['SCALEWAY_API_KEY']}")
    arguments = ["serve", "--config", "rag-proxy.toml", "--port", "0", *flags]
    return stack.enter_context(Program(*arguments, cwd=folder, env=env))


@on_linux
@WITH_WORKERS
def test_a_stream_runs_through_a_reload_with_its_old_settings_and_new_ones_get_the_new(
    tmp_path: Path, stack: ExitStack, workers: str
) -> None:
    model = Model(stack)
    program = serve(stack, tmp_path, model, MODEL.format("old"), "--workers", workers)
    url = started(program)
    pids = workers_of(program)
    client = Client(stack, url)
    old = model.asked()
    assert old.model == "old"
    old.say("One")
    client.until("One")
    (tmp_path / "rag-proxy.toml").write_text(MODEL.format("new"))
    (tmp_path / ".env").write_text(f"SCALEWAY_API_KEY={NEW_KEY}")
    os.kill(program.pid, signal.SIGHUP)
    changed = r"Changed: scaleway_api_key, default_model, variables in \.env\.$"
    each_worker_says(program, workers, READ + changed)
    another = Client(stack, url)
    new = model.asked()
    assert (new.model, new.key) == ("new", NEW_KEY)
    new.say("Another").end()
    assert '"model":"new"' in another.rest()
    old.say("Two").end()
    heard = client.rest()
    assert "Two" in heard
    assert "data: [DONE]" in heard
    assert '"model":"new"' not in heard
    assert workers_of(program) == pids
    assert program.press_ctrl_c() == 130
    log = program.err.rest()
    assert "Traceback" not in log
    assert NEW_KEY not in log


@WITH_WORKERS
def test_a_broken_file_keeps_the_settings_and_says_what_the_start_would_say(
    tmp_path: Path, stack: ExitStack, workers: str
) -> None:
    model = Model(stack)
    program = serve(stack, tmp_path, model, MODEL.format("old"), "--workers", workers)
    url = started(program)
    profile = "[profiles.hr]\nworkspace_id = [2]\nmodel = 'm'\n"
    broken = MODEL.format("new") + "workspace_id = [1]\n" + profile
    (tmp_path / "rag-proxy.toml").write_text(broken)
    os.kill(program.pid, signal.SIGHUP)
    why = r"profiles\.hr\.workspace_id: the settings' workspace_id allows none of it"
    kept = r" What was read before holds on\.$"
    each_worker_says(program, workers, rf"ERROR proxy\.settings: SIGHUP: {why}\.{kept}")
    client = Client(stack, url)
    asked = model.asked()
    assert asked.model == "old"
    asked.end()
    client.rest()
    assert program.press_ctrl_c() == 130


@WITH_WORKERS
def test_what_waits_for_the_next_start_is_one_line_that_names_it(
    tmp_path: Path, stack: ExitStack, workers: str
) -> None:
    program = serve(stack, tmp_path, Model(stack), "max_rounds = 2\n", "--workers", workers)
    started(program)
    more = 'max_rounds = 3\nhost = "::1"\nmax_head_bytes = 70000\nredis_url = "redis://x"\n'
    (tmp_path / "rag-proxy.toml").write_text(more)
    os.kill(program.pid, signal.SIGHUP)
    each_worker_says(program, workers, r"WARNING .*SIGHUP: These hold from the next start: host")
    assert program.press_ctrl_c() == 130


def test_the_form_of_the_log_follows_the_signal(tmp_path: Path, stack: ExitStack) -> None:
    program = serve(stack, tmp_path, Model(stack), "max_rounds = 2\n")
    started(program)
    (tmp_path / "rag-proxy.toml").write_text('max_rounds = 2\nlog_format = "json"\n')
    os.kill(program.pid, signal.SIGHUP)
    program.err.until(
        r'^\{"time":.*"message":"SIGHUP: settings read again. Changed: log_format."\}$'
    )
    assert program.press_ctrl_c() == 130


def test_a_proxy_that_other_machines_reach_keeps_its_keys_wherever_the_file_moves_it(
    tmp_path: Path, stack: ExitStack
) -> None:
    given = f'host = "0.0.0.0"\napi_keys = ["{NEW_KEY}"]\n'
    quiet = given + 'log_level = "warning"\n'
    program = serve(stack, tmp_path, Model(stack), quiet)
    started(program)
    (tmp_path / "rag-proxy.toml").write_text('host = "127.0.0.1"\n')
    os.kill(program.pid, signal.SIGHUP)
    program.err.until(r"ERROR .*SIGHUP: refusing to listen on 0\.0\.0\.0 without client keys")
    (tmp_path / "rag-proxy.toml").write_text(given)
    os.kill(program.pid, signal.SIGHUP)
    program.err.until(rf"{READ}Changed: log_level\.$")  # which a quiet log would not tell
    assert program.press_ctrl_c() == 130
    assert NEW_KEY not in program.err.rest()
