"""What must hold behind each reverse proxy of `deploy/`."""

from __future__ import annotations

from tests.deploy.fronted import CLIENT, Fronted

STREAMED = {"stream": True, "lighton": {"retrieval": "context"}}


async def a_stream_arrives_while_the_model_still_writes(behind: Fronted) -> None:
    behind.faults.add("scaleway", after_chunks=5, hang=True)
    asked = await behind.ask(STREAMED)

    head = await asked.until(b"\r\n\r\n")
    await asked.until(b'"content":')

    assert b" 200 " in head
    assert b"content-encoding" not in head.lower()
    assert await behind.saw("open")
    asked.hang_up()


async def a_client_that_hangs_up_ends_the_work_upstream(behind: Fronted) -> None:
    behind.faults.add("scaleway", after_chunks=5, hang=True)
    asked = await behind.ask(STREAMED)
    await asked.until(b'"content":')
    assert await behind.saw("open")

    asked.hang_up()

    assert await behind.saw("hung_up")


async def the_log_has_the_address_of_the_client_and_none_that_it_claims(behind: Fronted) -> None:
    asked = await behind.ask({})
    assert b" 200 " in await asked.until(b"\r\n\r\n")
    await asked.rest()

    line = behind.proxy.err.until("POST /v1/chat/completions").string

    assert f"from={CLIENT} " in line


async def a_body_that_is_too_large_is_refused_in_the_api_s_words(behind: Fronted) -> None:
    asked = await behind.ask({"x": "x" * 20_000_000})

    reply = await asked.rest()

    assert b" 413 " in reply
    assert b'"error":' in reply
