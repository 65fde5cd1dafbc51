"""What rounds cost for which no usage came."""

from typing import Any

import pytest

from proxy.core.room import Room
from proxy.core.spending import TOKENS_OF_AN_IMAGE, Spending, tokens_of, tokens_of_body
from proxy.core.wire import Message, MessageCall
from proxy.errors import BadReply, Overloaded, ProxyError, UpstreamRejected, UpstreamTimeout

ASKED: list[Message] = [{"role": "user", "content": "x" * 400}]


def broken(error: BaseException, said: int) -> Spending:
    """A round that ended with `error` after the model had said so many characters."""
    spending, room = Spending(), Room(1_000)
    try:
        with spending.of_round(ASKED, room):
            room.left -= said
            raise error
    except type(error):
        return spending


def test_a_counted_round_leaves_nothing_to_estimate() -> None:
    spending = Spending()
    with spending.of_round(ASKED, Room(9)):
        assert spending.estimate().tokens == 100
    spending.count({"total_tokens": 15})
    assert spending.estimate().tokens == 0


def test_a_round_without_usage_is_estimated_by_what_was_sent_and_said() -> None:
    spending, room = Spending(), Room(1_000)
    for _ in range(2):
        with spending.of_round(ASKED, room):
            room.left -= 40
        spending.count({})
    assert spending.estimate().tokens == 2 * 110


@pytest.mark.parametrize(
    "error",
    [
        KeyboardInterrupt(),
        UpstreamTimeout("Scaleway", "late"),
        BadReply("Scaleway", "broke off"),
    ],
)
def test_a_round_that_broke_off_costs_its_prompt_and_what_was_heard(error: BaseException) -> None:
    assert broken(error, said=0).estimate().tokens == 100
    assert broken(error, said=80).estimate().tokens == 120


@pytest.mark.parametrize("kind", [UpstreamRejected, Overloaded])
def test_a_round_that_the_upstream_refused_costs_nothing(kind: type[Overloaded]) -> None:
    error: ProxyError = kind("Scaleway", "no")
    assert broken(error, said=0).estimate().tokens == 0
    assert broken(error, said=80).estimate().tokens == 120


def test_a_refused_round_leaves_the_estimate_of_earlier_ones() -> None:
    spending, room = Spending(), Room(9)
    with spending.of_round(ASKED, room):
        pass
    spending.count({})
    with pytest.raises(Overloaded), spending.of_round(ASKED, room):
        raise Overloaded("Scaleway", "no")
    assert spending.estimate().tokens == 100


IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 100_000}}


def test_an_image_counts_as_an_image_and_not_as_its_characters() -> None:
    parts = [{"type": "text", "text": "y" * 40}, IMAGE, "no part"]
    messages: list[Message] = [{"role": "user", "content": parts}]  # type: ignore[typeddict-item]
    assert tokens_of(messages) == 10 + TOKENS_OF_AN_IMAGE
    assert TOKENS_OF_AN_IMAGE < tokens_of_body(100_200, messages) < TOKENS_OF_AN_IMAGE + 100


def test_what_a_client_goes_on_from_by_an_id_counts_as_if_it_had_sent_it() -> None:
    shown: Any = {"type": "image_url", "image_url": {"url": "data:" + "A" * 100_000}}
    earlier: list[Message] = [
        {"role": "user", "content": "x" * 40_000},
        {"role": "user", "content": [shown]},
    ]
    own: Message = {"role": "user", "content": "y" * 4_000}
    assert tokens_of_body(4_050, [*earlier, own]) == 10_000 + TOKENS_OF_AN_IMAGE + 1_000
    assert tokens_of_body(4_050, [own]) == 4_050 // 4


def test_calls_in_messages_count() -> None:
    call: MessageCall = {"id": "c", "function": {"name": "f", "arguments": "z" * 400}}
    messages: list[Message] = [{"role": "assistant", "content": None, "tool_calls": [call]}]
    assert tokens_of(messages) > 100


def test_a_round_that_goes_on_is_not_estimated_if_its_usage_has_come() -> None:
    spending = Spending()
    with spending.of_round(ASKED, Room(9)):
        assert spending.estimate(is_told=True) == (0, 0)
        assert spending.estimate() == (100, 1)
    spending.count({})
    assert spending.estimate(is_told=True) == (100, 1)
