"""Describes the files of a folder as LightOn does: workspace, title, tags, facets, origin."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from proxy.sandbox.documents.facets import Attributes
from proxy.sandbox.documents.folder import Found
from proxy.sandbox.documents.frontmatter import FrontMatter
from proxy.sandbox.documents.markdown import first_heading
from proxy.sandbox.documents.pdf import clean
from proxy.sandbox.documents.reading import Reading

FIRST_FILE_ID = 1001
FIRST_TAG_ID = 101

_OWN_KEYS = frozenset({"title", "tags", "content_type", "url", "source_url", "external_id"})


@dataclass(frozen=True, slots=True)
class Workspace:
    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Tag:
    id: int
    name: str


@dataclass(frozen=True, slots=True)
class External:
    """Where a document came from: front matter `url`, or `source_url` as SDK uploads have it."""

    id: str
    url: str | None
    source_url: str | None


@dataclass(frozen=True, slots=True)
class Document:
    """A file. `filename` is unique within the corpus, as LightOn makes it.

    `page_sizes` holds width and height of each PDF page, in points.
    """

    id: int
    path: str
    filename: str
    title: str | None
    file_type: str
    size_bytes: int
    page_sizes: tuple[tuple[float, float], ...]
    workspace: Workspace
    tags: tuple[Tag, ...]
    content_types: tuple[str, ...]
    attributes: Attributes
    external: External | None


@dataclass(frozen=True, slots=True)
class Catalogue:
    workspaces: tuple[Workspace, ...]
    tags: tuple[Tag, ...]
    documents: tuple[Document, ...]


def describe(root: Path, found: Found, readings: Mapping[str, Reading]) -> Catalogue:
    """Describe the readable files; `documents` are in the order of `readings`."""
    workspaces = _workspaces(root, found)
    tags = _tags(readings.values())
    documents = _documents(readings, workspaces, tags)
    return Catalogue(tuple(workspaces.values()), tuple(tags.values()), tuple(documents))


def _workspaces(root: Path, found: Found) -> dict[str, Workspace]:
    """Return the workspaces by sub-folder name; the empty name is the folder itself."""
    names = list(found.folders)
    if any("/" not in path for path in found.files):
        names.append("")
    return {
        name: Workspace(number, clean(name or root.resolve().name) or "documents")
        for number, name in enumerate(names, start=1)
    }


def _tags(readings: Iterable[Reading]) -> dict[str, Tag]:
    names = sorted({name for reading in readings for name in reading.front_matter.get("tags", ())})
    return {name: Tag(number, name) for number, name in enumerate(names, start=FIRST_TAG_ID)}


def _documents(
    readings: Mapping[str, Reading],
    workspaces: Mapping[str, Workspace],
    tags: Mapping[str, Tag],
) -> Iterator[Document]:
    seen: Counter[str] = Counter()
    for file_id, (path, reading) in enumerate(readings.items(), start=FIRST_FILE_ID):
        pure = PurePosixPath(path)
        seen[pure.name] += 1
        front = reading.front_matter
        yield Document(
            id=file_id,
            path=path,
            filename=pure.name if seen[pure.name] == 1 else f"{pure.stem}_{file_id}{pure.suffix}",
            title=_title(reading),
            file_type=pure.suffix.lower().removeprefix("."),
            size_bytes=reading.size_bytes,
            page_sizes=tuple((page.width, page.height) for page in reading.pages),
            workspace=workspaces[pure.parts[0] if len(pure.parts) > 1 else ""],
            tags=tuple(tags[name] for name in dict.fromkeys(front.get("tags", ()))),
            content_types=front.get("content_type", ()),
            attributes={
                key.lower(): values for key, values in front.items() if key not in _OWN_KEYS
            },
            external=_external(path, front),
        )


def _title(reading: Reading) -> str | None:
    if reading.kind == "markdown":
        return next(iter(reading.front_matter.get("title", ())), None) or first_heading(
            reading.text
        )
    return reading.pdf_title or None


def _external(path: str, front: FrontMatter) -> External | None:
    url, source_url = (next(iter(front.get(key, ())), None) for key in ("url", "source_url"))
    if not url and not source_url:
        return None
    return External(next(iter(front.get("external_id", ())), path), url, source_url)
