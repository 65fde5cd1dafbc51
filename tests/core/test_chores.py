from typing import Any, cast

import pytest

from proxy.core.chores import is_chore
from proxy.core.wire import Message

HISTORY = "\n### Chat History:\n<chat_history>\nUSER: Leave?\n</chat_history>"

OPENINGS = {
    "title": "### Task:\nGenerate a concise title summarizing the chat history.",
    "title with emoji": "### Task:\nGenerate a concise, 3-5 word title with an emoji summarizing",
    "older title": "Create a concise, 3-5 word phrase as a header for the following query",
    "tags": "### Task:\nGenerate 1-3 broad tags categorizing the main themes",
    "follow-ups": "### Task:\nSuggest 3-5 relevant follow-up questions or prompts",
    "queries": "### Task:\nAnalyze the chat history to determine the necessity of generating",
    "image prompt": "### Task:\nGenerate a detailed prompt for am image generation task",
    "autocompletion": "### Task:\nYou are an autocompletion system. Continue the text in `<text>`",
    "emoji": "Your task is to reflect the speaker's likely facial expression through a fitting",
    "merged answers": "You have been provided with a set of responses from various models to the "
    'latest user query: "Leave?"',
    "older LibreChat title": "Please generate a concise, 5-word-or-less title for the "
    "conversation, using its same language",
    "oldest LibreChat title": "Detect user language and write in the same language an extremely "
    "concise title for this conversation",
    "LibreChat title": "Provide a concise, 5-word-or-less title for the conversation, using title",
    "assistants' title": "Please generate a concise title (max 40 characters) for a conversation",
    "structured title": "Analyze this conversation and provide:\n1. The detected language of the",
    "LibreChat summary": "Summarize the conversation by integrating new lines into the current "
    "summary.",
    "LibreChat memory": "# Current Chat:\n\nHuman: How much leave?",
    "Chatbox title": "Based on the chat history, give this conversation a name.",
    "own wording": f"### Task:\nFasse das Gespräch zusammen.{HISTORY}",
}


def user(content: Any) -> Any:
    return {"role": "user", "content": content}


@pytest.mark.parametrize("opening", OPENINGS.values(), ids=OPENINGS.keys())
def test_the_requests_of_front_ends_are_recognised(opening: str) -> None:
    assert is_chore([user(f"\n{opening} and so on")])


def test_the_lines_of_a_chore_may_end_as_on_windows() -> None:
    assert is_chore([user(OPENINGS["follow-ups"].replace("\n", "\r\n"))])


@pytest.mark.parametrize("role", ["system", "developer"])
def test_a_chore_may_be_a_system_message_alone(role: str) -> None:
    assert is_chore(
        [{"role": role, "content": f"{OPENINGS['older LibreChat title']} …\n||>Title:"}]
    )


@pytest.mark.parametrize(
    "content",
    [
        "You are a professional conversation summarizer. Generate a concise title that captures",
        (
            "You are an assistant skilled in conversation. You need to summarize the user's "
            "conversation into a title within 10 words."
        ),
    ],
    ids=["LobeChat", "Cherry Studio"],
)
def test_a_system_message_may_set_the_chore(content: str) -> None:
    system: Message = {"role": "system", "content": content}
    assert is_chore([system, user("user: How much leave?\nassistant: 27 days.")])
    assert not is_chore([{**system, "content": f"Be brief. {content}"}, user("Leave?")])


@pytest.mark.parametrize("role", ["user", "system"])
@pytest.mark.parametrize(
    "closing",
    [
        "Please generate a four to five word title summarizing our conversation without any lead",
        (
            "Summarize the discussion briefly in 200 words or less to use as a prompt for future "
            "context."
        ),
    ],
)
def test_a_chore_may_end_the_conversation_that_it_is_about(closing: str, role: str) -> None:
    asked = cast("Message", {"role": role, "content": closing})
    assert is_chore([user("Hi"), {"role": "assistant", "content": "Hello"}, asked])
    assert not is_chore([asked, {"role": "assistant", "content": "Leave."}, user("Hi")])


@pytest.mark.parametrize("role", ["system", "developer"])
def test_a_system_message_may_come_before_a_chore(role: str) -> None:
    system: Message = {"role": role, "content": "You are helpful."}
    assert is_chore([system, system, user(OPENINGS["tags"])])


def test_the_text_of_a_chore_may_come_in_parts() -> None:
    assert is_chore([user([{"type": "text", "text": OPENINGS["tags"]}])])


def test_the_picking_of_a_tool_is_a_chore() -> None:
    prompt = "Available Tools: [{}]\n\nYour task is to choose and return the correct tool(s) from"
    system: Message = {"role": "system", "content": prompt}
    assert is_chore([system, user("Query: History:\nUSER: Leave?\nQuery: Leave?")])
    assert not is_chore([{**system, "content": f"Be brief. {prompt}"}, user("Leave?")])
    assert not is_chore([{**system, "content": "Available Tools: a hammer"}, user("Leave?")])


@pytest.mark.parametrize(
    "question",
    [
        "How many days of leave do I have?",
        "Generate a concise title summarizing the chat history.",
        "Please generate a concise title for my report about leave.",
        "What does '### Task:\nGenerate a concise title' mean?",
        "### Task:\nSummarise the lease.",
        "What is in <chat_history>?",
        "Analyze this conversation and provide: the language",
        "",
    ],
)
def test_ordinary_questions_are_no_chores(question: str) -> None:
    assert not is_chore([user(question)])


@pytest.mark.parametrize(
    "messages",
    [
        [user("Hi"), user(OPENINGS["tags"])],
        [user("Hi"), {"role": "assistant", "content": "Hello"}, user(OPENINGS["tags"])],
        [{"role": "assistant", "content": OPENINGS["tags"]}],
        [user(OPENINGS["tags"]), {"role": "assistant", "content": "tags"}],
        [user("Hi"), {"role": "system", "content": OPENINGS["tags"]}],
        [{"role": "system", "content": "You are helpful."}],
        [{"role": "system", "content": OPENINGS["tags"]}, user("Hi")],
        [{"role": "user"}],
    ],
)
def test_a_conversation_is_no_chore(messages: list[Message]) -> None:
    assert not is_chore(messages)
