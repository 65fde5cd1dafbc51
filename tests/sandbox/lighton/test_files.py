from pathlib import Path

import pytest

from proxy.sandbox.documents.corpus import Corpus, load_corpus
from proxy.sandbox.lighton.files import describe_file, list_files
from tests.sandbox.samples import sample_folder


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    folder: Path = sample_folder(tmp_path_factory.mktemp("company"))
    return load_corpus(folder)


def test_a_file_is_described_without_its_text(corpus: Corpus) -> None:
    file = describe_file(corpus, "1002", "")
    assert file is not None
    assert (file["id"], file["filename"], file["total_pages"]) == (1002, "lease.pdf", 3)
    assert file["workspace"] == {"id": 2, "name": "legal"}
    assert file.keys().isdisjoint({"pages", "content"})
    assert describe_file(corpus, "1002", "false") == file


@pytest.mark.parametrize("wants", ["true", "True", "1"])
def test_its_pages_come_where_they_are_asked_for(corpus: Corpus, wants: str) -> None:
    file = describe_file(corpus, "1002", wants)
    assert file is not None
    assert file["pages"] == [
        {"index": 1, "markdown": "The lease costs ninety euros."},
        {"index": 3, "markdown": "Signed by the landlord in Lyon."},
    ]


def test_a_text_is_one_page(corpus: Corpus) -> None:
    file = describe_file(corpus, "1001", "true")
    assert file is not None
    ((page),) = file["pages"]
    assert page["index"] == file["total_pages"] == 1
    assert page["markdown"].startswith("# Staff handbook")
    assert "Working from home" in page["markdown"]
    assert "fiscal_year" not in page["markdown"]


@pytest.mark.parametrize("file_id", ["9999", "", "x", "01001", "1001.0"])
def test_another_id_is_nobodys(corpus: Corpus, file_id: str) -> None:
    assert describe_file(corpus, file_id, "true") is None


def test_the_files_of_one_workspace_are_listed_as_they_are_described(corpus: Corpus) -> None:
    page = list_files(corpus, "http://x", {"workspace_id": "2"})
    assert page is not None
    assert page["count"] == len(page["results"]) > 0
    assert {each["workspace"]["id"] for each in page["results"]} == {2}
    assert page["results"][0] == describe_file(corpus, str(page["results"][0]["id"]), "")
    everything = list_files(corpus, "http://x", {})
    assert everything is not None
    assert everything["count"] == len(corpus.documents)
