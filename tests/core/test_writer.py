from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.chat import MAX_NAME_CHARS
from proxy.core.citations import Cite
from proxy.core.frames import Frame, TextChunk
from proxy.core.turn import Turn
from proxy.core.wire import Chunk
from proxy.core.writer import CompletionWriter


def writer(*, include_usage: bool = False) -> CompletionWriter:
    return CompletionWriter(id="chatcmpl-1", created=9, model="asked", include_usage=include_usage)


def chunk(delta: dict[str, Any], **more: Any) -> Any:
    choice = {"index": 0, "delta": delta, "finish_reason": None, **more.pop("choice", {})}
    return {"id": "up", "created": 1, "model": "served", "choices": [choice], **more}


def turn(finish_reason: str = "stop", **counts: Any) -> Turn:
    usage: Any = counts
    return Turn(text="", finish_reason=finish_reason, usage=usage, closing=chunk({}))


def write(one: CompletionWriter, chunk: Chunk | TextChunk) -> Any:
    return one.write(chunk)


def delta_of(written: Any) -> Any:
    return written["choices"][0]["delta"]


def end(one: CompletionWriter, last: Turn | None = None, **late: Any) -> Any:
    closing = {"annotations": [], "extras": {}, **late}
    return one.end(last or turn(), **closing)


def test_every_chunk_has_the_completions_own_identity() -> None:
    one = writer()
    chunks = [write(one, chunk({"content": "a"})), one.heartbeat(), *end(one)]
    assert {each["id"] for each in chunks} == {"chatcmpl-1"}
    assert {each["created"] for each in chunks} == {9}
    assert {each["object"] for each in chunks} == {"chat.completion.chunk"}


def test_the_model_is_the_one_the_upstream_reports() -> None:
    one = writer()
    assert one.heartbeat()["model"] == "asked"
    assert write(one, chunk({"content": "a"}))["model"] == "served"
    assert end(one)[-1]["model"] == "served"


def test_another_model_may_answer_a_later_round() -> None:
    one = writer()
    write(one, chunk({"content": "a"}))
    one.begin_round()
    assert one.reported_model == "served"
    assert one.heartbeat()["model"] == "served"
    assert write(one, chunk({"content": "b"}, model="other"))["model"] == "other"
    assert write(one, chunk({"content": "c"}, model="third"))["model"] == "other"
    assert (one.reported_model, end(one)[-1]["model"]) == ("other", "other")


def test_the_role_comes_in_the_first_delta_only() -> None:
    one = writer()
    deltas = [delta_of(write(one, chunk({"content": each}))) for each in "ab"]
    assert [delta.get("role") for delta in deltas] == ["assistant", None]


def test_a_heartbeat_can_be_the_first_chunk() -> None:
    one = writer()
    assert delta_of(one.heartbeat()) == {"role": "assistant", "content": ""}
    assert "role" not in delta_of(write(one, chunk({"content": "a"})))


@pytest.mark.parametrize(
    ("before", "gap"),
    [("Let me see.", "\n\n"), ("One line.\n", "\n"), ("Two.\n\n", ""), (" \n", ""), ("", "")],
)
def test_a_blank_line_sets_off_the_text_of_the_next_round(before: str, gap: str) -> None:
    one = writer()
    one.begin_round()
    if before:
        write(one, chunk({"content": before}))
    one.begin_round()
    first = delta_of(write(one, chunk({"content": "It is"})))
    second = delta_of(write(one, chunk({"content": " 27."})))
    assert first["content"] == f"{gap}It is"
    assert second["content"] == " 27."
    assert one.text == f"{before}{gap}It is 27."


def test_reasoning_of_the_next_round_is_set_off_too() -> None:
    one = writer()
    one.begin_round()
    write(one, chunk({"reasoning_content": "Hm."}))
    one.begin_round()
    assert delta_of(write(one, chunk({"reasoning_content": "So."})))["reasoning_content"] == (
        "\n\nSo."
    )


def test_the_finish_reason_comes_once_at_the_end() -> None:
    one = writer()
    early = write(one, chunk({"content": "a"}, choice={"finish_reason": "stop"}))
    assert early["choices"][0]["finish_reason"] is None
    assert [each["choices"][0]["finish_reason"] for each in end(one)] == ["stop"]


@pytest.mark.parametrize(
    ("said", "calls", "told"),
    [
        ("stop", False, "stop"),
        ("stop", True, "tool_calls"),
        ("tool_calls", False, "stop"),
        ("tool_calls", True, "tool_calls"),
        ("length", True, "length"),
        ("content_filter", False, "content_filter"),
        ("abort", False, "stop"),
        ("abort", True, "tool_calls"),
    ],
)
def test_the_finish_reason_is_true_to_what_was_heard(said: str, calls: bool, told: str) -> None:  # noqa: FBT001  # a table
    one = writer()
    if calls:
        write(one, chunk({"tool_calls": [{"index": 0}]}))
    assert end(one, turn(said))[-1]["choices"][0]["finish_reason"] == told


