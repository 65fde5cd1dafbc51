from collections.abc import Mapping
from pathlib import Path

from proxy.sandbox.documents.folder import find_files
from proxy.sandbox.documents.reading import read_file
from proxy.sandbox.scaleway.catalogue import Catalogue, Document, External, Tag, Workspace, describe
from tests.sandbox.samples import make_pdf, sample_folder, write


def catalogue(root: Path) -> Catalogue:
    found = find_files(root)
    return describe(root, found, {path: read_file(file) for path, file in found.files.items()})


def document(root: Path, files: Mapping[str, str | bytes]) -> Document:
    return catalogue(write(root, files)).documents[-1]


def test_sub_folders_are_workspaces_and_files_beside_them_belong_to_one_more(
    tmp_path: Path,
) -> None:
    described = catalogue(sample_folder(tmp_path / "company"))
    hr, legal, company = Workspace(1, "hr"), Workspace(2, "legal"), Workspace(3, "company")
    assert described.workspaces == (hr, legal, company)
    assert {each.path: each.workspace for each in described.documents} == {
        "hr/handbook.md": hr,
        "legal/lease.pdf": legal,
        "legal/nda.md": legal,
        "legal/notes.txt": legal,
        "welcome.md": company,
    }


def test_a_flat_folder_is_one_workspace(tmp_path: Path) -> None:
    described = catalogue(write(tmp_path / "docs", {"a.md": "a"}))
    assert described.workspaces == (Workspace(1, "docs"),)


def test_deeper_folders_belong_to_the_workspace_above_them(tmp_path: Path) -> None:
    described = catalogue(write(tmp_path, {"a/b/c.md": "c"}))
    assert described.documents[0].workspace == Workspace(1, "a")
    assert described.workspaces == (Workspace(1, "a"),)


def test_files_and_tags_are_numbered_in_order(tmp_path: Path) -> None:
    described = catalogue(sample_folder(tmp_path))
    assert [each.id for each in described.documents] == [1001, 1002, 1003, 1004, 1005]
    leave, legal, people = Tag(101, "leave"), Tag(102, "legal"), Tag(103, "people")
    assert described.tags == (leave, legal, people)
    assert described.documents[0].tags == (leave, people)
    assert described.documents[1].tags == ()


def test_names_that_occur_twice_are_made_unique(tmp_path: Path) -> None:
    described = catalogue(write(tmp_path, {"a/readme.md": "a", "b/readme.md": "b"}))
    assert [each.filename for each in described.documents] == ["readme.md", "readme_1002.md"]


def test_the_title_is_the_metadatas_then_the_first_heading(tmp_path: Path) -> None:
    assert document(tmp_path, {"a.md": "---\ntitle: T\n---\n# Heading"}).title == "T"
    assert document(tmp_path, {"b.md": "intro\n\n# Heading"}).title == "Heading"
    assert document(tmp_path, {"c.md": "no heading"}).title is None
    assert document(tmp_path, {"d.txt": "# text"}).title is None
    assert document(tmp_path, {"e.pdf": make_pdf(["x"], title="Lease")}).title == "Lease"
    assert document(tmp_path, {"f.pdf": make_pdf(["x"], title=" ")}).title is None


def test_facets_come_from_the_metadata(tmp_path: Path) -> None:
    handbook = catalogue(sample_folder(tmp_path)).documents[0]
    assert handbook.content_types == ("hr:policy",)
    assert handbook.attributes == {"fiscal_year": ("2024",), "status": ("active",)}


def test_where_a_document_came_from_is_known_by_either_key(tmp_path: Path) -> None:
    by_path = {each.path: each.external for each in catalogue(sample_folder(tmp_path)).documents}
    url = "https://intranet.test/handbook"
    assert by_path["hr/handbook.md"] == External("hr/handbook.md", url, None)
    assert by_path["legal/nda.md"] == External("legal/nda.md", None, "https://files.test/nda")
    assert by_path["welcome.md"] is None
    named = document(tmp_path, {"z.md": "---\nexternal_id: D-7\nurl: https://x.test\n---\nz"})
    assert named.external == External("D-7", "https://x.test", None)


def test_sizes_and_types_are_those_of_the_files(tmp_path: Path) -> None:
    pdf = make_pdf(["x", None])
    described = document(tmp_path, {"A.PDF": pdf})
    assert (described.file_type, described.size_bytes) == ("pdf", len(pdf))
    assert described.page_sizes == ((612, 792), (612, 792))
