"""The place where a company's people sign in, and two programs that stand for it in a shell.

`token NAME` prints the token that signing in brings. `rotate-keys` has the provider change its
keys, as it does by itself now and then.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote_plus

from starlette.types import Receive, Scope, Send

from tests.support.issuer import Issuer
from tests.support.server import serving_in_thread

GROUPS: Final = {"ada": ("legal",), "bob": ("hr",), "eve": ()}
_TOKEN: Final = '#!/bin/sh\nexec curl -sG "{url}/sign-in" --data-urlencode "as=$*"\n'
_ROTATE: Final = '#!/bin/sh\nexec curl -s "{url}/rotate"\n'


class SignIn:
    """An issuer, and a door to it for each of the programs."""

    def __init__(self) -> None:
        self.issuer: Final = Issuer()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path")
        if path == "/sign-in":
            words = unquote_plus(scope["query_string"].decode()).removeprefix("as=")
            await _say(send, self._token(*words.split()))
        elif path == "/rotate":
            self.issuer.rotate()
            await _say(send, "")
        else:
            await self.issuer(scope, receive, send)

    def _token(self, name: str, *options: str) -> str:
        """The token of somebody, wrong in the way that an option says."""
        claims: dict[str, Any] = {}
        match options:
            case ("--audience", audience):
                claims["aud"] = audience
            case ("--expired",):
                claims["exp"] = int(time.time()) - 3600
        return self.issuer.token(f"{name}@example.com", GROUPS[name], **claims)


async def _say(send: Send, text: str) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": text.encode()})


@contextmanager
def signing_in(programs: Path) -> Iterator[str]:
    """Put the programs into a folder; gives the address of the issuer that they speak to."""
    provider = SignIn()
    with serving_in_thread(provider) as url:
        provider.issuer.url = url
        for name, text in (("token", _TOKEN), ("rotate-keys", _ROTATE)):
            program = programs / name
            program.write_text(text.format(url=url))
            program.chmod(0o755)
        yield url
