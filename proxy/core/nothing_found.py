"""What happens without passages: the model is told, or the proxy refuses in fixed words.

Nothing was found if searches ran for the answer, none failed, and none brought a passage
(`Desk.has_found_nothing`). If some failed and none brought a passage, nobody knows what the
documents hold (`Desk.is_ungrounded`). Whether it matters to a request is decided here, in one
place.
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
"""What the client hears instead of an answer for which nothing was found."""
UNSEARCHED: Final[Mapping[Language, str]] = {
    "en": "I could not search the documents, so I cannot answer this. Please try again later.",
    "fr": "Je n'ai pas pu chercher dans les documents, donc je ne peux pas répondre à cette "
    "question. Veuillez réessayer plus tard.",
    "de": "Ich konnte die Dokumente nicht durchsuchen und kann diese Frage deshalb nicht "
    "beantworten. Bitte versuchen Sie es später noch einmal.",
    "es": "No he podido buscar en los documentos, así que no puedo responder a esta pregunta. "
    "Inténtelo de nuevo más tarde.",
    "it": "Non ho potuto cercare nei documenti, quindi non posso rispondere a questa domanda. "
    "Riprovi più tardi.",
}
"""What it hears instead of an answer whose searches failed."""


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
    if plan.policy.on_search_error == "refuse" and desk.is_ungrounded:
        return _takes_text(plan) and matters(plan)
    if plan.policy.when_nothing_found != "refuse" or not desk.has_found_nothing:
        return False
    return _may_refuse(plan) and matters(plan)


def fails(plan: Plan) -> bool:
    """Whether a search that fails ends the answer with an error.

    Where a refusal is due, but the client expects no words, an error takes its place.
    """
    policy = plan.policy.on_search_error
    return policy == "fail" or (policy == "refuse" and not _takes_text(plan) and matters(plan))


def is_hopeless(ask: Ask) -> bool:
    """Whether no text of a round would be heard, and it can call no tool either."""
    return ask.is_silent and not ask.tools


def refusal(plan: Plan, desk: Desk) -> Turn:
    """The turn that refuses, in the language of the question, else of what was said before it."""
    messages = plan.chat.messages
    said = (text_of(each.get("content")) for each in messages if each["role"] == "user")
    language = language_of(last_user_text(messages)) or language_of("\n".join(said)) or "en"
    built_in = UNSEARCHED if desk.is_ungrounded else REFUSALS
    text = {**built_in, **plan.policy.refusals}[language]
    return Turn(text, "stop", closing={"choices": [{"index": 0, "delta": {}}]})


def _may_refuse(plan: Plan) -> bool:
    """Whether the client expects words, and has written enough of them to have asked something.

    One or two words may be small talk.
    """
    return _takes_text(plan) and not is_brief(last_user_text(plan.chat.messages))


def _takes_text(plan: Plan) -> bool:
    """Whether the client expects words. Else it parses JSON, or a call that it forces."""
    is_call = plan.choice is not None and plan.choice.name is not None
    return plan.json_format is None and not is_call
