"""The store in Redis: a real server, a way to it that holds replies back, servers that are none."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from bench.sockets import free_port
from proxy.state.redis_store import PREFIX, RedisFailed, RedisRefused, RedisStore
from tests.state.hand_clock import HandClock
from tests.state.redis_scripts import Relay, answer, redis_url
from tests.support.clock import skipping_clock
from tests.support.redis_server import redis_server
from tests.upstreams.raw_server import PATIENCE_S, Connection, raw_server

MANUAL = Path(__file__).parents[2] / "docs" / "operations.md"
SECRET = "a-password-that-must-not-be-seen"
LOG = "proxy.state.redis_store"
OTHER = b"what belongs to somebody else"


@pytest.fixture(autouse=True)
def _log_from_info_on(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, LOG)


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The store's lines, each after its level."""
    records = [record for record in caplog.records if record.name == LOG]
    return [f"{record.levelname} {record.getMessage()}" for record in records]


@pytest.fixture
async def server_s_own(redis_url: str) -> AsyncIterator[Redis]:
    """The real server, looked at without the store."""
    async with aclosing(Redis.from_url(redis_url)) as client:
        yield client


@pytest.fixture
async def relay(redis_url: str) -> Relay:
    return Relay(redis_url)


def patient_store(url: str, clock: HandClock | None = None) -> RedisStore:
    """One that gives a busy machine time."""
    return RedisStore(url, timeout_s=PATIENCE_S, clock=clock or HandClock())


@asynccontextmanager
async def store_behind(relay: Relay) -> AsyncIterator[RedisStore]:
    async with raw_server(relay) as way, aclosing(patient_store(redis_url(way))) as store:
        yield store


