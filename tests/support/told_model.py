"""A model upstream and clients on real sockets, both told by the test what to do when."""

from __future__ import annotations

import json
import socket
import time
from contextlib import ExitStack
from typing import Self

from tests.support.program import PATIENCE_S


class Model:
    """A model upstream that answers when it is told to, word by word."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        self._listener.settimeout(PATIENCE_S)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"

    def asked(self) -> Asked:
        """The next model round. What asks for the list of models is turned away."""
        while True:
            connection = self._stack.enter_context(self._listener.accept()[0])
            connection.settimeout(PATIENCE_S)
            head, _, body = connection.recv(65536).partition(b"\r\n\r\n")
            if head.startswith(b"POST "):
                return Asked(connection, head.lower(), body)
            connection.close()


class Asked:
    """One model round that has come in. Its stream has begun."""

    def __init__(self, connection: socket.socket, head: bytes, body: bytes) -> None:
        self._connection = connection
        length = int(head.partition(b"content-length: ")[2].split()[0])
        while len(body) < length:
            body += connection.recv(65536)
        self.model = json.loads(body)["model"]
        self.key = head.partition(b"bearer ")[2].split()[0].decode()
        connection.sendall(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
        )

    def say(self, word: str, finish: str | None = None) -> Self:
        choice = {"index": 0, "delta": {"content": word}, "finish_reason": finish}
        self._connection.sendall(b"data: %b\n\n" % json.dumps({"choices": [choice]}).encode())
        return self

    def end(self) -> None:
        self.say("", "stop")
        self._connection.sendall(b"data: [DONE]\n\n")
        self._connection.close()


class Client:
    """A client with one request, on a connection of its own."""

    def __init__(self, stack: ExitStack, url: str, *, stream: bool = True) -> None:
        host, _, port = url.removeprefix("http://").rpartition(":")
        self._address = host, int(port)
        self._connection = stack.enter_context(socket.create_connection(self._address, PATIENCE_S))
        body = json.dumps({"messages": [{"role": "user", "content": "?"}], "stream": stream})
        head = "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n"
        self._connection.sendall(f"{head}content-length: {len(body)}\r\n\r\n{body}".encode())
        self._heard = b""

    def until(self, text: str) -> str:
        """Wait for `text`; give all that has come."""
        while text.encode() not in self._heard:
            part = self._connection.recv(65536)
            assert part, f"{text!r} is not in {self._heard!r}"
            self._heard += part
        return self._heard.decode()

    def rest(self) -> str:
        while part := self._connection.recv(65536):
            self._heard += part
        return self._heard.decode()

    def wait_until_closed(self) -> None:
        """Wait until the address of this client takes no connections any more."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                socket.create_connection(self._address, PATIENCE_S).close()
            except (ConnectionRefusedError, ConnectionResetError):
                return
        raise AssertionError("the proxy still takes connections")
