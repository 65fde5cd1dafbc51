from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import pytest

from proxy.app import create_app
from proxy.settings import Settings
from proxy.surfaces.page import POLICY, Page, read_page
from tests.support.asgi import Answer, ask

KEY: Final = "a-key-of-a-client-that-is-long"
HERE: Final = {"host": "127.0.0.1:8000"}
FILES: Final = sorted(file.name for file in files("proxy").joinpath("page").iterdir())
TEXTS: Final = {
    name: files("proxy").joinpath("page", name).read_text(encoding="utf-8") for name in FILES
}


async def get(path: str, *, method: str = "GET", more: Any = None, **settings: Any) -> Answer:
    app = create_app(Settings(lighton_api_key="k", scaleway_api_key="k", **settings))
    return await ask(app, path, method=method, content=b"", headers={**HERE, **(more or {})})


async def test_the_page_is_at_the_root_and_may_load_nothing_but_its_own_files() -> None:
    page = await get("/")
    assert page.status == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"] == POLICY
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert b"<!doctype html>" in page.body


def test_the_policy_opens_nothing_else() -> None:
    rules = dict(rule.split(" ", 1) for rule in POLICY.split("; "))
    assert rules == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "img-src": "'self' data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }


async def test_every_file_that_the_page_names_is_there_with_its_type() -> None:
    named = set(re.findall(r"""(?:src|href)="(page/[\w.]+)\"""", TEXTS["index.html"]))
    scripts = [text for name, text in TEXTS.items() if name.endswith(".js")]
    assert {f"page/{name}" for name in FILES if name.endswith(".js")} <= named  # all at once
    named |= {f"page/{each}" for text in scripts for each in re.findall(r'"\./([\w.]+)"', text)}
    named |= {f"page/{each}" for each in re.findall(r'url\("([\w.]+)"\)', TEXTS["style.css"])}
    assert {f"page/{name}" for name in FILES} == named | {"page/index.html"}
    types = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
    for path in named:
        file = await get(f"/{path}")
        assert file.status == 200
        assert file.headers["content-type"].startswith(types[path.rpartition(".")[2]])


async def test_who_has_the_newest_version_does_not_get_it_again() -> None:
    etag = (await get("/")).headers["etag"]
    for known in (etag, f'"other", W/{etag}', "*"):
        kept = await get("/", more={"if-none-match": known})
        assert (kept.status, kept.body, kept.headers["etag"]) == (304, b"", etag)
    assert (await get("/", more={"if-none-match": '"other"'})).status == 200
    assert (await get("/page/main.js")).headers["etag"] != etag


async def test_head_tells_the_size_and_nothing_more() -> None:
    head, page = await get("/", method="HEAD"), await get("/")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == str(len(page.body))


@pytest.mark.parametrize(
    "path",
    ["/v1", "/v1/", "//", "/page", "/page/", "/page/x.js", "/page/index.html", "/page//main.js"],
)
async def test_only_its_very_paths_are_the_pages(path: str) -> None:
    missing = await get(path)
    assert (missing.status, missing.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/page/..%2fapp.py", "/page/../app.py", "/page/%2e%2e/app.py"])
async def test_no_path_leads_out_of_the_pages_folder(path: str) -> None:
    assert (await get(path)).status == 404


@pytest.mark.parametrize(
    ("settings", "status"),
    [
        ({}, 200),
        ({"page": False}, 404),
        ({"api_keys": [KEY]}, 401),
        ({"api_keys": [KEY], "page": True}, 200),
        ({"keys_file": "keys.toml"}, 401),
    ],
)
async def test_without_a_word_there_is_a_page_where_nobody_needs_a_key(
    settings: dict[str, Any], status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "keys.toml").touch(mode=0o600)
    assert (await get("/", **settings)).status == status
    assert (await get("/page/main.js", **settings)).status == status


async def test_only_the_page_is_open_where_others_need_a_key() -> None:
    locked: dict[str, Any] = {"api_keys": [KEY], "page": True}
    for path in ("/models", "/v1/models", "/usage", "/page/x.js", "/page/index.html"):
        assert (await get(path, **locked)).status == 401


async def test_without_keys_the_page_is_for_this_machine_as_all_is() -> None:
    foreign = {"host": "rebound.example"}
    assert (await get("/", more=foreign)).status == 403
    assert (await get("/", more=foreign, api_keys=[KEY], page=True)).status == 200


def test_a_page_without_files_has_neither_paths_nor_routes() -> None:
    assert (Page({}).paths, Page({}).routes) == (frozenset(), ())
    assert "/" in read_page().paths


@pytest.mark.parametrize("name", FILES)
def test_no_file_has_what_the_policy_forbids(name: str) -> None:
    text = TEXTS[name]
    assert not re.findall(r"\son\w+=|\sstyle=|<style|javascript:", text)
    assert not re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", text)
    assert not re.findall(r"new Function|setAttribute\(\"style", text)
    hosts = set(re.findall(r"https?://[\w.-]+", text)) - {"http://www.w3.org"}  # names of formats
    assert hosts == set()
    assert not re.findall(r"<script(?![^>]* src=\"page/)", text)


def test_all_files_together_are_small() -> None:
    assert sum(len(text.encode()) for text in TEXTS.values()) < 100_000
