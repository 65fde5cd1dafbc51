"""A hook of MkDocs: the site has the folders of the repository.

So a relative link between documents, or to a file outside `docs/`, leads to the same place on the
repository's pages and in the site.
"""

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent
OUTSIDE_DOCS = (
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "SECURITY.md",
    "bench/RESULTS.md",
    "bench/results.svg",
    "images/page-dark.png",
    "images/page-light.png",
)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Put the documents under `docs/` again, beside the repository's other pages."""
    documents = [f"docs/{file.src_uri}" for file in files if file.src_dir == config.docs_dir]
    of_the_theme = [file for file in files if file.src_dir != config.docs_dir]
    pages = [
        File(page, str(ROOT), config.site_dir, config.use_directory_urls)
        for page in (*OUTSIDE_DOCS, *documents)
    ]
    return Files([*pages, *of_the_theme])
