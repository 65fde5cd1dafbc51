"""The output of a response: its items, in the order in which they begin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from proxy.core.responses.events import Log
from proxy.core.responses.wire import OutputItem


class Entry(Protocol):
    """An item of the output, from its beginning on."""

    def item(self) -> OutputItem:
        """The item as it is now. Each call makes a new one, as events hold on to it."""


class Output:
    """The items so far. `mint` makes an id with a prefix such as "msg"."""

    def __init__(self, log: Log, mint: Callable[[str], str]) -> None:
        self.log = log
        self.mint = mint
        self._entries: list[Entry] = []

    def begin(self, entry: Entry) -> int:
        """Add an item. Returns its index."""
        index = len(self._entries)
        self._entries.append(entry)
        item = entry.item()
        self.log.tell({"type": "response.output_item.added", "output_index": index, "item": item})
        return index

    def end(self, index: int) -> None:
        """The item at `index` is done."""
        item = self._entries[index].item()
        self.log.tell({"type": "response.output_item.done", "output_index": index, "item": item})

    def items(self) -> list[OutputItem]:
        """All items as they are now."""
        return [entry.item() for entry in self._entries]
