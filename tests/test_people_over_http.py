"""The whole proxy with an issuer that is a server: rotation, an outage, and many wrong tries."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from tests.support.issuer import DISCOVERY, KEYS, user_header
from tests.support.persons import ANN, BOB, FRONT, JWT, PLAIN, SECRETS, served_world_in

NOW = int(time.time())


async def test_a_rotation_needs_no_restart(tmp_path: Path) -> None:
    async with served_world_in(tmp_path) as world:
        assert (await world.chat(world.issuer.token(ANN, ()))).status == 200
        world.issuer.rotate(keep=True)
        assert (await world.chat(world.issuer.token(BOB, ()))).status == 200
        assert world.searched == [(42,), (43,)]
        assert world.issuer.asked == [DISCOVERY, KEYS] * 2


async def test_requests_at_the_same_time_share_one_fetch(tmp_path: Path) -> None:
    async with served_world_in(tmp_path) as world:
        world.issuer.is_open.clear()
        asking = [
            asyncio.create_task(world.chat(world.issuer.token(name, ()))) for name in (ANN, BOB) * 5
        ]
        await world.issuer.is_asked.wait()
        world.issuer.is_open.set()
        answers = await asyncio.gather(*asking)
        assert {each.status for each in answers} == {200}
        assert world.issuer.asked == [DISCOVERY, KEYS]


async def test_an_issuer_that_is_down_is_no_fault_of_the_token_and_keys_go_on(
    tmp_path: Path,
) -> None:
    async with served_world_in(tmp_path) as world:
        world.issuer.is_down = True
        for _ in range(20):  # more than an address may try wrong keys
            answer = await world.chat(world.issuer.token(ANN))
            assert (answer.status, answer.json()["error"]["code"]) == (503, "identity_unavailable")
            assert 1 <= int(answer.headers["retry-after"]) <= 10
        assert len(world.issuer.asked) == 1
        assert (await world.chat(PLAIN)).status == 200
        signed = user_header(SECRETS["FRONT_SECRET"], BOB)
        assert (await world.chat(FRONT, (JWT, signed))).status == 200


async def test_wrong_tokens_are_slowed_down_and_right_ones_are_not(tmp_path: Path) -> None:
    async with served_world_in(tmp_path) as world:
        wrong = [world.issuer.token(ANN, aud=f"other-{number}") for number in range(12)]
        statuses = [(await world.chat(each)).status for each in wrong]
        assert statuses == [401] * 10 + [429] * 2
        assert (await world.chat(world.issuer.token(ANN))).status == 200


async def test_tokens_that_are_too_old_are_tries_of_their_person_and_not_of_the_address(
    tmp_path: Path,
) -> None:
    async with served_world_in(tmp_path) as world:
        old = [world.issuer.token(ANN, exp=NOW - 100 - number) for number in range(12)]
        statuses = [(await world.chat(each)).status for each in old]
        assert statuses == [401] * 10 + [429] * 2
        assert (await world.chat(world.issuer.token(BOB, exp=NOW - 100))).status == 401
        assert (await world.chat("rp-wrong")).status == 401
        assert (await world.chat(world.issuer.token(ANN))).status == 200


async def test_a_front_end_that_names_nobody_is_told_so_each_time(tmp_path: Path) -> None:
    async with served_world_in(tmp_path) as world:
        for _ in range(12):
            answer = await world.chat(FRONT)
            assert (answer.status, answer.json()["error"]["code"]) == (401, "no_person")
            assert f"'{JWT}'" in answer.json()["error"]["message"]
            assert answer.headers["x-should-retry"] == "false"


async def test_with_an_issuer_and_no_keys_nobody_gets_in_without_a_token(tmp_path: Path) -> None:
    async with served_world_in(tmp_path, keys_file=None) as world:
        for bearer in ("", "x", "rp-plain", "a.b.c"):
            assert (await world.chat(bearer)).status == 401
        assert (await world.chat(world.issuer.token(ANN))).status == 200
