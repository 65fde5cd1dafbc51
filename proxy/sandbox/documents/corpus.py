"""A folder of documents as the LightOn stand-in serves it: workspaces, files, passages.

Identifiers are stable for a given folder. Every visible sub-folder is a workspace, numbered from 1
in the order of their names; files beside them belong to one more, numbered last and named after
the folder itself. Files are numbered from 1001 in the order of their paths, tags from 101 in the
order of their names. A chunk's id depends on its file's path and its place in the file.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath
from uuid import NAMESPACE_URL, UUID, uuid5

from proxy.sandbox.documents.chunks import Chunk, split
from proxy.sandbox.documents.folder import Found, Skipped, describe_ignored, find_files
from proxy.sandbox.documents.index import Entry, Index
from proxy.sandbox.documents.reading import Reading, Unreadable, read_file
from proxy.sandbox.scaleway.catalogue import Document, Tag, Workspace, describe

Progress = Callable[[int, int], None]


class CorpusError(Exception):
    """The folder holds nothing to search. The message is for the person who chose it."""


@dataclass(frozen=True, slots=True)
class Passage:
    id: UUID
    document: Document
    chunk: Chunk


@dataclass(frozen=True, slots=True)
class Corpus:
    """Documents, read, split and indexed; `index` numbers entries as `passages` does.

    `skipped` are files that the index should hold and cannot; `ignored` counts files of other
    types, by suffix.
    """

    root: Path
    workspaces: tuple[Workspace, ...]
    tags: tuple[Tag, ...]
    documents: tuple[Document, ...]
    passages: tuple[Passage, ...]
    pages: Mapping[int, tuple[str, ...]]
    """The text of each page, by the id of the file. One that is only an image has none."""
    index: Index
    skipped: tuple[Skipped, ...]
    ignored: Mapping[str, int]

    @property
    def files(self) -> int:
        return len(self.documents)

    @property
    def chunks(self) -> int:
        return len(self.passages)


def load_corpus(root: Path, *, progress: Progress | None = None) -> Corpus:
    """Read and index every document below `root`.

    It calls `progress(done, total)` at the start and after each step; a file takes two, reading and
    indexing. Raises `CorpusError` if the folder does not exist or holds no readable document.
    """
    found = find_files(_checked_root(root))
    steps = _Steps(2 * len(found.files), progress)
    readings, unreadable = _read(found, steps)
    skipped = (*found.skipped, *unreadable)
    if not readings:
        raise CorpusError(_nothing_in(root, skipped, found.ignored))
    catalogue = describe(root, found, readings)
    passages = tuple(
        Passage(_chunk_id(document, number), document, chunk)
        for document, reading in zip(catalogue.documents, readings.values(), strict=True)
        for number, chunk in enumerate(split(reading))
    )
    return Corpus(
        root=root,
        workspaces=catalogue.workspaces,
        tags=catalogue.tags,
        documents=catalogue.documents,
        passages=passages,
        pages={
            document.id: _pages(reading)
            for document, reading in zip(catalogue.documents, readings.values(), strict=True)
        },
        index=Index(_entries(passages, steps)),
        skipped=skipped,
        ignored=found.ignored,
    )


def default_documents() -> Path:
    """Return the project's own documentation: inside the package, or beside it in a checkout."""
    packaged = Path(__file__).parents[1] / "manual"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "docs"


def _checked_root(root: Path) -> Path:
    if not root.exists():
        raise CorpusError(f"{root}: no such folder")
    if not root.is_dir():
        raise CorpusError(f"{root}: not a folder")
    return root


def _nothing_in(root: Path, skipped: tuple[Skipped, ...], ignored: Mapping[str, int]) -> str:
    others = f"; {describe_ignored(ignored)}" if ignored else ""
    if not skipped:
        return f"{root}: no Markdown, text or PDF files in it{others}"
    reasons = "; ".join(f"{each.path}: {each.reason}" for each in skipped[:3])
    more = ", …" if len(skipped) > 3 else ""  # noqa: PLR2004 - as many as the line above shows
    return f"{root}: none of its documents can be read ({reasons}{more}){others}"


class _Steps:
    def __init__(self, total: int, progress: Progress | None) -> None:
        self._total = total
        self._done = 0
        self._progress = progress
        self.advance(0)

    def advance(self, steps: int = 1) -> None:
        self._done += steps
        if self._progress is not None:
            self._progress(self._done, self._total)


def _read(found: Found, steps: _Steps) -> tuple[dict[str, Reading], list[Skipped]]:
    readings: dict[str, Reading] = {}
    skipped: list[Skipped] = []
    for path, file in found.files.items():
        try:
            readings[path] = read_file(file)
        except Unreadable as error:
            skipped.append(Skipped(path, str(error)))
            steps.advance()
        steps.advance()
    return readings, skipped


def _pages(reading: Reading) -> tuple[str, ...]:
    if reading.kind == "pdf":
        return tuple(page.text or "" for page in reading.pages)
    return (reading.text,)


def _entries(passages: Iterable[Passage], steps: _Steps) -> Iterator[Entry]:
    for _, of_document in groupby(passages, key=lambda passage: passage.document.id):
        yield from map(_entry, of_document)
        steps.advance()


def _chunk_id(document: Document, number: int) -> UUID:
    return uuid5(NAMESPACE_URL, f"sandbox:{document.path}#{number}")


def _entry(passage: Passage) -> Entry:
    stem = PurePosixPath(passage.document.path).stem
    return Entry(
        content=passage.chunk.content or "",
        headings=" ".join(passage.chunk.section),
        title=f"{passage.document.title or ''} {stem}",
    )
