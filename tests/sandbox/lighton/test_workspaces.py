from pathlib import Path

import pytest

from proxy.sandbox.documents.corpus import Corpus, load_corpus
from proxy.sandbox.lighton.workspaces import PAGE_SIZE, list_workspaces
from tests.sandbox.samples import sample_folder, write

ADDRESS = "http://sandbox.test/api/v3/workspaces"


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    files = {f"team{number:03}/a.txt": "Text." for number in range(2 * PAGE_SIZE + 1)}
    return load_corpus(write(tmp_path_factory.mktemp("many"), files))


def test_each_workspace_is_described_with_the_number_of_its_files(tmp_path: Path) -> None:
    page = list_workspaces(load_corpus(sample_folder(tmp_path)), ADDRESS, "1")
    assert page is not None
    assert (page["count"], page["next"], page["previous"]) == (3, None, None)
    names = {each["name"]: each["files_count"] for each in page["results"]}
    assert names["hr"] == 1
    assert {each["user_role"] for each in page["results"]} == {"viewer"}


def test_a_long_list_comes_in_pages_that_name_their_neighbours(many: Corpus) -> None:
    pages = [list_workspaces(many, ADDRESS, str(number)) for number in (1, 2, 3)]
    seen = [(page["previous"], len(page["results"]), page["next"]) for page in pages if page]
    assert seen == [
        (None, PAGE_SIZE, f"{ADDRESS}?page=2"),
        (f"{ADDRESS}?page=1", PAGE_SIZE, f"{ADDRESS}?page=3"),
        (f"{ADDRESS}?page=2", 1, None),
    ]


@pytest.mark.parametrize("page", ["0", "4", "-1", "x", "", "²"])
def test_there_are_no_other_pages(many: Corpus, page: str) -> None:
    assert list_workspaces(many, ADDRESS, page) is None
