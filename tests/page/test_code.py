"""The request as code: what the page shows to copy works as it stands."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import expect

from tests.page import handbook
from tests.page.asking import Asking
from tests.page.conftest import Open
from tests.page.served import KEY

NODE: Final = Path(__file__).parents[1] / "e2e" / "node"
PATIENCE_S: Final = 120
QUESTION: Final = 'What\'s "it" \\ about?\n$HOME `id`'


def code(asking: Asking, language: str) -> str:
    asking.page.get_by_role("button", name="As code").click()
    asking.page.get_by_role("tab", name=language).click()
    return asking.page.locator("#code").inner_text()


def run(command: list[str], folder: Path) -> str:
    done = subprocess.run(  # noqa: S603 - the code that the page shows
        command,
        cwd=folder,
        env={**os.environ, "RAG_PROXY_KEY": KEY},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    return done.stdout


@pytest.fixture(name="asked")
def _asked(open_page: Open, locked_url: str) -> Asking:
    """A page that has asked, with a mode, workspaces and a key."""
    asking = open_page(locked_url)
    asking.page.get_by_label("Client key").fill(KEY)
    asking.page.keyboard.press("Enter")
    asking.page.get_by_label("Model or profile").select_option("llama")
    asking.page.get_by_label("When to search").select_option("hybrid")
    asking.page.get_by_role("button", name="All workspaces").click()
    asking.page.get_by_label("Numbers of workspaces").fill("42")
    asking.page.keyboard.press("Escape")
    asking.answered(QUESTION)
    asking.upstreams.tell(handbook.rounds()[1:], handbook.passages())
    return asking


def asks_the_same(asking: Asking, before: list[object]) -> bool:
    scope = asking.upstreams.searched[-1]["workspace_id"]
    return (asking.sent["messages"], scope) == (before, [42])


@pytest.mark.parametrize("language", ["curl", "Python", "Node"])
def test_code_asks_the_same_with_a_key_of_the_environment(
    asked: Asking, language: str, tmp_path: Path
) -> None:
    before = next(each["messages"] for each in asked.upstreams.asked)
    text = code(asked, language)
    assert KEY not in text
    if language == "curl":
        shell = shutil.which("sh") or "sh"
        said = run([shell, "-c", text], tmp_path)
    elif language == "Python":
        said = run([sys.executable, "-c", text], tmp_path)
    else:
        if not (NODE / "node_modules" / "openai").is_dir() or shutil.which("node") is None:
            pytest.skip("needs Node and its client: npm ci --prefix tests/e2e/node")
        said = run(["node", "--input-type=module", "-e", text], NODE)
    assert "three" in said
    assert asks_the_same(asked, before)


def test_without_a_key_code_needs_none(asking: Asking) -> None:
    asking.answered()
    assert "authorization" not in code(asking, "curl")
    asking.page.get_by_role("tab", name="Python").click()
    expect(asking.page.locator("#code")).to_contain_text('api_key="any"')


def test_tabs_move_by_arrow_keys(asking: Asking) -> None:
    asking.answered()
    code(asking, "curl")
    asking.page.keyboard.press("ArrowRight")
    assert asking.focused == "tab-Python"
    asking.page.keyboard.press("ArrowLeft")
    asking.page.keyboard.press("ArrowLeft")
    assert asking.focused == "tab-Node"


def test_copy_takes_the_code_and_the_answer(open_page: Open) -> None:
    asking = open_page(permissions=["clipboard-read", "clipboard-write"])
    asking.answered()
    copied = "() => navigator.clipboard.readText()"
    asking.page.get_by_role("button", name="Copy answer").click()
    expect(asking.page.get_by_role("button", name="Copied")).to_be_visible()
    assert asking.page.evaluate(copied).startswith("After the probationary period")
    text = code(asking, "Python")
    asking.page.get_by_role("dialog").get_by_role("button", name="Copy").click()
    expect(asking.page.get_by_role("dialog").get_by_role("button", name="Copied")).to_be_visible()
    assert asking.page.evaluate(copied).strip() == text.strip()