def test_vendor_extras_of_the_last_chunk_close_the_completion() -> None:
    closing = chunk({}, choice={"stop_reason": 3}, service_tier="x")
    last = end(writer(), Turn(text="", finish_reason="stop", closing=closing))[-1]
    assert last["service_tier"] == "x"
    assert last["choices"][0]["stop_reason"] == 3


def test_an_answer_without_any_text_has_empty_text() -> None:
    assert delta_of(end(writer())[-1]) == {"role": "assistant", "content": ""}
    calling = writer()
    write(calling, chunk({"tool_calls": [{"index": 0}]}))
    assert delta_of(end(calling)[-1]) == {}


def test_annotations_and_extras_come_in_one_late_chunk() -> None:
    one = writer()
    write(one, chunk({"content": "a"}))
    late, last = end(one, annotations=[{"type": "url_citation"}], extras={"lighton": {}})
    assert delta_of(late) == {"annotations": [{"type": "url_citation"}]}
    assert late["lighton"] == {}
    assert late["choices"][0]["finish_reason"] is None
    assert last["choices"][0]["finish_reason"] == "stop"


def test_usage_is_summed_over_rounds_and_sent_only_when_asked_for() -> None:
    one = writer(include_usage=True)
    details = {"cached_tokens": 2, "audio_tokens": None}
    one.end_round(turn(prompt_tokens=3, total_tokens=5, prompt_tokens_details=details))
    one.end_round(turn(prompt_tokens=4, total_tokens=6, prompt_tokens_details=details))
    heard = write(one, chunk({"content": "a"}))
    *others, last = end(one)
    assert last["choices"] == []
    assert last["usage"] == {
        "prompt_tokens": 7,
        "completion_tokens": 0,
        "total_tokens": 11,
        "prompt_tokens_details": {"cached_tokens": 4},
    }
    assert [each["usage"] for each in (heard, *others)] == [None, None]


def test_usage_is_not_sent_unasked() -> None:
    one = writer()
    heard = write(one, chunk({"content": "a"}, usage={"total_tokens": 1}))
    assert not [each for each in (heard, *end(one)) if "usage" in each]


def test_logprobs_have_the_fields_the_schema_demands() -> None:
    out = write(writer(), chunk({"content": "a"}, choice={"logprobs": {"content": []}}))
    assert out["choices"][0]["logprobs"] == {"content": [], "refusal": None}
    assert write(writer(), chunk({"content": "a"}))["choices"][0]["logprobs"] is None


def test_nulls_that_the_schema_forbids_are_left_out() -> None:
    out = write(writer(), chunk({"content": "a"}, system_fingerprint=None))
    assert "system_fingerprint" not in out


def test_only_the_first_choice_is_told() -> None:
    two = chunk({"content": "a"})
    two["choices"].append({"index": 1, "delta": {"content": "b"}})
    assert len(write(writer(), two)["choices"]) == 1


def framed(text: str, frame: Frame | None = None) -> TextChunk:
    return TextChunk(frame or Frame({"id": "x"}, {"index": 0}), text, text.encode())


def delta_told(one: CompletionWriter, text: TextChunk) -> Any:
    """The delta of a text that does not pass in its frame."""
    written = write(one, text)
    assert isinstance(written, dict)
    return delta_of(written)


def test_text_passes_in_its_frame_once_the_completion_has_begun_and_its_gap_is_written() -> None:
    one = writer()
    one.begin_round()
    assert delta_told(one, framed("Let me see.")) == {
        "role": "assistant",
        "content": "Let me see.",
    }
    assert isinstance(write(one, framed(" And so on.")), TextChunk)
    one.begin_round()
    assert delta_told(one, framed("It is")) == {"content": "\n\nIt is"}
    assert isinstance(write(one, framed(" 27.")), TextChunk)
    assert one.text == "Let me see. And so on.\n\nIt is 27."


def test_a_heartbeat_begins_the_completion_for_text_in_frames_too() -> None:
    one = writer()
    one.heartbeat()
    assert isinstance(write(one, framed("a")), TextChunk)


frames = st.builds(
    Frame,
    st.fixed_dictionaries(
        {},
        optional={
            "id": st.just("up"),
            "model": st.sampled_from([None, "", "served"]),
            "usage": st.sampled_from([None, {}]),
            "system_fingerprint": st.sampled_from([None, "fp"]),
            "service_tier": st.just("default"),
            "vendor": st.just({"a": [1]}),
        },
    ),
    st.fixed_dictionaries(
        {},
        optional={
            "index": st.sampled_from([0, 3]),
            "finish_reason": st.sampled_from([None, ""]),
            "logprobs": st.sampled_from([None, {}]),
            "stop_reason": st.none(),
        },
    ),
)


