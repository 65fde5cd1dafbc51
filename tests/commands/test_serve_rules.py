"""A proxy whose settings file changes while it serves."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from tests.commands.test_serve import KEYS, started
from tests.commands.test_serve_keys import WITH_WORKERS, each_worker_says
from tests.support.program import Program

RULE = '[[access]]\ngroup = "hr"\n'
SIGNALLED = r"INFO proxy\.settings: SIGHUP: settings read again\. Nothing has changed\.$"
LOG = r" proxy\.settings: rag-proxy\.toml: read again: "


@WITH_WORKERS
def test_every_worker_follows_the_rules_in_the_settings_file(tmp_path: Path, workers: str) -> None:
    file = tmp_path / "rag-proxy.toml"
    file.write_text(RULE)
    flags = ["--config", file.name, "--port", "0", "--workers", workers]
    with Program("serve", *flags, cwd=tmp_path, env=KEYS) as program:
        started(program)
        file.write_text(RULE * 2)
        each_worker_says(program, workers, f"INFO{LOG}2 rules for people")
        file.write_text(RULE + "group = 'it'")
        each_worker_says(program, workers, r"ERROR proxy\.settings: .*What was read before holds")
        file.write_text(RULE)
        each_worker_says(program, workers, f"INFO{LOG}one rule for people")
        assert program.press_ctrl_c() == 130
        assert "Traceback" not in program.err.rest()


@WITH_WORKERS
def test_the_signal_lets_every_worker_read_the_settings_file(tmp_path: Path, workers: str) -> None:
    file = tmp_path / "rag-proxy.toml"
    file.write_text(RULE)
    then = time.time() - 60
    os.utime(file, (then, then))
    flags = ["--config", file.name, "--port", "0", "--workers", workers]
    with Program("serve", *flags, cwd=tmp_path, env=KEYS) as program:
        started(program)
        os.kill(program.pid, signal.SIGHUP)
        each_worker_says(program, workers, SIGNALLED)
        assert program.press_ctrl_c() == 130