class Dead:
    """A server that accepts connections and never answers."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()

    async def script(self, connection: Connection) -> None:
        self.reached.set()
        await connection.gone()

    async def costs_the_time_limit(self, store: RedisStore) -> None:
        """Read from `store`, which waits no longer than PATIENCE_S."""
        with skipping_clock() as loop_clock:
            read = asyncio.create_task(store.read(["a"]))
            await self.reached.wait()
            self.reached.clear()
            loop_clock.skip(PATIENCE_S + 1)
            assert await read == {}


# --- what is on the server


async def test_every_value_has_a_time_to_live_on_the_server(
    redis_url: str, server_s_own: Redis
) -> None:
    name = str(uuid4())
    async with aclosing(patient_store(redis_url)) as store:
        await store.write(name, b"1", 90)
        assert 60_000 < await server_s_own.pttl(PREFIX + name) <= 90_000
        await store.read([name])
        assert await server_s_own.pttl(PREFIX + name) <= 90_000
        await store.read([name], renew_s=900)
        assert 600_000 < await server_s_own.pttl(PREFIX + name) <= 900_000
        await store.read([name], renew_s=1)
        assert await server_s_own.pttl(PREFIX + name) <= 1000


async def test_a_value_is_gone_when_its_time_is_over(
    redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    name = str(uuid4())
    async with aclosing(patient_store(redis_url)) as store, asyncio.timeout(PATIENCE_S):
        await store.write(name, b"1", 0.0001)
        while await store.read([name]):
            pass
    assert logged(caplog) == []


async def test_a_count_keeps_the_end_that_it_began_with(
    redis_url: str, server_s_own: Redis
) -> None:
    name = str(uuid4())
    async with aclosing(patient_store(redis_url)) as store:
        await store.count(name, 1, 90)
        await store.count(name, 1, 900)
    assert 60_000 < await server_s_own.pttl(PREFIX + name) <= 90_000


async def test_a_count_that_lost_its_end_in_the_middle_is_given_one(
    redis_url: str, server_s_own: Redis
) -> None:
    """SET found it, it ended, and INCRBY began it anew: to the store, as if it had stood at 0."""
    name = str(uuid4())
    await server_s_own.set(PREFIX + name, 0)
    async with aclosing(patient_store(redis_url)) as store:
        assert await store.count(name, 3, 90) == 3
    assert 60_000 < await server_s_own.pttl(PREFIX + name) <= 90_000


async def test_processes_count_together(redis_url: str) -> None:
    name = str(uuid4())
    async with aclosing(patient_store(redis_url)) as one, aclosing(patient_store(redis_url)) as two:
        counting = (store.count(name, 1, 90) for _ in range(50) for store in (one, two))
        assert sorted(await asyncio.gather(*counting)) == list(range(1, 101))


async def test_names_of_other_programs_are_left_alone(redis_url: str, server_s_own: Redis) -> None:
    name = str(uuid4())
    await server_s_own.set(name, b"theirs")
    async with aclosing(patient_store(redis_url)) as store:
        assert await store.read([name]) == {}
        await store.write(name, b"ours", 60)
    assert await server_s_own.get(name) == b"theirs"
    assert await server_s_own.get(f"rag-proxy:{name}") == b"ours"


@pytest.mark.parametrize("renew_s", [None, 60])
async def test_a_name_that_holds_no_value_is_gone_and_the_others_are_there(
    redis_url: str,
    server_s_own: Redis,
    renew_s: float | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    list_, value = str(uuid4()), str(uuid4())
    await server_s_own.lpush(PREFIX + list_, b"not ours")
    async with aclosing(patient_store(redis_url)) as store:
        await store.write(value, b"1", 60)
        assert await store.read([list_, value], renew_s=renew_s) == {value: b"1"}
    await server_s_own.delete(PREFIX + list_)
    assert logged(caplog) == []


async def test_a_name_that_holds_no_value_is_written_once_as_if_nothing_were_there(
    redis_url: str, server_s_own: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    name = str(uuid4())
    await server_s_own.lpush(PREFIX + name, b"not ours")
    async with aclosing(patient_store(redis_url)) as store:
        await store.write_once(name, b"1", 60, lambda _: pytest.fail("nothing was there"))
        assert await store.read([name]) == {name: b"1"}
        assert 0 < await server_s_own.pttl(PREFIX + name) <= 60_000
    assert logged(caplog) == []


async def test_many_at_once_share_a_few_connections(redis_url: str, server_s_own: Redis) -> None:
    names = [str(uuid4()) for _ in range(200)]
    before = len(await server_s_own.client_list())
    async with aclosing(patient_store(redis_url)) as store:
        await asyncio.gather(*(store.write(name, name.encode(), 60) for name in names))
        found = await asyncio.gather(*(store.read([name], renew_s=60) for name in names))
        assert found == [{name: name.encode()} for name in names]
        assert len(await server_s_own.client_list()) - before <= 20
    async with asyncio.timeout(PATIENCE_S):  # the server hears of it in its own time
        while len(await server_s_own.client_list()) > before:
            pass


async def test_a_user_with_a_password_is_let_in_and_any_other_is_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with redis_server("--requirepass", SECRET) as server:
        async with aclosing(patient_store(f"{server.url}?password={SECRET}")) as store:
            await store.write("a", b"1", 60)
            assert await store.read(["a"]) == {"a": b"1"}
        assert logged(caplog) == []
        for query in ("", f"?password={SECRET}-not"):
            async with aclosing(patient_store(server.url + query)) as store:
                await store.write("a", b"2", 60)
                assert await store.read(["a"]) == {}
    rejected = "it rejects the user or password, or asks for one"
    assert logged(caplog) == [f"WARNING Redis at {server.socket} cannot answer: {rejected}"] * 2


def manual_s_user() -> list[str]:
    """The words of the command that docs/operations.md gives."""
    command = re.search(r"^ACL SETUSER .*$", MANUAL.read_text(encoding="utf-8"), re.MULTILINE)
    assert command
    return command[0].replace(">password", f">{SECRET}").split()


async def test_the_user_of_the_manual_may_do_all_that_is_needed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with redis_server() as server:
        async with aclosing(Redis.from_url(server.url)) as admin:
            await admin.execute_command(*manual_s_user())  # type: ignore[no-untyped-call]  # redis-py
        url = f"{server.url}?username=rag-proxy&password={SECRET}"
        async with aclosing(patient_store(url)) as store:
            await store.prove()
            await store.write_once("a", b"1", 60, lambda there: there)
            assert await store.read(["a"], renew_s=60) == {"a": b"1"}
            assert [await store.count("b", 2, 60) for _ in range(2)] == [2, 4]
    assert logged(caplog) == []


async def test_a_user_that_may_not_count_keeps_values_and_each_process_counts_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with redis_server() as server:
        async with aclosing(Redis.from_url(server.url)) as admin:
            words = [word for word in manual_s_user() if word != "+incrby"]
            await admin.execute_command(*words)  # type: ignore[no-untyped-call]  # redis-py
        url = f"{server.url}?username=rag-proxy&password={SECRET}"
        async with aclosing(patient_store(url)) as store:
            assert [await store.count("b", 2, 60) for _ in range(2)] == [2, 4]
            await store.write("a", b"1", 60)
            assert await store.read(["a"]) == {"a": b"1"}
        async with aclosing(patient_store(url)) as other:
            assert await other.count("b", 2, 60) == 2
    needs = (
        "the user needs GET, GETEX, INCRBY and SET on rag-proxy:*, and for limits the commands "
        "that the manual lists"
    )
    assert logged(caplog) == [f"WARNING Redis at {server.socket} cannot count: {needs}"] * 2


# --- cancellation: a reply that nobody waits for any more must not be given to somebody else


@pytest.mark.parametrize("renew_s", [None, 60.0])
@pytest.mark.parametrize("passes", [0, 20, 60])
async def test_a_cancelled_read_leaves_no_reply_to_the_next_one(
    relay: Relay, renew_s: float | None, passes: int
) -> None:
    """`passes` bytes of the reply have come: none, a part of the first value, all of that."""
    mine, others = f"mine-{uuid4()}", [f"others-{uuid4()}" for _ in range(2)]
    async with store_behind(relay) as store:
        await store.write(mine, b"mine", 60)
        for name in others:
            await store.write(name, OTHER, 60)
        relay.hold(passes)
        cancelled = asyncio.create_task(store.read(others, renew_s=renew_s))
        await relay.holds.wait()
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled

        next_one = asyncio.create_task(store.read([mine], renew_s=renew_s))
        await relay.is_asked(mine.encode())
        relay.release()
        assert await next_one == {mine: b"mine"}


async def test_a_cancelled_write_leaves_no_reply_to_the_next_read(relay: Relay) -> None:
    mine = str(uuid4())
    async with store_behind(relay) as store:
        await store.write(mine, b"mine", 60)
        relay.hold(0)
        cancelled = asyncio.create_task(store.write(str(uuid4()), OTHER, 60))
        await relay.holds.wait()
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled

        next_one = asyncio.create_task(store.read([mine]))
        await relay.is_asked(mine.encode())
        relay.release()
        assert await next_one == {mine: b"mine"}


async def test_a_read_that_took_too_long_leaves_no_reply_to_the_next_one(relay: Relay) -> None:
    mine, other = f"mine-{uuid4()}", f"other-{uuid4()}"
    clock = HandClock()
    async with raw_server(relay) as way:
        store = RedisStore(redis_url(way), timeout_s=PATIENCE_S, clock=clock)
        async with aclosing(store):
            await store.write(mine, b"mine", 60)
            await store.write(other, OTHER, 60)
            relay.hold(0)
            with skipping_clock() as loop_clock:
                late = asyncio.create_task(store.read([other]))
                await relay.holds.wait()
                loop_clock.skip(PATIENCE_S + 1)
                assert await late == {}

            clock.now += 5
            next_one = asyncio.create_task(store.read([mine]))
            await relay.is_asked(mine.encode())
            relay.release()
            assert await next_one == {mine: b"mine"}


@pytest.mark.parametrize("renew_s", [None, 60.0])
async def test_wherever_a_read_is_cancelled_others_get_what_is_theirs(
    redis_url: str, renew_s: float | None
) -> None:
    """A read is cancelled one step of the event loop later each time, until it is done by then."""
    mine, others = f"mine-{uuid4()}", [f"others-{uuid4()}" for _ in range(3)]
    steps = 0
    async with aclosing(patient_store(redis_url)) as store:
        await store.write(mine, b"mine", 60)
        for name in others:
            await store.write(name, OTHER * 5000, 60)
        cancelled = True
        while cancelled:
            read = asyncio.create_task(store.read(others, renew_s=renew_s))
            for _ in range(steps):
                await asyncio.sleep(0)
            read.cancel()
            await asyncio.wait([read])
            cancelled = read.cancelled()
            assert await store.read([mine], renew_s=renew_s) == {mine: b"mine"}
            steps += 1


async def test_cancelling_is_no_failure(relay: Relay, caplog: pytest.LogCaptureFixture) -> None:
    async with store_behind(relay) as store:
        relay.hold(0)
        cancelled = asyncio.create_task(store.read(["a"]))
        await relay.holds.wait()
        cancelled.cancel()
        await asyncio.wait([cancelled])
        relay.release()
        name = str(uuid4())
        await store.write(name, b"1", 60)
        assert await store.read([name]) == {name: b"1"}
    assert logged(caplog) == []


async def test_those_who_were_cancelled_while_they_waited_take_no_connection_with_them(
    relay: Relay,
) -> None:
    async with store_behind(relay) as store:
        for _ in range(3):
            relay.hold(0)
            reads = [asyncio.create_task(store.read(["a"])) for _ in range(100)]
            await relay.holds.wait()
            for read in reads:
                read.cancel()
            await asyncio.wait(reads)
            relay.release()
        name = str(uuid4())
        await asyncio.gather(*(store.write(f"{name}-{n}", b"1", 60) for n in range(100)))
        assert len(await store.read([f"{name}-{n}" for n in range(100)])) == 100


# --- when Redis is not there


async def test_when_it_goes_nothing_is_there_and_when_it_comes_back_it_is_used(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = HandClock()
    with redis_server() as server:
        async with aclosing(patient_store(server.url, clock)) as store:
            await store.write("a", b"1", 60)
            server.stop()
            for _ in range(3):
                assert await store.read(["a"]) == {}
                assert await store.find(["a"]) is None, "also while it is left alone"
                await store.write("a", b"2", 60)
                clock.now += 5
            assert [line.split()[0] for line in logged(caplog)] == ["WARNING"]
            server.start()
            await store.write("a", b"3", 60)
            assert await store.read(["a"], renew_s=60) == {"a": b"3"}
    assert logged(caplog)[1:] == [f"INFO Redis at {server.socket} can answer again"]


async def test_while_it_is_away_each_process_counts_by_itself_and_from_0() -> None:
    clock = HandClock()
    with redis_server() as server:
        async with (
            aclosing(patient_store(server.url, clock)) as one,
            aclosing(patient_store(server.url, clock)) as two,
        ):
            assert [await each.count("a", 5, 60) for each in (one, two)] == [5, 10]
            server.stop()
            assert [await each.count("a", 1, 60) for each in (one, two, one)] == [1, 1, 2]
            server.start()
            clock.now += 6
            assert [await each.count("a", 1, 60) for each in (one, two)] == [1, 2]


async def test_after_a_restart_no_operation_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    """A connection that the server has closed meanwhile is not used."""
    with redis_server() as server:
        async with aclosing(patient_store(server.url)) as store:
            await store.write("a", b"1", 60)
            server.stop()
            server.start()
            async with aclosing(Redis.from_url(server.url)) as other:
                await other.ping()
            await store.write("a", b"2", 60)
            assert await store.read(["a"]) == {"a": b"2"}
    assert logged(caplog) == []


async def test_an_address_where_nothing_listens_is_as_if_nothing_were_kept(
    caplog: pytest.LogCaptureFixture,
) -> None:
    address = f"127.0.0.1:{free_port()}"
    async with aclosing(patient_store(f"redis://user:{SECRET}@{address}/0")) as store:
        await store.write("a", b"1", 60)
        assert await store.read(["a"], renew_s=60) == {}
    assert logged(caplog) == [f"WARNING Redis at {address} cannot answer: nothing listens there"]


async def test_one_that_never_answers_costs_one_time_limit_and_then_none(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, way = HandClock(), Dead()
    async with raw_server(way.script) as server:
        store = RedisStore(redis_url(server, SECRET), timeout_s=PATIENCE_S, clock=clock)
        async with aclosing(store):
            await way.costs_the_time_limit(store)
            clock.now += 4.9
            await store.write("a", b"1", 60)
            await store.write_once("a", b"1", 60, lambda there: there)
            assert await store.read(["a"]) == {}
            assert server.connections == 1
            clock.now += 0.1
            assert await store.read([]) == {}
            await way.costs_the_time_limit(store)
            assert await store.read(["a"]) == {}
            assert server.connections == 2
        address = server.url.removeprefix("http://")
    assert logged(caplog) == [
        f"WARNING Redis at {address} cannot answer: it does not answer in time"
    ]


async def test_after_the_quiet_time_one_tries_and_the_others_do_not_wait_for_it() -> None:
    clock, way = HandClock(), Dead()
    async with raw_server(way.script) as server:
        store = RedisStore(redis_url(server), timeout_s=PATIENCE_S, clock=clock)
        async with aclosing(store):
            await way.costs_the_time_limit(store)
            clock.now += 5
            one = asyncio.create_task(store.read(["a"]))
            await way.reached.wait()
            assert await store.read(["a"]) == {}
            await store.write("a", b"1", 60)
            assert not one.done()
            assert server.connections == 2
            one.cancel()


async def test_the_time_limit_holds_also_for_those_who_wait_for_a_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    all_taken = asyncio.Event()

    async def script(connection: Connection) -> None:
        if connection.number == 20:
            all_taken.set()
        await connection.gone()

    async with raw_server(script) as server:
        store = RedisStore(redis_url(server), timeout_s=10 * PATIENCE_S)
        with skipping_clock() as loop_clock:
            async with aclosing(store):
                reads = [asyncio.create_task(store.read(["a"])) for _ in range(50)]
                await all_taken.wait()
                loop_clock.skip(10 * PATIENCE_S + 1)
                async with asyncio.timeout(PATIENCE_S):
                    assert await asyncio.gather(*reads) == [{}] * 50
                assert server.connections == 20
    assert len(logged(caplog)) == 1


# --- when Redis answers, and does not do it


async def test_one_that_is_full_is_still_read(caplog: pytest.LogCaptureFixture) -> None:
    with redis_server() as server:
        async with aclosing(patient_store(server.url)) as store:
            await store.write("a", b"1", 60)
            async with aclosing(Redis.from_url(server.url)) as other:
                await other.config_set("maxmemory", 1)
                for _ in range(2):
                    await store.write("b", b"1", 60)
                    await store.write_once("b", b"1", 60, lambda there: there)
                    assert await store.read(["a", "b"], renew_s=60) == {"a": b"1"}
                await other.config_set("maxmemory", 0)
            await store.write("b", b"1", 60)
            assert await store.read(["b"]) == {"b": b"1"}
    full = "it is full; its maxmemory-policy should be volatile-ttl"
    assert logged(caplog) == [
        f"WARNING Redis at {server.socket} cannot write: {full}",
        f"INFO Redis at {server.socket} can write again",
    ]


async def test_one_that_comes_back_and_refuses_is_asked_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = HandClock()
    with redis_server() as server:
        async with aclosing(patient_store(server.url, clock)) as store:
            server.stop()
            await store.write("a", b"1", 60)
            clock.now += 5
            server.start()
            async with aclosing(Redis.from_url(server.url)) as other:
                await other.set(f"{PREFIX}a", b"2")
                await other.config_set("maxmemory", 1)
            await store.write("a", b"3", 60)
            assert await store.read(["a"]) == {"a": b"2"}
    found = [line.partition(str(server.socket))[2].partition(":")[0] for line in logged(caplog)]
    assert found == [" cannot answer", " can answer again", " cannot write"]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (b"-ERR unknown command 'GETEX', with args beginning with: 'x'", "it is neither Redis 6.2"),
        (b"-MISCONF Redis is configured to save, but cannot", "it says MISCONF"),
        (b"-NOPERM this user has no permissions", "the user needs GET, GETEX, INCRBY and SE"),
        (b"-MOVED 3999 127.0.0.1:6381", "it is a cluster, which is not supported"),
        (b"-READONLY You can't write against a replica.", "it is a replica, which takes no w"),
        (b"-LOADING Redis is loading the dataset in memory", "it is still loading its data"),
        (b"-NOAUTH Authentication required.", "it rejects the user or password, or asks for one"),
        (b"-MOVED nonsense", "no connection"),
        (b"$nonsense", "no connection"),
        (b"HTTP/1.1 400 Bad Request", "no connection"),
        (b":1", "it does not return the value that was written"),
    ],
)
@pytest.mark.parametrize("renew_s", [None, 60.0])
async def test_whatever_it_answers_no_request_fails(
    reply: bytes, reason: str, renew_s: float | None, caplog: pytest.LogCaptureFixture
) -> None:
    async with raw_server(answer(reply + b"\r\n")) as server:
        async with aclosing(patient_store(redis_url(server))) as store:
            assert await store.read(["a", "b"], renew_s=renew_s) == {}
            await store.write("a", SECRET.encode(), 60)
            assert await store.count("c", 1, 60) == 1
        async with aclosing(patient_store(redis_url(server))) as store:
            with pytest.raises(RedisFailed, match=f"^{reason}"):
                await store.prove()
    assert SECRET not in "\n".join(logged(caplog))


# --- the proof


async def test_a_server_that_works_is_proven_and_left_as_it_was(
    redis_url: str, server_s_own: Redis
) -> None:
    async with aclosing(patient_store(redis_url)) as store:
        await store.prove()
    for key in await server_s_own.keys(f"{PREFIX}check:*"):
        assert await server_s_own.pttl(key) <= 10_000


async def test_what_is_missing_is_told_apart_from_what_refuses() -> None:
    async with aclosing(patient_store(f"redis://127.0.0.1:{free_port()}")) as store:
        with pytest.raises(RedisFailed, match="nothing listens there") as missing:
            await store.prove()
    with redis_server("--maxmemory", "1") as server:
        async with aclosing(patient_store(server.url)) as store:
            with pytest.raises(RedisRefused, match="it is full"):
                await store.prove()
    assert not isinstance(missing.value, RedisRefused)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("unix:///no/such/socket", "there is no such socket or certificate file"),
        ("redis://no-such-host.invalid", "its name does not resolve"),
        ("rediss://127.0.0.1?ssl_ca_certs=/no/such/file", "there is no such socket or cert"),
    ],
)
async def test_an_address_that_leads_nowhere_is_said_to(url: str, reason: str) -> None:
    async with aclosing(patient_store(url)) as store:
        with pytest.raises(RedisFailed, match=f"^{reason}"):
            await store.prove()


async def test_a_database_that_is_not_there_is_said_to_be_missing(redis_url: str) -> None:
    async with aclosing(patient_store(f"{redis_url}?db=999")) as store:
        with pytest.raises(RedisFailed, match="it has no database of that number"):
            await store.prove()


async def test_one_that_does_not_speak_tls_is_said_not_to() -> None:
    async def script(connection: Connection) -> None:
        await connection._reader.read(1)
        await connection.send(b"-ERR unknown command\r\n")

    async with raw_server(script) as server:
        url = redis_url(server).replace("redis://", "rediss://")
        async with aclosing(patient_store(url)) as store:
            with pytest.raises(RedisFailed, match="TLS fails"):
                await store.prove()


@pytest.mark.parametrize(
    ("url", "address"),
    [
        (f"redis://user:{SECRET}@redis.internal:6379/0", "redis.internal:6379"),
        (f"rediss://:{SECRET}@[::1]/0?ssl_ca_certs=/ca.pem", "[::1]"),
        (f"unix:///run/redis.sock?password={SECRET}", "/run/redis.sock"),
    ],
)
def test_its_address_is_told_without_the_password(url: str, address: str) -> None:
    assert RedisStore(url).address == address
