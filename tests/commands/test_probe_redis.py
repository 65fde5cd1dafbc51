from contextlib import aclosing

from proxy.commands.probe_redis import RedisProbe
from proxy.commands.probing import Finding, climb
from proxy.state.redis_store import RedisStore
from tests.support.redis_server import redis_server
from tests.upstreams.raw_server import PATIENCE_S

SECRET = "a-password-that-must-not-be-seen"


async def try_at(url: str) -> Finding:
    async with aclosing(RedisStore(url, timeout_s=PATIENCE_S)) as store:
        (finding,) = [each async for each in climb(RedisProbe(store).steps())]
    assert SECRET not in str(finding)
    return finding


async def test_a_redis_that_keeps_what_it_is_given_is_ok() -> None:
    with redis_server("--requirepass", SECRET) as server:
        finding = await try_at(f"{server.url}?password={SECRET}")
    assert str(finding) == f"ok      Redis keeps what requests share: {server.socket}"


async def test_a_dead_address_is_named_with_what_to_do() -> None:
    finding = await try_at(f"unix:///no/such/socket?password={SECRET}")
    assert finding.verdict == "FAIL"
    assert finding.detail == (
        "/no/such/socket cannot be used: there is no such socket or certificate file. Check "
        "RAG_PROXY_REDIS_URL and this machine's way to it."
    )


async def test_a_wrong_password_is_told_from_a_dead_address() -> None:
    with redis_server("--requirepass", SECRET) as server:
        finding = await try_at(f"{server.url}?password=wrong")
    assert finding.verdict == "FAIL"
    assert "rejects the user or password" in finding.detail


async def test_a_redis_that_is_full_is_not_said_to_be_out_of_reach() -> None:
    with redis_server("--maxmemory", "1") as server:
        finding = await try_at(server.url)
    assert finding.verdict == "FAIL"
    assert finding.detail == (
        f"{server.socket} does not keep it: it is full; "
        "its maxmemory-policy should be volatile-ttl."
    )
