from __future__ import annotations

from typing import Any

from proxy.core.responses.events import Log
from proxy.core.responses.output import Output


class Item:
    """An item that counts how often it was looked at."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.looks = 0

    def item(self) -> Any:
        self.looks += 1
        return {"id": self.name, "looks": self.looks}


def test_items_are_numbered_as_they_begin_and_told_as_they_are() -> None:
    log = Log()
    output = Output(log, lambda prefix: prefix)
    first, second = output.begin(Item("a")), output.begin(Item("b"))
    output.end(second)
    output.end(first)
    told: Any = log.take()
    assert [(each["type"], each["output_index"], each["item"]) for each in told] == [
        ("response.output_item.added", 0, {"id": "a", "looks": 1}),
        ("response.output_item.added", 1, {"id": "b", "looks": 1}),
        ("response.output_item.done", 1, {"id": "b", "looks": 2}),
        ("response.output_item.done", 0, {"id": "a", "looks": 2}),
    ]
    assert output.items() == [{"id": "a", "looks": 3}, {"id": "b", "looks": 3}]
