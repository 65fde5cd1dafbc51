"""A file that is the same for everybody."""

from __future__ import annotations

import pytest
from starlette.middleware import Middleware
from starlette.routing import Route

from proxy.surfaces.application import Application
from proxy.surfaces.fixed_file import FixedFile
from proxy.surfaces.middleware import Requests
from tests.support.asgi import Answer, ask


async def get(content: bytes = b"{}", method: str = "GET", **headers: str) -> Answer:
    route = Route("/file", FixedFile(content, "application/json"), methods=["GET"])
    app = Application([route], [Middleware(Requests)])
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await ask(app, "/file", method=method, headers=named, content=b"")


async def test_it_is_served_with_its_type_and_a_mark_of_its_version() -> None:
    answer = await get()
    assert (answer.status, answer.body) == (200, b"{}")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["etag"] == (await get()).headers["etag"]
    assert answer.headers["etag"] != (await get(b"[]")).headers["etag"]


@pytest.mark.parametrize("form", ["{}", "W/{}", '"a", {}', "*"])
async def test_who_has_this_version_gets_no_body(form: str) -> None:
    etag = (await get()).headers["etag"]
    answer = await get(if_none_match=form.replace("{}", etag))
    assert (answer.status, answer.body) == (304, b"")
    assert answer.headers["etag"] == etag


@pytest.mark.parametrize("known", ['"other"', "", "garbage", ","])
async def test_who_has_another_version_gets_this_one(known: str) -> None:
    assert (await get(if_none_match=known)).body == b"{}"


async def test_the_head_alone_tells_the_length() -> None:
    answer = await get(method="HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-length"] == "2"
