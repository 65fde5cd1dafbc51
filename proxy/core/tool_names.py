"""Names of tools as models write them: with a namespace before them, or with a control token after.

gpt-oss was trained on `functions.x` and on channels, and a server whose parser misses one leaves
`x<|channel|>commentary` in the name (vllm-project/vllm#32587, #23567). Kimi numbers its calls,
`functions.x:0`. Some servers send a name in pieces, others repeat it with each piece of arguments.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple

from proxy.core.chat import tool_name
from proxy.core.wire import Tool

_NAMESPACES: Final = (
    "functions.",
    "functions:",
    "function.",
    "tools.",
    "tool.",
    "default_api.",
    "call:",
)
_CONTROL: Final = re.compile(r"<[|\uff5c]")
_NUMBERED: Final = re.compile(r"([^:]{1,256}):[0-9]{1,4}")


class ToolNames(NamedTuple):
    """The names that the calls of one round may bear."""

    declared: frozenset[str] = frozenset()
    """All that the client and the proxy have declared."""
    own_in_text: frozenset[str] = frozenset()
    """Those of the proxy's own tools whose calls are read in text, too."""
    client_in_text: frozenset[str] = frozenset()
    """The same for the client's tools."""
    tools: tuple[Tool, ...] = ()
    """The tools that the round may offer. They say which arguments are strings."""

    def takes_string(self, name: str, parameter: str) -> bool:
        """Whether a tool's schema says that a parameter is a string."""
        name = plain_name(name, self.declared)
        tool = next((each for each in self.tools if tool_name(each) == name), None)
        schema = tool["function"].get("parameters") if tool else None
        properties = schema.get("properties") if isinstance(schema, Mapping) else None
        its = properties.get(parameter) if isinstance(properties, Mapping) else None
        return isinstance(its, Mapping) and its.get("type") == "string"


def plain_name(written: str, declared: Container[str]) -> str:
    """The declared tool that a model means by the name it has written; else the name as it is.

    A name that is declared stands for itself, however odd it looks.
    """
    if written in declared:
        return written
    name = written.strip()
    bare = without_control(name)
    numbered = _NUMBERED.fullmatch(bare.rpartition(".")[2])
    heads = (name, bare, bare.rpartition(":")[0] if numbered else bare)
    candidates = (each for head in heads for each in (head, *_bare(head)))
    return next((each for each in candidates if each in declared), written)


def without_control(name: str) -> str:
    """`name` up to the first control token in it."""
    return _CONTROL.split(name, maxsplit=1)[0].strip()


def may_become(written: str, names: AbstractSet[str]) -> bool:
    """Whether a model that has written so much of a name may mean one of `names` by it."""
    name = written.lstrip()
    heads = (name, *_bare(name))
    return any(each.startswith(name) for each in _NAMESPACES) or any(
        tool.startswith(head) or head.startswith(tool) for tool in names for head in heads
    )


def is_whole(written: str, declared: AbstractSet[str]) -> bool:
    """Whether `written` is a declared name already, and no other declared name goes on from it."""
    plain = plain_name(written, declared)
    return plain in declared and not any(
        each != plain and each.startswith((plain, written)) for each in declared
    )


def joined(known: str, piece: str, declared: AbstractSet[str]) -> str:
    """The name so far, with a further piece of it.

    A server may also send the name again, or all of it so far.
    """
    is_again = piece.startswith(known) and not goes_on(known, piece, declared)
    return piece if is_again else known + piece


def goes_on(known: str, piece: str, declared: AbstractSet[str]) -> bool:
    """Whether a declared name begins with `known` and `piece`, or `piece` cannot begin a name."""
    if _CONTROL.match(piece) or (_CONTROL.search(known) and plain_name(piece, declared) == piece):
        return piece not in declared
    name = known + piece
    return any(tool.startswith(head) for tool in declared for head in (name, *_bare(name)))


def _bare(name: str) -> tuple[str, ...]:
    """`name` without its namespace, if it has one."""
    found = (name.removeprefix(each) for each in _NAMESPACES if name.startswith(each))
    return tuple(filter(None, found))
