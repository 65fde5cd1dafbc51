"""Open WebUI with a company's people: accounts and groups, as its administrator makes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Self

import httpx

PASSWORD: Final = "any-password-1"
_START_S: Final = 180
"""How long Open WebUI may take to start, for the first to ask it waits."""


def address_of(name: str) -> str:
    return f"{name.lower()}@example.com"


class Portal:
    """What the first account, which is the administrator's, may do."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(base_url=f"{url}/api/v1", timeout=_START_S, trust_env=False)

    def __enter__(self) -> Self:
        token = self._post("/auths/signup", **_account("Root"))["token"]
        self._client.headers["authorization"] = f"Bearer {token}"
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def add(self, name: str, groups: Sequence[str] = ()) -> None:
        """Make an account, and a group of each name with it as the member."""
        made = self._post("/auths/add", **_account(name), role="user")
        self._hide_the_news(made["token"])
        for each in groups:
            group = self._post("/groups/create", name=each, description="")
            self._post(f"/groups/id/{group['id']}/users/add", user_ids=[made["id"]])

    def _hide_the_news(self, token: str) -> None:
        """Have the page not begin with a window about what is new."""
        headers = {"authorization": f"Bearer {token}"}
        self._post("/users/user/settings/update", headers, ui={"showChangelog": False})

    def _post(self, path: str, headers: Any = None, /, **body: Any) -> Any:
        reply = self._client.post(path, json=body, headers=headers)
        assert reply.is_success, f"{path}: {reply.text}"
        return reply.json()


def _account(name: str) -> dict[str, str]:
    return {"name": name, "email": address_of(name), "password": PASSWORD}
