"""The stand-in "model": answers a conversation by plain rules.

It is not a language model. The rules:

1. It obeys `tool_choice`: `none` forbids calls, a name demands that tool, `required` demands any.
   With `auto`, a JSON `response_format` forbids calls: it constrains all that the model writes.
2. It answers prompts for a title, tags or follow-ups, as chat interfaces send them, at once.
3. It calls a client's tool, or `lighton_read`, if the user's last message contains its name.
   Several names make several calls, in parallel unless the request or the model forbids that.
4. It calls `lighton_search` with that message as the query, unless the passages at hand already
   share words with it. Beside a client's tool it does so only if the message says "search".
5. It calls a tool once for a message, except where `required` leaves no other.
6. With nothing left to call, it repeats what the client's tools returned and quotes the sentences
   of the passages that fit the message best, each with its `[n]`.
7. With neither, it says that a search failed or found nothing. To small talk, and without a
   search, it says that it is a stand-in and repeats the message.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from proxy.sandbox.documents.sentences import best_sentences
from proxy.sandbox.scaleway.arguments import fill, position
from proxy.sandbox.scaleway.chat_request import ChatRequest, NamedTool
from proxy.sandbox.scaleway.conversation import SEARCH_TOOL, Conversation
from proxy.sandbox.scaleway.housekeeping import asks_for_housekeeping, housekeeping_reply
from proxy.sandbox.served import ServedModel

PREAMBLE = "Let me look that up."
NO_MATCH = "No sentence in the passages that were found shares a word with the question."
NO_RESULTS = "The search found nothing to answer from."
UNAVAILABLE = "The search is unavailable, so there is nothing to quote."
SELF_DESCRIPTION = (
    "I am the sandbox's stand-in, not a language model: I call tools and quote documents, no more."
)

_LONGEST_QUERY = 1500
_LONGEST_REPEAT = 600


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    arguments: str
    """JSON."""


@dataclass(frozen=True, slots=True)
class Reply:
    content: str
    reasoning: str = ""
    calls: tuple[Call, ...] = ()


def decide(request: ChatRequest, served: ServedModel) -> Reply:
    talk = Conversation.of(request)
    calls = tuple(_call(talk, name) for name in _tools_to_call(talk, request))
    if request.parallel_tool_calls is False or not served.parallel_calls:
        calls = calls[:1]
    if calls:
        content = PREAMBLE if served.talks_before_calls else ""
    else:
        content = _formatted(_answer(talk), request)
    return Reply(content, _reasoning(calls) if served.reasoning_field else "", calls)


def _tools_to_call(talk: Conversation, request: ChatRequest) -> list[str]:
    choice = request.tool_choice
    if choice == "none" or not talk.tools:
        return []
    if isinstance(choice, NamedTool):
        return [choice.function.name]
    if choice != "required" and _must_write_json(request):
        return []
    wanted = _wanted(talk)
    return [_some_tool(talk)] if choice == "required" and not wanted else wanted


def _wanted(talk: Conversation) -> list[str]:
    if not talk.question or asks_for_housekeeping(talk.question):
        return []
    wanted = [name for name in talk.named if talk.uncalled(name)]
    if SEARCH_TOOL in talk.tools and talk.uncalled(SEARCH_TOOL) and _wants_search(talk):
        wanted.insert(0, SEARCH_TOOL)
    return wanted


def _wants_search(talk: Conversation) -> bool:
    if talk.named:
        return talk.mentions("search") or talk.mentions(SEARCH_TOOL)
    return not best_sentences(talk.question, talk.passages)


def _some_tool(talk: Conversation) -> str:
    """Return the search tool if it has not been called, else the first other one."""
    search_first = sorted(talk.tools, key=lambda name: name != SEARCH_TOOL)
    return next((name for name in search_first if talk.uncalled(name)), search_first[0])


def _call(talk: Conversation, name: str) -> Call:
    if name == SEARCH_TOOL:
        arguments: Any = {"query": talk.question[:_LONGEST_QUERY] or "?"}
    else:
        arguments = fill(talk.tools[name].schema_of_arguments, _told_to(name, talk))
    return Call(name, json.dumps(arguments, ensure_ascii=False))


def _told_to(name: str, talk: Conversation) -> str:
    """Return the words of the question that supply a tool's arguments.

    Where it names several tools these are the words between a tool's name and the next one's.
    """
    if len(talk.named) > 1 and name in talk.named:
        after = talk.question[(position(talk.question, name) or 0) + len(name) :]
        ends = [place for other in talk.named if (place := position(after, other)) is not None]
        words = after[: min(ends, default=len(after))]
        if re.search(r"\w", words):
            return words
    words = talk.question
    for other in talk.named:
        words = re.sub(re.escape(other), "", words, flags=re.IGNORECASE)
    return words


def _reasoning(calls: tuple[Call, ...]) -> str:
    names = ", ".join(call.name for call in calls)
    step = f"call {names}" if names else "answer from what is there"
    return f"No thinking happens here; the rules say to {step}."


def _answer(talk: Conversation) -> str:
    if asks_for_housekeeping(talk.question):
        return housekeeping_reply(talk.question)
    said = [f"The tool {name} returned: {_shortened(text)}" for name, text in talk.client_results]
    said += [found] if (found := _quoted(talk) or _why_nothing_is_quoted(talk)) else []
    return "\n\n".join(said) or f"{SELF_DESCRIPTION} You wrote: {_shortened(talk.question)}"


def _quoted(talk: Conversation) -> str:
    sentences = best_sentences(talk.question, talk.passages)
    return " ".join(f"{each.text} [{each.n}]" for each in sentences)


def _why_nothing_is_quoted(talk: Conversation) -> str:
    """Say how the search ended; nothing if there was none, or no question to answer."""
    if talk.search_failed:
        return UNAVAILABLE
    if talk.is_small_talk:
        return ""
    if talk.passages:
        return NO_MATCH
    return NO_RESULTS if talk.search_results else ""


def _formatted(answer: str, request: ChatRequest) -> str:
    """Put the answer into the JSON that `response_format` asks for."""
    wanted = request.response_format
    if wanted is None or not _must_write_json(request):
        return answer
    schema = wanted.json_schema.schema_ if wanted.json_schema else None
    document = fill(schema, answer, verbatim=True) if schema else {"answer": answer}
    return json.dumps(document, ensure_ascii=False)


def _must_write_json(request: ChatRequest) -> bool:
    wanted = request.response_format
    return wanted is not None and wanted.type != "text"


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_REPEAT else f"{text[:_LONGEST_REPEAT]} …"