@given(st.lists(st.tuples(frames, st.text(min_size=1, max_size=3)), max_size=5), st.booleans())
def test_text_in_frames_is_written_as_its_chunks_would_be(
    said: list[tuple[Frame, str]],
    include_usage: bool,  # noqa: FBT001  # hypothesis passes it
) -> None:
    plain, by_frame = writer(include_usage=include_usage), writer(include_usage=include_usage)
    for one in (plain, by_frame):
        one.begin_round()
        write(one, chunk({"content": "a"}))
    for frame, text in said:
        written = write(by_frame, framed(text, frame))
        assert isinstance(written, TextChunk)
        assert written.whole() == write(plain, frame.around(text))
        assert written.written == text.encode()
    assert by_frame.text == plain.text
    assert end(by_frame) == end(plain)


def test_dressing_a_frame_leaves_it_as_it_was() -> None:
    one = writer()
    one.heartbeat()
    frame = Frame({"id": "up", "usage": None, "system_fingerprint": None}, {"index": 3})
    written = write(one, framed("a", frame))
    assert isinstance(written, TextChunk)
    assert written.whole()["id"] == "chatcmpl-1"
    assert frame.around("b") == {
        "id": "up",
        "usage": None,
        "system_fingerprint": None,
        "choices": [{"index": 3, "delta": {"content": "b"}}],
    }


def test_texts_of_one_frame_share_the_frame_they_are_given() -> None:
    one = writer()
    one.heartbeat()
    frame = Frame({"id": "up"}, {"index": 0})
    first, second = write(one, framed("a", frame)), write(one, framed("b", frame))
    assert isinstance(first, TextChunk)
    assert isinstance(second, TextChunk)
    assert first.frame is second.frame


def test_an_answer_of_text_in_frames_is_not_empty() -> None:
    one = writer()
    one.heartbeat()
    write(one, framed("a"))
    assert delta_of(end(one)[-1]) == {}


def test_reasoning_before_does_not_keep_text_from_passing() -> None:
    one = writer()
    one.begin_round()
    write(one, chunk({"reasoning_content": "Hm."}))
    one.begin_round()
    assert delta_told(one, framed("It")) == {"content": "It"}
    assert isinstance(write(one, framed(" is")), TextChunk)
    assert delta_of(write(one, chunk({"reasoning_content": "So."}))) == {
        "reasoning_content": "\n\nSo."
    }


def test_a_models_name_is_cut_because_each_chunk_repeats_it() -> None:
    one = writer()
    out = write(one, chunk({"content": "Hi"}, model="m" * 10_000))
    assert out["model"] == "m" * MAX_NAME_CHARS


@given(st.lists(st.lists(st.sampled_from(["a", "\n", " ", "b\n", "\n\n"]), max_size=3), max_size=6))
def test_each_round_is_set_off_from_all_text_before_it(rounds: list[list[str]]) -> None:
    one = writer()
    for pieces in rounds:
        heard = one.text
        one.begin_round()
        for place, piece in enumerate(pieces):
            out = delta_of(write(one, chunk({"content": piece})))["content"]
            gap = "" if place or not heard.strip() else "\n" * (2 - trailing(heard))
            assert out == gap + piece


def trailing(text: str) -> int:
    """The line ends at the end of a text, two at most."""
    return min(2, len(text) - len(text.rstrip("\n")))


class Upper:
    """Prose that shouts, and holds what it was fed last."""

    def __init__(self) -> None:
        self.held = ""

    def feed(self, piece: str) -> str:
        out, self.held = self.held, piece.upper()
        return out

    def flush(self) -> str:
        return self.feed("")


def shouting() -> CompletionWriter:
    one = writer()
    one.prose = Upper()
    return one


def test_held_text_is_heard_later_and_what_is_not_heard_makes_no_chunk() -> None:
    one = shouting()
    assert write(one, chunk({"content": "a"})) is None
    assert delta_of(write(one, chunk({"content": "b"}))) == {"role": "assistant", "content": "A"}
    assert one.text == "A"
    assert delta_of(one.end_round(turn())) == {"content": "B"}
    assert one.end_round(turn()) is None
    assert (one.text, one.round_text) == ("AB", "AB")


def test_held_text_goes_out_before_a_call() -> None:
    one = shouting()
    write(one, chunk({"content": "a"}))
    call: Any = [{"index": 0, "id": "c", "function": {"name": "f", "arguments": ""}}]
    assert delta_of(write(one, chunk({"tool_calls": call}))) == {
        "role": "assistant",
        "content": "A",
        "tool_calls": call,
    }


