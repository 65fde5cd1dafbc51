from __future__ import annotations

from typing import Any

import pytest

from proxy.core.refused import refuse_listed
from proxy.errors import BadRequest

LISTED = ("chat_template", "echo", "kv_transfer_params")


@pytest.mark.parametrize("name", LISTED)
@pytest.mark.parametrize("value", ["", 0, False, True, {}, [1]])
def test_a_listed_parameter_is_refused_by_its_name(name: str, value: Any) -> None:
    with pytest.raises(BadRequest, match=name) as caught:
        refuse_listed({"model": "m", name: value}, LISTED)
    assert caught.value.param == name


@pytest.mark.parametrize("container", ["chat_template_kwargs", "custom_params", "vllm_xargs"])
@pytest.mark.parametrize("name", [*LISTED, "conversation", "messages", "tools"])
def test_so_is_one_among_arguments_that_servers_unpack(container: str, name: str) -> None:
    with pytest.raises(BadRequest) as caught:
        refuse_listed({container: {"enable_thinking": False, name: "x"}}, LISTED)
    assert caught.value.param == f"{container}.{name}"


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"echo": None, "chat_template_kwargs": None},
        {"top_k": 5, "chat_template_kwargs": {"enable_thinking": False, "echo": None}},
        {"chat_template_kwargs": "chat_template", "vllm_xargs": ["echo"]},
        {"extra_body": {"echo": True}, "metadata": {"echo": True}, "tools": [], "messages": []},
    ],
)
def test_everything_else_passes(document: dict[str, Any]) -> None:
    refuse_listed(document, LISTED)


def test_nothing_is_refused_where_nothing_is_listed() -> None:
    refuse_listed({"echo": True, "chat_template_kwargs": {"tools": []}}, ())
