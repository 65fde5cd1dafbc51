"""Refuses parameters that could take away what the proxy puts into a prompt, or bring it back.

The proxy passes on parameters that it does not know, and model servers have many: some render other
templates, cut the prompt or return it. The operator decides which are refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from proxy.errors import BadRequest

_CONTAINERS: Final = ("chat_template_kwargs", "custom_params", "vllm_xargs")
"""Parameters whose contents servers read as if they were parameters themselves."""
_PROMPT: Final = ("conversation", "messages", "tools")
"""What `chat_template_kwargs` must not replace: a template's own names for what it renders."""


def refuse_listed(document: Mapping[str, object], refused: Iterable[str]) -> None:
    """Raise BadRequest if the body of a request has one of the `refused` parameters.

    Null counts as absent. The contents of some parameters are looked at, too.
    """
    names = tuple(refused)
    for name in names:
        if document.get(name) is not None:
            raise _refusal(name)
    for container in _CONTAINERS:
        given = document.get(container)
        if names and isinstance(given, dict):
            for name in (*names, *_PROMPT):
                if given.get(name) is not None:
                    raise _refusal(f"{container}.{name}")


def _refusal(param: str) -> BadRequest:
    return BadRequest(
        f"'{param}' is refused here (refused_params). Send the request without it.", param=param
    )