def test_text_in_a_frame_is_written_anew_where_it_changes() -> None:
    one = shouting()
    frame = Frame(chunk({}), chunk({})["choices"][0])
    write(one, chunk({"content": "a"}))
    write(one, chunk({"content": "b"}))
    assert write(one, TextChunk(frame, 'say "é"', b'say \\"\\u00e9\\"')).text == "B"
    changed = write(one, TextChunk(frame, "x", b"x"))
    assert (changed.text, changed.written) == ('SAY "É"', b'SAY \\"' + "É".encode() + b'\\"')


def test_a_later_round_is_set_off_by_a_blank_line_that_passes_the_prose_too() -> None:
    one = shouting()
    write(one, chunk({"content": "a"}))
    one.end_round(turn())
    one.begin_round()
    write(one, chunk({"content": "b"}))
    one.end_round(turn())
    assert (one.text, one.round_text) == ("A\n\nB", "\n\nB")


def test_a_refusal_is_noticed() -> None:
    one = writer()
    refusal: Any = {"choices": [{"index": 0, "delta": {"refusal": "I cannot say."}}]}
    assert not one.has_refused
    one.write(refusal)
    assert one.has_refused


def thoughts_of(*written: Any) -> str:
    return "".join(delta_of(each).get("reasoning_content", "") for each in written)


def test_lines_of_the_proxys_own_stand_apart_from_the_models_thoughts() -> None:
    one = writer()
    one.begin_round()
    heard = [write(one, chunk({"reasoning_content": "Hm."})), one.think("A"), one.think("B")]
    one.begin_round()
    heard += [one.think("C"), write(one, chunk({"reasoning_content": "I see."}))]
    heard += [write(one, chunk({"reasoning_content": " So."})), one.think("D")]
    assert thoughts_of(*heard) == "Hm.\n\nA\nB\nC\n\nI see. So.\n\nD\n"


def test_a_line_before_all_thoughts_opens_the_completion() -> None:
    one = writer()
    first = one.think("A")
    assert delta_of(first) == {"role": "assistant", "reasoning_content": "A\n"}
    assert (one.text, one.round_text) == ("", "")
    one.begin_round()
    assert delta_of(write(one, chunk({"content": "b"}))) == {"content": "b"}


def test_a_line_within_a_round_leaves_its_text_alone() -> None:
    one = writer()
    heard = [
        write(one, chunk({"content": "a"})),
        one.think("A"),
        write(one, chunk({"content": "b"})),
    ]
    assert [delta_of(each).get("content") for each in heard] == ["a", None, "b"]
    assert one.text == "ab"


def test_an_aside_says_nothing_and_has_its_own_keys() -> None:
    one = writer(include_usage=True)
    aside: Any = one.aside({"event": {"type": "status"}})
    assert delta_of(aside) == {"role": "assistant"}
    assert (aside["event"], aside["usage"], aside["id"]) == ({"type": "status"}, None, "chatcmpl-1")


@pytest.mark.parametrize("before", ["", "Hm.", "Hm.\n\n"])
def test_thoughts_of_a_round_in_which_a_line_came_first_stand_apart(before: str) -> None:
    one = writer()
    heard = [write(one, chunk({"reasoning_content": before}))] if before else []
    one.begin_round()
    heard += [one.think("A"), write(one, chunk({"reasoning_content": "I see."}))]
    assert thoughts_of(*heard) == f"{before.strip()}\n\nA\n\nI see.".lstrip()


class _Louder:
    def feed(self, piece: str) -> str:
        return piece.upper()

    def flush(self) -> str:
        return ""


def test_the_proxys_own_words_are_heard_as_they_are_after_a_blank_line() -> None:
    one = writer()
    one.prose = _Louder()
    write(one, chunk({"content": "Let me see."}))
    one.begin_round()
    assert delta_of(one.say("See https://a.test [1]")) == {"content": "\n\nSee https://a.test [1]"}
    assert one.text == "LET ME SEE.\n\nSee https://a.test [1]"


def test_the_proxys_own_words_can_begin_the_completion_and_are_no_models() -> None:
    one = writer()
    one.begin_round()
    said = one.say("Nothing.")
    assert (said["model"], one.reported_model) == ("asked", "")
    assert delta_of(said) == {"role": "assistant", "content": "Nothing."}
    (closing,) = end(one)
    assert (delta_of(closing), closing["choices"][0]["finish_reason"]) == ({}, "stop")


def test_citations_of_the_text_so_far_come_from_whoever_knows_them() -> None:
    one = writer()
    ask = one.cites
    assert list(ask()) == []
    cite = Cite(0, 1, "https://x/7", "Handbook", 7)
    one.citing = lambda: [cite]
    assert list(ask()) == [cite]
