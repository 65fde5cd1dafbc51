"""Progress as Open WebUI reads it: backend/open_webui/utils/middleware.py, Citations.svelte."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.core.open_webui import OpenWebUI
from proxy.core.passages import Passage
from proxy.core.progress import News
from proxy.core.writer import CompletionWriter
from tests.core.samples import result
from tests.support.openai_schema import check_chunk

URL = "https://docs.example/leave"


def progress() -> OpenWebUI:
    return OpenWebUI(CompletionWriter(id="x", created=1, model="m", include_usage=False))


def event(chunk: Any) -> Any:
    """The event of a chunk that is a valid chunk without words for everybody else."""
    found = chunk.pop("event")
    check_chunk(chunk)
    assert set(chunk["choices"][0]["delta"]) <= {"role"}
    assert found.keys() == {"type", "data"}
    return found


def source(one: OpenWebUI, n: int = 1, text: str = "27 days.", **more: Any) -> Any:
    found = event(one.cite(n, Passage(n, result(**more)), text))
    assert found["type"] == "source"
    return found["data"]


def test_news_are_a_status() -> None:
    one = progress()
    for is_done in (False, True):
        assert event(one.tell(News("lighton_search", "Searching: a", is_done))) == {
            "type": "status",
            "data": {"action": "lighton_search", "description": "Searching: a", "done": is_done},
        }


def test_a_job_that_is_not_waited_for_shimmers_no_more() -> None:
    closed = event(progress().close(News("lighton_search", "Searching: a", is_done=False)))
    assert closed["data"] == {
        "action": "lighton_search",
        "description": "Searching: a",
        "done": True,
    }


def test_a_source_has_its_address_its_title_and_the_text_of_the_passage() -> None:
    assert source(progress(), page_start=3) == {
        "source": {"id": URL, "name": "Leave", "url": URL},
        "document": ["27 days."],
        "metadata": [{"source": URL, "name": "Leave", "page": 2}],
    }
    assert source(progress())["metadata"] == [{"source": URL, "name": "Leave"}]


def test_passages_of_one_document_are_one_source() -> None:
    one = progress()
    first, second = source(one, 1, "a"), source(one, 1, "b", chunk_id="c2")
    assert first["metadata"] == second["metadata"]
    assert first["source"] == second["source"]
    assert (first["document"], second["document"]) == (["a"], ["b"])


def test_two_documents_never_share_a_name() -> None:
    one = progress()
    urls = [f"https://docs.example/{number}" for number in range(1, 4)]
    names = [source(one, n, url=url)["source"]["name"] for n, url in enumerate(urls, 1)]
    assert names == ["Leave", "Leave (2)", "Leave (3)"]
    assert source(one, 2, url=urls[1])["metadata"][0]["name"] == "Leave (2)"


def test_without_its_text_a_passage_is_still_a_source() -> None:
    assert source(progress(), text="")["document"] == ["Leave"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("See ![chart](https://evil.test/x.png).", "See ! [chart](https://evil.test/x.png)."),
        ("a ![x][1]", "a ! [x][1]"),
        ("5 < 7 and a<b", "5 < 7 and a\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}b"),
    ],
)
def test_a_passage_loads_no_image(text: str, shown: str) -> None:
    assert source(progress(), text=text)["document"] == [shown]


@pytest.mark.parametrize("tag", ["<img src=x>", "</p><IMG>", "<!--", "<video src=x>"])
def test_a_passage_has_no_tags(tag: str) -> None:
    assert "<" not in source(progress(), text=tag)["document"][0]
