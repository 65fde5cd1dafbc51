from pathlib import Path

from proxy.sandbox.documents.corpus import load_corpus
from proxy.sandbox.lighton.workspaces import list_workspaces
from tests.sandbox.samples import sample_folder

ADDRESS = "http://sandbox.test/api/v3/workspaces"


def test_each_workspace_is_described_with_the_number_of_its_files(tmp_path: Path) -> None:
    page = list_workspaces(load_corpus(sample_folder(tmp_path)), ADDRESS, {})
    assert page is not None
    assert (page["count"], page["next"], page["previous"]) == (3, None, None)
    names = {each["name"]: each["files_count"] for each in page["results"]}
    assert names["hr"] == 1
    assert {each["user_role"] for each in page["results"]} == {"viewer"}
