import json

import pytest

from proxy.sandbox.scaleway.housekeeping import asks_for_housekeeping, housekeeping_reply

TITLE = """### Task:
Generate a concise, 3-5 word title with an emoji summarizing the chat history.
### Output:
JSON format: { "title": "your concise title here" }
### Chat History:
<chat_history>
USER: What is the notice period in the lease, please?
ASSISTANT: Three months [1].
</chat_history>"""

EMOJI = (
    "Your task is to reflect the speaker's likely facial expression through a fitting emoji.\n\n"
    "Message: Hooray"
)


@pytest.mark.parametrize(
    "prompt",
    [
        TITLE,
        "Provide a concise, 5-word-or-less title for the conversation: …",
        "Please generate a concise title (max 40 characters)",
        "Create a concise, 3-5 word phrase as a title",
        "Analyze this conversation and provide:\n1. The detected language of the conversation",
        EMOJI,
    ],
)
def test_prompts_that_interfaces_send_are_recognised(prompt: str) -> None:
    assert asks_for_housekeeping(prompt)


@pytest.mark.parametrize(
    "question",
    [
        "What is the short title of the act?",
        "Task: find the lease",
        "Give a title to X",
        "Analyze it",
    ],
)
def test_questions_are_not_mistaken_for_them(question: str) -> None:
    assert not asks_for_housekeeping(question)


def test_an_emoji_is_answered_with_one() -> None:
    assert housekeeping_reply(EMOJI) == "\N{SLIGHTLY SMILING FACE}"


def test_a_title_is_made_of_the_users_first_words() -> None:
    assert json.loads(housekeeping_reply(TITLE)) == {"title": "What is the notice period"}
    assert "Où est" in housekeeping_reply(TITLE.replace("What is", "Où est"))


@pytest.mark.parametrize("key", ["tags", "follow_ups", "queries"])
def test_lists_are_answered_as_json_lists(key: str) -> None:
    reply = json.loads(housekeeping_reply(TITLE.replace('"title"', f'"{key}"')))
    assert list(reply) == [key]
    assert all(isinstance(each, str) for each in reply[key])


def test_without_json_and_history_the_title_is_plain() -> None:
    assert housekeeping_reply("Provide a concise title for the conversation") == "Conversation"


def test_a_history_without_the_user_gets_the_plain_title_too() -> None:
    assert housekeeping_reply("### Task:\n<chat_history>\n</chat_history>") == "Conversation"
