"""What the chat templates and validators of families of models refuse in a conversation.

Sources: mistral-common before 1.12, the templates of Qwen3.5, Qwen3.6 and Gemma, and DeepSeek's
documentation of its thinking mode. Messages are theirs.
"""

import itertools
import re
from collections.abc import Callable, Iterator

from proxy.sandbox.scaleway.chat_request import Message
from proxy.sandbox.served import Family

Messages = tuple[Message, ...]

_MISTRAL_ID = re.compile(r"[a-zA-Z0-9]{9}")
_MISTRAL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def family_complaints(messages: Messages, family: Family) -> Iterator[str]:
    """Yield what a model of the family finds wrong with the messages."""
    for complaints in _OF_FAMILIES.get(family, ()):
        yield from complaints(messages)


def _mistral_order(messages: Messages) -> Iterator[str]:
    turns = [message for place, message in enumerate(messages) if place or not message.is_system]
    pairs = list(itertools.pairwise(message.role for message in turns))
    if any(message.is_system for message in turns) or ("user", "user") in pairs:
        yield (
            "After the optional system message, conversation roles must alternate "
            "user/assistant/user/assistant/..."
        )
    if ("tool", "user") in pairs:
        yield "Unexpected role 'user' after role 'tool'"


def _mistral_messages(messages: Messages) -> Iterator[str]:
    for message in messages:
        if message.name is not None:
            yield f"Extra inputs are not permitted: name, in a {message.role} message."
        if message.content is None and not message.calls:
            yield f"Input should be a valid string or list: content, in a {message.role} message."
        if message.role in ("assistant", "tool") and _has_other_parts(message):
            yield f"Unexpected content chunk types in {message.role} message."


def _mistral_calls(messages: Messages) -> Iterator[str]:
    for message in messages:
        ids = [call.id for call in message.calls]
        for call_id in (message.tool_call_id, *ids):
            if call_id is not None and not _MISTRAL_ID.fullmatch(call_id):
                yield f"Tool call id was {call_id} but must be a-z, A-Z, 0-9, with a length of 9."
        if len(set(ids)) < len(ids):
            yield "Duplicate tool call id in assistant message"
        for call in message.calls:
            if not _MISTRAL_NAME.fullmatch(call.function.name):
                yield (
                    f"Function name was {call.function.name} but must be a-z, A-Z, 0-9, or contain "
                    "underscores and dashes, with a maximum length of 64."
                )


def _has_other_parts(message: Message) -> bool:
    return isinstance(message.content, tuple) and any(
        part.type != "text" for part in message.content
    )


def _one_system_message(messages: Messages) -> Iterator[str]:
    if any(message.role == "system" for message in messages[1:]):
        yield "System message must be at the beginning."


def _no_developer(messages: Messages) -> Iterator[str]:
    if any(message.role == "developer" for message in messages):
        yield "Unexpected message role."


def _reasoning_comes_back(messages: Messages) -> Iterator[str]:
    """Since the user spoke: before that, the model needs no thoughts of its own."""
    since = max((place for place, each in enumerate(messages) if each.role == "user"), default=0)
    if any(
        each.calls and not (each.reasoning_content or each.reasoning) for each in messages[since:]
    ):
        yield "The `reasoning_content` in the thinking mode must be passed back to the API."


_OF_FAMILIES: dict[Family, tuple[Callable[[Messages], Iterator[str]], ...]] = {
    "mistral": (_mistral_order, _mistral_messages, _mistral_calls),
    "qwen": (_no_developer, _one_system_message),
    "gemma": (_one_system_message,),
    "deepseek": (_reasoning_comes_back,),
}
