"""What docs/start-lighton.md has people run: as far as it can be run without an account."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from email.message import Message
from email.parser import BytesParser
from io import StringIO
from pathlib import Path

import httpx
import pytest
from lighton import LightOnConfiguration  # type: ignore[import-untyped]  # it has no types

from proxy.cli import rag_proxy
from proxy.sandbox.app import create_sandbox
from proxy.sandbox.documents.corpus import load_corpus
from proxy.settings import load_settings
from tests.support.program import Program, run_program
from tests.support.server import serving_in_thread

PAGE = (Path(__file__).parents[1] / "docs" / "start-lighton.md").read_text()
SERVED = "sandbox-no-language-model"


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


class Store:
    """LightOn's routes for workspaces and files, as the SDK's schema has them."""

    def __init__(self) -> None:
        self.uploads: list[dict[str, str]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        match request.method, request.url.path:
            case "POST", "/api/v3/workspaces":
                return httpx.Response(201, json={"id": 42, **json.loads(request.content)})
            case "GET", "/api/v3/workspaces/42":
                return httpx.Response(200, json={"id": 42, "name": "Handbook"})
            case "POST", "/api/v3/files":
                self.uploads.append(fields(request))
                number = len(self.uploads)
            case "GET", path if path.startswith("/api/v3/files/"):
                number = int(path.rpartition("/")[2])
            case wrong:
                raise AssertionError(wrong)
        file = {"id": number, "filename": "x.pdf", "workspace_id": 42, "status": "embedded"}
        return httpx.Response(200, json=file)


def fields(request: httpx.Request) -> dict[str, str]:
    """The fields of a form, by name."""
    head = f"content-type: {request.headers['content-type']}\r\n\r\n".encode()
    parts: list[Message] = list(BytesParser().parsebytes(head + request.read()).walk())[1:]
    return {
        str(part.get_param("name", header="content-disposition")): str(part.get_payload())
        for part in parts
    }


@pytest.fixture(name="folder")
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "docs").mkdir()
    for name in ("leave", "other"):
        (tmp_path / "docs" / f"{name}.pdf").write_text("text")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(name="mine")
def _mine(tmp_path: Path) -> Path:
    """A folder of one's own, with the sentence that the page's answer quotes."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "handbook.md").write_text(
        "# Employee handbook\n\nEvery employee has 27 days of paid leave a year.\n"
    )
    return folder


@pytest.fixture(name="upstream")
def _upstream(mine: Path) -> Iterator[str]:
    with serving_in_thread(create_sandbox(load_corpus(mine))) as url:
        yield url


def test_the_sdk_s_lines_upload_a_folder_and_tell_the_address_of_a_document(folder: Path) -> None:
    store = Store()
    config = LightOnConfiguration(transport=httpx.MockTransport(store))
    said = StringIO()

    with redirect_stdout(said):
        for lines in blocks("python"):
            here = lines.replace("LightOn()", "LightOn('k', config=config)")
            exec(here, {"config": config})  # noqa: S102 - the page's own lines

    assert said.getvalue() == "42 2 documents\n"
    (told,) = (each for each in store.uploads if "external_metadata" in each)
    assert told["title"] == "Leave"
    assert json.loads(told["external_metadata"])["additional_metadata"]["url"].startswith("https:")
    assert [each["workspace_id"] for each in store.uploads] == ["42"] * 3
    assert (folder / "docs" / "leave.pdf").exists()


def test_the_profile_is_one(tmp_path: Path) -> None:
    file = tmp_path / "rag-proxy.toml"
    (text,) = blocks("toml")
    file.write_text(text)

    settings = load_settings(file)

    assert settings.default_model == "handbook"
    assert settings.profiles["handbook"].workspace_id == (42,)


def test_every_command_of_the_page_is_one() -> None:
    named = set(re.findall(r"rag-proxy ([a-z]+)\b", "".join(blocks("sh"))))

    assert named == {"workspaces", "check", "serve", "ask", "sandbox"}
    assert named <= rag_proxy.commands.keys()


def test_the_list_of_workspaces_looks_as_the_page_shows_it(upstream: str, tmp_path: Path) -> None:
    listed = run_program("workspaces", cwd=tmp_path, env=environment(upstream)).stdout

    shown = next(each for each in blocks("") if each.startswith("ID"))
    assert listed.split("\n")[0].split() == shown.split("\n")[0].split()


def test_without_keys_the_answer_cites_a_document_of_one_s_own(
    upstream: str, tmp_path: Path
) -> None:
    """The stand-in for the model takes the place of the model server."""
    with Program("serve", "--port", "0", cwd=tmp_path, env=environment(upstream)) as proxy:
        url = proxy.out.until(r"(http://[\d.]+:\d+)")[1]
        (question,) = set(re.findall(r'rag-proxy ask "(.* paid .*)"', PAGE))
        said = run_program("ask", question, "--url", url, cwd=tmp_path).stdout

    assert "27 days" in said
    assert "[1] Employee handbook  lighton://file/1001" in said
    assert "[1] Employee handbook  lighton://file/1001" in PAGE


def environment(upstream: str) -> dict[str, str]:
    """The variables of the page's last example, with addresses and model of the stand-ins."""
    example = next(each for each in blocks("sh") if "sandbox --docs" in each)
    given = dict(word.split("=", 1) for word in example.split() if re.match(r"[A-Z_]+=", word))
    return given | {
        "LIGHTON_BASE_URL": upstream,
        "SCALEWAY_BASE_URL": f"{upstream}/v1",
        "RAG_PROXY_DEFAULT_MODEL": SERVED,
    }
