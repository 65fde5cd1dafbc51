"""Every row of every table, by the head of its table and its first cell."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from tests.faults.client_faults import CLIENT_FAULTS, ClientFault
from tests.faults.client_rows import CLIENT_HEAD, client_row
from tests.faults.connections import UNCONNECTED, unconnected
from tests.faults.model_faults import MODEL_FAULTS, Fault
from tests.faults.rows import (
    MODEL_HEAD,
    SEARCH_HEAD,
    Row,
    model_row,
    search_row,
    unconnected_model_row,
    unconnected_search_row,
)
from tests.faults.search_faults import SEARCH_FAULTS
from tests.faults.stage import Stage, staged


@dataclass(frozen=True)
class World:
    """The stage, and addresses to which no connection can be made."""

    stage: Stage
    urls: Mapping[str, str]


Make = Callable[[World], Awaitable[Row]]


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    async with unconnected() as urls, staged() as stage:
        yield World(stage, urls)


Makes = Callable[[Stage, Fault], Awaitable[Row]]
MakesUnconnected = Callable[[Stage, str, str], Awaitable[Row]]


def _made(make: Makes, fault: Fault) -> Make:
    return lambda here: make(here.stage, fault)


def _unconnected(make: MakesUnconnected, says: str) -> Make:
    return lambda here: make(here.stage, says, here.urls[says])


def _of_client(fault: ClientFault) -> Make:
    return lambda here: client_row(here.stage, fault)


MODEL: Final[Mapping[str, Make]] = {
    **{each.says: _made(model_row, each) for each in MODEL_FAULTS},
    **{each: _unconnected(unconnected_model_row, each) for each in UNCONNECTED},
}
SEARCH: Final[Mapping[str, Make]] = {
    **{each.says: _made(search_row, each) for each in SEARCH_FAULTS},
    **{each: _unconnected(unconnected_search_row, each) for each in UNCONNECTED},
}
CLIENT: Final[Mapping[str, Make]] = {each.says: _of_client(each) for each in CLIENT_FAULTS}
TABLES: Final[Mapping[Row, Mapping[str, Make]]] = {
    MODEL_HEAD: MODEL,
    SEARCH_HEAD: SEARCH,
    CLIENT_HEAD: CLIENT,
}


async def every_table() -> dict[Row, list[Row]]:
    async with world() as here:
        return {head: [await make(here) for make in rows.values()] for head, rows in TABLES.items()}
