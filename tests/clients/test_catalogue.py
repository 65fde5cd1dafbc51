"""The list of clients."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest

from tests.clients.catalogue import CLIENTS, Client
from tests.clients.run import PROGRAMS

PINNED = re.compile(r"(@?[\w\[\]/.-]+)(==|@)\d+(\.\d+)+")
EACH = pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)


def test_no_two_clients_have_one_name() -> None:
    assert len({client.name for client in CLIENTS}) == len(CLIENTS)


def test_a_name_is_a_plain_folder() -> None:
    assert [each.name for each in CLIENTS if not re.fullmatch(r"[a-z0-9-]+", each.name)] == []


@EACH
def test_the_version_in_the_table_is_pinned(client: Client) -> None:
    assert PINNED.fullmatch(client.version)


@EACH
def test_there_is_a_program(client: Client) -> None:
    assert (PROGRAMS / client.program).is_file()


def test_clients_that_share_an_environment_need_the_same() -> None:
    needs = defaultdict(set)
    for client in CLIENTS:
        needs[client.folder].add(client.needs)
    assert [folder for folder, each in needs.items() if len(each) > 1] == []
