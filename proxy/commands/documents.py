"""Indexing a folder of documents, with something to look at meanwhile."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath

import click

from proxy.sandbox.documents.corpus import (
    Corpus,
    CorpusError,
    Progress,
    default_documents,
    load_corpus,
)
from proxy.sandbox.documents.folder import describe_ignored

SHOWN_WORKSPACES = 10
QUOTED_WORDS = 5


def load_documents(docs: Path | None) -> Corpus:
    """The documents in `docs`, or the proxy's own manual.

    Says on stderr what it skipped, and why. Raises click.BadParameter if it can read nothing.
    """
    try:
        with _progress_bar() as progress:
            corpus = load_corpus(docs or default_documents(), progress=progress)
    except CorpusError as error:
        raise click.BadParameter(str(error), param_hint="--docs") from error
    for file in corpus.skipped:
        click.echo(f"skipped {file.path}: {file.reason}", err=True)
    click.echo(summary(corpus), err=True)
    if len(corpus.workspaces) > 1:
        click.echo(workspaces(corpus), err=True)
    return corpus


def summary(corpus: Corpus) -> str:
    left_out = [f"{len(corpus.skipped)} skipped"] if corpus.skipped else []
    left_out += [describe_ignored(corpus.ignored)] if corpus.ignored else []
    counted = (
        f"{_count(corpus.files, 'document')} ({_count(corpus.chunks, 'passage')}, "
        f"{_count(len(corpus.workspaces), 'workspace')})"
    )
    return "; ".join([f"indexed {counted}", *left_out])


def workspaces(corpus: Corpus) -> str:
    """The workspaces by id and name, so that a user can narrow a request to one."""
    shown = [f"{each.id} {each.name}" for each in corpus.workspaces[:SHOWN_WORKSPACES]]
    more = ["…"] if len(corpus.workspaces) > SHOWN_WORKSPACES else []
    return f"workspaces: {', '.join([*shown, *more])}"


def question(corpus: Corpus) -> str:
    """A question that the documents answer: about the first title, or the first words."""
    for document in corpus.documents:
        if document.title:
            return f"What does {document.title} say?"
    first = corpus.passages[0]
    name = PurePath(first.document.path).stem
    words = (first.chunk.content or "").split()[:QUOTED_WORDS]
    return f'What does {name} say about "{" ".join(words)}"?' if words else f"What does {name} say?"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


@contextmanager
def _progress_bar() -> Iterator[Progress]:
    """A progress bar on stderr, if that is a terminal."""
    with click.progressbar(
        length=1, label="Indexing", file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:

        def show(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        yield show
