"""What happens when nothing was found: the model is told, or the proxy refuses in fixed words.

Nothing was found if searches ran for the answer, none failed, and none brought a passage
(`Desk.has_found_nothing`). Whether it matters to a request is decided here, in one place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from proxy.core.chat import last_user_place, last_user_text, text_of
from proxy.core.chores import is_chore
from proxy.core.desk import Desk
from proxy.core.instructions import NOTHING, OWN_KNOWLEDGE
from proxy.core.languages import Language, language_of
from proxy.core.plan import Ask, Plan
from proxy.core.small_talk import is_brief, is_small_talk
from proxy.core.turn import Turn

REFUSALS: Final[Mapping[Language, str]] = {
    "en": "I found nothing in the documents that answers this.",
    "fr": "Je n'ai rien trouvé dans les documents qui réponde à cette question.",
    "de": "Ich habe in den Dokumenten nichts gefunden, was diese Frage beantwortet.",
    "es": "No he encontrado nada en los documentos que responda a esta pregunta.",
    "it": "Non ho trovato nulla nei documenti che risponda a questa domanda.",
}
"""What the client hears instead of an answer."""


def matters(plan: Plan) -> bool:
    """Whether a request asks for something that could have been found.

    A chore and small talk do not. In an agent's step, the answer may be in what its tools brought.
    """
    messages = plan.chat.messages
    is_step = last_user_place(messages) < max(
        (i for i, each in enumerate(messages) if each["role"] not in _UNANSWERED), default=-1
    )
    return not (is_step or is_chore(messages) or is_small_talk(last_user_text(messages)))


_UNANSWERED: Final = frozenset({"system", "developer", "user"})
"""The roles of messages that may follow a question which nobody has begun to answer."""


def told(plan: Plan) -> str:
    """What the model is told where nothing was found; "" if it must not know, or need not."""
    if plan.policy.when_nothing_found == "refuse" and _may_refuse(plan):
        return ""
    text = OWN_KNOWLEDGE if plan.policy.when_nothing_found == "own_knowledge" else NOTHING
    return text if plan.grounded and matters(plan) else ""


def refuses(plan: Plan, desk: Desk) -> bool:
    """Whether the client must not hear what the model says now."""
    if plan.policy.when_nothing_found != "refuse" or not desk.has_found_nothing:
        return False
    return _may_refuse(plan) and matters(plan)


def is_hopeless(ask: Ask) -> bool:
    """Whether no text of a round would be heard, and it can call no tool either."""
    return ask.is_silent and not ask.tools


def refusal(plan: Plan) -> Turn:
    """The turn that refuses, in the language of the question, else of what was said before it."""
    messages = plan.chat.messages
    said = (text_of(each.get("content")) for each in messages if each["role"] == "user")
    language = language_of(last_user_text(messages)) or language_of("\n".join(said)) or "en"
    text = {**REFUSALS, **plan.policy.refusals}[language]
    return Turn(text, "stop", closing={"choices": [{"index": 0, "delta": {}}]})


def _may_refuse(plan: Plan) -> bool:
    """Whether the client expects words, and has written enough of them to have asked something.

    Else it parses JSON or a call that it forces, or its one or two words may be small talk.
    """
    is_call = plan.choice is not None and plan.choice.name is not None
    takes_text = plan.json_format is None and not is_call
    return takes_text and not is_brief(last_user_text(plan.chat.messages))
