"""mem0: memories by embeddings."""

from __future__ import annotations

from typing import Any

import openai
from snippet import memory
from told import UNKNOWN_MODEL, play

_USER = "ada"


def embeddings(question: str) -> dict[str, Any]:
    for text in (question, "Ada likes tea."):
        memory.add(text, user_id=_USER, infer=False)
    found = memory.search(question, filters={"user_id": _USER})["results"]
    return {"found": [each["memory"] for each in found]}


def answer(question: str) -> dict[str, Any]:
    """The model that mem0 asks to make memories out of what is said."""
    return {"text": memory.llm.generate_response([{"role": "user", "content": question}])}


def error(question: str) -> dict[str, Any]:
    config = memory.llm.config
    known, config.model = config.model, UNKNOWN_MODEL
    try:
        answer(question)
    except openai.NotFoundError as raised:
        return {"status": raised.status_code, "error": raised.message}
    finally:
        config.model = known
    return {}


_NO = "mem0 stores and finds memories; it has no such thing"

play(answer=answer, stream=_NO, tool=_NO, citations=_NO, error=error, embeddings=embeddings)
