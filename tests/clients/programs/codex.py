"""Codex CLI: a task in a folder of its own, with its shell tool beside the hidden search."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from told import FIRST, UNKNOWN_MODEL, play, sources

_CODEX = str(Path(os.environ["CLIENT_PROGRAMS"], "codex"))
_CONFIG = Path("snippet.toml").read_text(encoding="utf-8")
_LIMIT_S = 90
_OPTIONS = ("--json", "--skip-git-repo-check", "--sandbox", "danger-full-access")


def answer(question: str) -> dict[str, Any]:
    return {"text": _said(_task(question)[0])}


def tool(question: str) -> dict[str, Any]:
    events, written = _task(question)
    return {"calls": [written.strip()], "text": _said(events)}


def next_turn(question: str) -> dict[str, Any]:
    with _places() as (home, folder):
        _events(home, folder, FIRST)
        return {"text": _said(_events(home, folder, "resume", "--last", question))}


def citations(question: str) -> dict[str, Any]:
    events, _ = _task(question)
    cited = [each for item in _messages(events) for each in item.get("annotations") or []]
    return {"text": _said(events), "sources": sources(cited)}


def error(question: str) -> dict[str, Any]:
    events, _ = _task(question, "--model", UNKNOWN_MODEL)
    failed = [each for each in events if each["type"] in ("error", "turn.failed")]
    return {"error": json.dumps(failed)} if failed else {}


def _task(question: str, *options: str) -> tuple[list[dict[str, Any]], str]:
    """What Codex printed, and what its shell wrote into `done.txt`."""
    with _places() as (home, folder):
        events = _events(home, folder, *options, question)
        written = Path(folder, "done.txt")
        return events, written.read_text(encoding="utf-8") if written.exists() else ""


@contextmanager
def _places() -> Iterator[tuple[str, str]]:
    """Codex' home, and a folder to work in."""
    # Codex refuses a home below the system's folder for temporary files.
    with TemporaryDirectory(dir=Path.cwd()) as home, TemporaryDirectory(dir=Path.cwd()) as folder:
        Path(home, "config.toml").write_text(_CONFIG, encoding="utf-8")
        yield home, folder


def _events(home: str, folder: str, *arguments: str) -> list[dict[str, Any]]:
    done = subprocess.run(  # noqa: S603 - what the harness has installed, and no shell
        [_CODEX, "exec", *_OPTIONS, *arguments],
        cwd=folder,
        env={**os.environ, "CODEX_HOME": home},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
        check=False,
    )
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def _said(events: list[dict[str, Any]]) -> str:
    return "\n".join(item["text"] for item in _messages(events))


def _messages(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    items = [each["item"] for each in events if each["type"] == "item.completed"]
    return [item for item in items if item["type"] == "agent_message"]


play(
    answer=answer,
    stream="it hears the stream and prints whole messages",
    tool=tool,
    next_turn=next_turn,
    citations=citations,
    error=error,
)
