"""Progress as events of Open WebUI, which it reads from chunks that have the key `event`.

A `status` is a line above the answer. A `source` adds to the list of sources: Open WebUI counts
distinct `metadata.source` in the order they come, shows the document's text when a reader clicks,
and takes `[n]` for the n-th. Before 0.12 it counts distinct names, so two sources never share one.

It makes a source of each annotation, too, with the title for a text. An answer that tells of its
sources by events has no annotations, or each title would stand among the texts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from proxy.core.control_tokens import INERT
from proxy.core.passages import Passage
from proxy.core.progress import News
from proxy.core.wire import Chunk
from proxy.core.writer import CompletionWriter

_IMAGE: Final = re.compile(r"!(?=\[)")
_TAG: Final = re.compile(r"<(?=[a-zA-Z/!])")


class OpenWebUI:
    """Progress as events."""

    shows_sources = True

    def __init__(self, writer: CompletionWriter) -> None:
        self._writer = writer
        self._names: dict[str, str] = {}
        """The names of the sources so far, by address."""

    def tell(self, news: News) -> Chunk:
        status = {"action": news.tool, "description": news.text, "done": news.is_done}
        return self._event("status", status)

    def close(self, news: News) -> Chunk:
        status = {"action": news.tool, "description": news.text, "done": True}
        return self._event("status", status)

    def cite(self, n: int, passage: Passage, text: str) -> Chunk:
        result = passage.result
        name = self._name(n, passage)
        metadata: dict[str, object] = {"source": result.url, "name": name}
        if result.page_start is not None:
            metadata["page"] = result.page_start - 1  # it counts from 0
        source = {
            "source": {"id": result.url, "name": name, "url": result.url},
            "document": [_inert(text) or name],
            "metadata": [metadata],
        }
        return self._event("source", source)

    def _name(self, n: int, passage: Passage) -> str:
        name, url = passage.result.name, passage.result.url
        if url not in self._names:
            is_taken = name in self._names.values()
            self._names[url] = f"{name} ({n})" if is_taken else name
        return self._names[url]

    def _event(self, kind: str, data: Mapping[str, object]) -> Chunk:
        return self._writer.aside({"event": {"type": kind, "data": data}})


def _inert(text: str) -> str:
    """A document's text, which is shown as Markdown, without what would load an image."""
    return _TAG.sub(INERT["<"], _IMAGE.sub("! ", text))
