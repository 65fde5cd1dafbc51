from __future__ import annotations

from typing import Any

import pytest

from proxy.core.chat import MAX_PARTS
from proxy.core.responses.parts import Voice, chat_content, joined, read_content
from proxy.errors import BadRequest

PICTURE = {"type": "input_image", "image_url": "data:image/png;base64,aGk=", "detail": "low"}
CITED = {"type": "url_citation", "url": "u", "title": "t", "start_index": 0, "end_index": 1}
SAID = {"type": "output_text", "text": "Hi.", "annotations": [CITED], "logprobs": []}


def read(content: Any, voice: Voice = "input") -> Any:
    return read_content(content, "input[2].content", voice)


def fault(content: Any, voice: Voice = "input") -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        read(content, voice)
    return caught.value


def test_a_text_is_one_part_that_its_role_names() -> None:
    assert read("Hi") == [{"type": "input_text", "text": "Hi"}]
    assert read("Hi", "output") == [{"type": "output_text", "text": "Hi", "annotations": []}]


@pytest.mark.parametrize("kind", ["input_text", "output_text", "text"])
@pytest.mark.parametrize("voice", ["input", "output"])
def test_whatever_a_client_calls_a_text_it_is_one(kind: str, voice: Voice) -> None:
    assert read([{"type": kind, "text": "Hi"}], voice) == read("Hi", voice)


def test_what_was_said_keeps_its_citations() -> None:
    assert read([SAID], "output") == [SAID]
    assert read([{**SAID, "annotations": [CITED, 1]}], "output") == [SAID]
    assert read([{**SAID, "annotations": None, "logprobs": None}], "output") == read(
        "Hi.", "output"
    )


def test_an_image_is_read_with_or_without_its_detail() -> None:
    assert read([PICTURE]) == [PICTURE]
    del (bare := PICTURE.copy())["detail"]
    assert read([bare]) == [{**PICTURE, "detail": "auto"}]


@pytest.mark.parametrize(
    ("content", "voice", "param"),
    [
        (None, "input", ""),
        ({}, "input", ""),
        (["Hi"], "input", "[0]"),
        ([{"type": "input_text"}], "input", "[0].text"),
        ([{"type": "input_text", "text": None}], "input", "[0].text"),
        ([{"text": "Hi"}], "input", "[0].type"),
        ([{"type": ["input_text"], "text": "Hi"}], "input", "[0].type"),
        ([{"type": "input_text", "text": ""}, {"type": "input_audio"}], "input", "[1].type"),
        ([{"type": "input_file", "file_id": "f"}], "input", "[0].type"),
        ([{"type": "input_image", "file_id": "f"}], "input", "[0].file_id"),
        ([{"type": "input_image", "image_url": {"url": "u"}}], "input", "[0].image_url"),
        ([{"type": "input_image"}], "input", "[0].image_url"),
        ([{**PICTURE, "detail": 1}], "input", "[0].detail"),
        ([PICTURE], "output", "[0].type"),
        ([{"type": "refusal", "refusal": "No."}], "input", "[0].type"),
        ([{"type": "refusal"}], "output", "[0].refusal"),
        ([{"type": "input_text", "text": ""}] * (MAX_PARTS + 1), "input", ""),
    ],
)
def test_a_part_that_cannot_be_read_is_named(content: Any, voice: Voice, param: str) -> None:
    assert fault(content, voice).param == f"input[2].content{param}"


def test_who_sends_a_file_is_told_what_to_do() -> None:
    assert "put the file into a workspace" in fault([{"type": "input_file"}]).message
    assert "as a data: URL" in fault([{"type": "input_image", "file_id": "f"}]).message


# In a chat


def test_a_text_alone_is_a_string_in_a_chat() -> None:
    assert chat_content(read("Hi")) == chat_content("Hi") == "Hi"
    assert chat_content(read([SAID], "output")) == "Hi."


def test_other_parts_are_those_of_a_chat() -> None:
    shown = {"url": PICTURE["image_url"], "detail": "low"}
    assert chat_content(read([{"type": "text", "text": "See:"}, PICTURE])) == [
        {"type": "text", "text": "See:"},
        {"type": "image_url", "image_url": shown},
    ]
    refused = {"type": "refusal", "refusal": "No."}
    assert chat_content(read([refused], "output")) == [refused]


def test_texts_that_become_one_are_set_off_by_a_blank_line() -> None:
    assert joined(["a", None, "", "b"]) == "a\n\nb"
    assert joined([]) is None
    refused = chat_content(read([{"type": "refusal", "refusal": "No."}], "output"))
    assert joined(["a", refused]) == [
        {"type": "text", "text": "a"},
        {"type": "refusal", "refusal": "No."},
    ]
