"""Sockets that write at once."""

import asyncio
import socket

from bench.sockets import HOST, Writer, free_port, listen, port_of


def test_a_listening_socket_has_a_port_of_its_own() -> None:
    with listen() as one, listen() as other:
        assert port_of(one) != port_of(other)


def test_a_free_port_can_be_had() -> None:
    with socket.create_server((HOST, free_port())) as server:
        assert port_of(server)


async def test_a_writer_keeps_order_also_when_the_socket_is_full() -> None:
    sent = [bytes([number]) * 100_000 for number in range(100)]
    received = asyncio.get_running_loop().create_future()

    async def read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.set_result(await reader.read(-1))
        writer.close()

    server = await asyncio.start_server(read, HOST, 0)
    async with server:
        transport, _ = await asyncio.get_running_loop().create_connection(
            asyncio.Protocol, HOST, port_of(server.sockets[0])
        )
        writer = Writer(transport)
        assert [writer.write(part) for part in sent] == [True] * len(sent)
        writer.close()
        async with asyncio.timeout(30):
            assert await received == b"".join(sent)
        assert not writer.write(b"too late")
