"""docs/operations.md says of every fault what happens when it does."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.faults.client_rows import CLIENT_HEAD
from tests.faults.every import TABLES, World, world
from tests.faults.rows import MODEL_HEAD, SEARCH_HEAD, Row
from tests.faults.table import COMMAND, line, shown

ROWS = [(head, says) for head, rows in TABLES.items() for says in rows]
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def here() -> AsyncIterator[World]:
    async with world() as made:
        yield made


@pytest.mark.parametrize(("head", "says"), ROWS, ids=[f"{h[0]}-{says}" for h, says in ROWS])
async def test_a_row_of_the_page_is_what_happens(here: World, head: Row, says: str) -> None:
    """One line in the log for each request, and nothing left behind: `Stage.ask` sees to it."""
    row = line(await TABLES[head][says](here))
    assert row in shown(head), f"docs/operations.md lacks this row; write it anew: {COMMAND}"


@pytest.mark.parametrize("head", TABLES, ids=lambda head: head[0])
async def test_the_page_has_no_row_that_nothing_proves(head: Row) -> None:
    first_cells = [each.split(" | ")[0].removeprefix("| ") for each in shown(head)[2:]]
    assert shown(head)[0] == line(head)
    assert first_cells == list(TABLES[head]), f"write the tables anew: {COMMAND}"


async def test_there_are_more_than_sixty_faults_of_upstreams_and_forty_of_clients() -> None:
    assert len(TABLES[MODEL_HEAD]) > 60
    assert len(TABLES[SEARCH_HEAD]) > 40
    assert len(TABLES[CLIENT_HEAD]) > 40
