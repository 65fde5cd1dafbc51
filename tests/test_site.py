"""The documentation as a site: `make docs`."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PATIENCE_S = 120.0
SOURCES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE", "mkdocs.yml")
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "bench" / "RESULTS.md"]


def build(root: Path, site: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    return subprocess.run(  # noqa: S603 - our own site
        command, cwd=root, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )


@pytest.fixture(name="site", scope="module")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("site")
    done = build(ROOT, site)
    assert done.returncode == 0, done.stderr
    return site


@pytest.fixture(name="checkout")
def _checkout(tmp_path: Path) -> Path:
    """A copy of all that the site is made from."""
    root = tmp_path / "checkout"
    for folder in ("docs", "bench", "images", "scripts"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns(".peers"))
    for file in SOURCES:
        shutil.copy(ROOT / file, root / file)
    return root


def test_every_document_has_a_page_at_its_place_in_the_repository(site: Path) -> None:
    for page in PAGES:
        place = page.relative_to(ROOT).with_suffix(".html")
        assert (site / ("index.html" if page.name == "README.md" else place)).is_file()


def test_pages_load_nothing_from_another_host(site: Path) -> None:
    load = re.compile(r"""(?:\bsrc=|<link [^>]*href=|url\(|@import )["']?(?:https?:)?//[^"')]*""")
    texts = [*site.rglob("*.html"), *site.rglob("*.css")]

    assert texts
    assert {file.name: found for file in texts if (found := load.findall(file.read_text()))} == {}


@pytest.mark.parametrize(
    ("link", "complaint"),
    [
        ("[x](missing.md)", "missing.md"),
        ("[x](../Makefile)", "../Makefile"),
        ("[x](errors.md#missing)", "#missing"),
        ("[x](/docs/errors.md)", "/docs/errors.md"),
    ],
)
def test_a_link_that_leads_nowhere_ends_the_build(
    checkout: Path, link: str, complaint: str
) -> None:
    with (checkout / "docs" / "clients.md").open("a") as page:
        page.write(f"\n{link}\n")

    done = build(checkout, checkout / "site")

    assert done.returncode == 1
    assert complaint in done.stderr


def test_a_page_that_nobody_finds_ends_the_build(checkout: Path) -> None:
    (checkout / "docs" / "new.md").write_text("# New\n")

    done = build(checkout, checkout / "site")

    assert done.returncode == 1
    assert "docs/new.md" in done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_headings_hold_on_the_repository_page_too(page: Path) -> None:
    """The host of the repository makes other names of headings than the site does."""
    for file, heading in re.findall(r"\]\(([^)#:\s]*)#([^)\s]+)\)", page.read_text()):
        target = (page.parent / file) if file else page
        titles = re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE)
        assert heading in {
            re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in titles
        }
