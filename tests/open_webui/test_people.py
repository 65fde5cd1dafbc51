"""Two people of two groups ask on Open WebUI's page, behind one key, and find their own documents.

Open WebUI and the proxy are set up as docs/access.md says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from tests.open_webui import example
from tests.open_webui.browser import chromium
from tests.open_webui.conftest import started
from tests.open_webui.page import ChatPage, sign_in
from tests.open_webui.portal import PASSWORD, Portal, address_of
from tests.open_webui.stand_ins import StandIns, address
from tests.support.program import Program, run_program
from tests.support.script import Round
from tests.support.server import serving_in_thread

SECRET: Final = "any-secret-of-32-bytes-or-more-than-that"
CONTRACTS, HANDBOOK, STAFF = 1, 2, 3
WORKSPACES: Final = {"Contracts": CONTRACTS, "Handbook": HANDBOOK, "Staff": STAFF}
ASSISTANT: Final = "assistant"
QUESTION: Final = "What may I know?"

OpenChat = Callable[[str], ChatPage]


@pytest.fixture(scope="module")
def library() -> StandIns:
    """One whose model cites all that it is shown, and names it."""
    stand_ins = StandIns(tuple(WORKSPACES), WORKSPACES)

    def cites_all(_: dict[str, Any]) -> Round:
        return Round(" ".join(f"{title} [{n}]." for title, n in stand_ins.shown().items()))

    stand_ins.play(cites_all)
    return stand_ins


@pytest.fixture(scope="module")
def connection(
    library: StandIns, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """What Open WebUI must know of a proxy with a key for all its people."""
    folder = tmp_path_factory.mktemp("proxy_of_people")
    name, text = example.settings()
    (folder / name).write_text(text)
    with serving_in_thread(library.app()) as upstreams:
        environment = {
            "LIGHTON_BASE_URL": upstreams,
            "LIGHTON_API_KEY": "any",
            "SCALEWAY_BASE_URL": f"{upstreams}/v1",
            "SCALEWAY_API_KEY": "any",
            "RAG_PROXY_CONFIG": name,
            example.secret_variable(): SECRET,
        }
        made = run_program(*example.key(), cwd=folder, env=environment)
        assert made.returncode == 0, made.stderr
        with Program("serve", "--port", "0", cwd=folder, env=environment) as program:
            url = program.out.until(r"http://[\d.]+:\d+")[0]
            yield example.environment(url, SECRET, made.stdout.strip())


@pytest.fixture(scope="module")
def portal(
    connection: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Portal]:
    with started(tmp_path_factory.mktemp("portal"), connection) as url, Portal(url) as portal:
        portal.add("Ada", ["legal", "Büro 2"])
        portal.add("Bob", ["hr"])
        portal.add("Eve", ["sales"])
        yield portal


@pytest.fixture
def open_chat_as(portal: Portal, tmp_path: Path) -> Iterator[OpenChat]:
    """Begins a chat of somebody, in a browser of their own."""
    with ExitStack() as browsers:

        def begin(name: str) -> ChatPage:
            folder = tmp_path / name
            folder.mkdir()
            browser = browsers.enter_context(chromium(folder))
            sign_in(browser, portal.url, address_of(name), PASSWORD)
            return ChatPage(browser, portal.url, ASSISTANT)

        yield begin


def test_each_finds_only_their_own_documents(library: StandIns, open_chat_as: OpenChat) -> None:
    before = len(library.scopes)
    ada, bob = open_chat_as("Ada"), open_chat_as("Bob")
    for chat, titles in ((ada, ["Contracts", "Handbook"]), (bob, ["Handbook", "Staff"])):
        chat.ask(QUESTION)
        wanted = " ".join(f"{title} ({title})." for title in titles)
        assert chat.answer(wanted) == wanted
        assert chat.addresses() == [address(title) for title in titles]
    assert library.scopes[before:] == [[CONTRACTS, HANDBOOK], [HANDBOOK, STAFF]]


def test_who_is_in_no_group_of_a_rule_is_told_so_and_searches_nothing(
    library: StandIns, open_chat_as: OpenChat
) -> None:
    before = len(library.scopes)
    eve = open_chat_as("Eve")
    eve.ask(QUESTION)
    eve.shows(f"open nothing to '{address_of('Eve')}'")
    assert library.scopes[before:] == []
