"""The tokens of the table, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.control_tokens import FAMILIES, INERT, defuse_tokens

OF_LLAMA = ("<|begin_of_text|>", "<|start_header_id|>", "<|eot_id|>", "<|python_tag|>", "<|image|>")
OF_QWEN = (
    *("<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|vision_start|>", "<|image_pad|>"),
    *("<|fim_prefix|>", "<|box_end|>", "<think>", "</think>", "<tools>", "<tool_call>"),
    *("</tool_call>", "<tool_response>", "<function=search>", "</function>"),
    *("<parameter=query>", "</parameter>"),
)
OF_GPT_OSS = ("<|start|>", "<|channel|>", "<|message|>", "<|call|>", "<|return|>", "<|constrain|>")
OF_GEMMA = (
    *("<bos>", "<eos>", "<pad>", "<unk>", "<mask>", "<2mass>", "<start_of_turn>", "<end_of_turn>"),
    *("<start_of_image>", "<end_of_image>", "<image_soft_token>", "<audio_soft_token>"),
    *("<unused0>", "<unused12>", "<unused6241>", "[@BOS@]", "[multimodal]"),
    *("<|turn>", "<turn|>", "<|image|>", "<|tool_call>", "<tool_call|>", "<channel|>", '<|"|>'),
)
OF_MISTRAL = (
    *(
        "<s>",
        "</s>",
        "<unk>",
        "<SPECIAL_20>",
        "[control_8]",
        "[INST]",
        "[/INST]",
        "[SYSTEM_PROMPT]",
    ),
    *("[AVAILABLE_TOOLS]", "[TOOL_CALLS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[TOOL_CONTENT]"),
    *("[CALL_ID]", "[ARGS]", "[THINK]", "[/THINK]", "[PREFIX]", "[SUFFIX]", "[MIDDLE]"),
    *("[MODEL_SETTINGS]", "[/MODEL_SETTINGS]", "[IMG]", "[IMG_BREAK]", "[IMG_END]", "[AUDIO]"),
    *("[BEGIN_AUDIO]", "[TRANSCRIBE]", "[STREAMING_PAD]", "[STREAMING_WORD]"),
    *("[NEXT_AUDIO_TEXT]", "[REPEAT_AUDIO_TEXT]"),
)
OF_DEEPSEEK = (
    *("<\uff5cUser\uff5c>", "<\uff5ctool\u2581calls\u2581begin\uff5c>"),
    "<\uff5cend\u2581of\u2581sentence\uff5c>",
)
OF_OTHERS = (
    *("<<SYS>>", "<</SYS>>", "[gMASK]", "<sop>", "<arg_key>", "</arg_value>", "<function_calls>"),
    *('<invoke name="search">', '<tool_call id="1">'),
)
TOKENS = (
    *OF_LLAMA,
    *OF_QWEN,
    *OF_GPT_OSS,
    *OF_GEMMA,
    *OF_MISTRAL,
    *OF_DEEPSEEK,
    *OF_OTHERS,
)


@pytest.mark.parametrize("token", TOKENS)
def test_a_token_loses_its_first_character_and_nothing_else(token: str) -> None:
    inert = INERT[token[0]] + token[1:]
    assert defuse_tokens(f"before{token}{token} after") == f"before{inert}{inert} after"


@pytest.mark.parametrize("token", [each for each in TOKENS if each.startswith("<")])
def test_the_case_of_a_token_in_angle_brackets_does_not_matter(token: str) -> None:
    assert not defuse_tokens(token.upper()).startswith("<")
    assert not defuse_tokens(token.title()).startswith("<")


@pytest.mark.parametrize(
    "text",
    [
        *("[args]", "[inst]", "[prefix]", "[INSTALL]", "[THINKING]", "[AUDIO 3]", "[ INST]"),
        *("<b>", "<strong>", "<section>", "<summary>", "<unused>", "<unusedx1>", "<parameter>"),
        *("<function>", "a < b > c", "< |", "cat <<EOF | sort", "x[PREFIX", "a | b || c"),
        "<s" + " and so on" * 30 + ">",
    ],
)
def test_what_is_no_token_stays(text: str) -> None:
    assert defuse_tokens(text) == text


@given(st.lists(st.sampled_from([*TOKENS, "<", "[", "/", "|", ">", "]"]) | st.text(max_size=3)))
def test_nothing_is_left_to_defuse(parts: list[str]) -> None:
    made = defuse_tokens("".join(parts))
    assert defuse_tokens(made) == made
    assert "<|" not in made
    assert "[INST]" not in made


def test_each_family_of_the_table_names_its_source_and_its_tokens() -> None:
    for family in FAMILIES:
        assert family.source
        assert family.tags or family.square
