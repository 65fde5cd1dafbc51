"""The soaked process: `rag-proxy serve` with one more path, which tells of the process itself."""

from __future__ import annotations

import asyncio
import gc
import os
from typing import Final

import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from proxy.app import create_app
from proxy.commands.listening import address, listen
from proxy.commands.logs import configure_logging
from proxy.commands.serving import door_limits, serve_here, server_config
from proxy.settings import load_settings
from proxy.upstreams.http.outbound import Outbound

PATH: Final = "/soak/tasks"


class Hooked:
    """An application that also says how many tasks its event loop has, after a collection."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH:
            await self._app(scope, receive, send)
            return
        gc.collect()
        body = orjson.dumps({"tasks": len(asyncio.all_tasks())})
        length = str(len(body)).encode()
        head = {"type": "http.response.start", "status": 200}
        await send({**head, "headers": [(b"content-length", length)]})
        await send({"type": "http.response.body", "body": body})


def main() -> None:
    settings = load_settings(None)
    configure_logging(settings.log_level)
    app = Hooked(create_app(settings, Outbound.of(settings, os.environ)))
    listener = listen(settings.host, settings.port)
    config = server_config(app, settings.log_level, limits=door_limits(settings), grace_s=5)
    serve_here(config, listener, f"soaked on {address(listener)}")


if __name__ == "__main__":
    main()
