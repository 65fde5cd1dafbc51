"""instructor: what it returns is an object that the model fills in."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from instructor.core import InstructorRetryException
from pydantic import BaseModel
from snippet import client, model
from told import UNKNOWN_MODEL, play, sources


class Answer(BaseModel):
    """An answer to the question."""

    text: str


def answer(question: str) -> dict[str, Any]:
    return {"text": _ask(question)[0].text}


def stream(question: str) -> dict[str, Any]:
    messages = [{"role": "user", "content": question}]
    partial = client.create_partial(model=model, messages=messages, response_model=Answer)
    texts = [""]
    texts += [each.text for each in partial if each.text]
    grown = pairwise(texts)
    return {"pieces": [after.removeprefix(before) for before, after in grown if after != before]}


def citations(question: str) -> dict[str, Any]:
    said, completion = _ask(question)
    # JSON has no place for markers, so its annotations are empty; the proxy's own field has all.
    return {"text": said.text, "sources": sources(completion.lighton["citations"])}


def error(question: str) -> dict[str, Any]:
    try:
        _ask(question, model=UNKNOWN_MODEL)
    except InstructorRetryException as raised:
        return {"error": str(raised)}
    return {}


def _ask(question: str, **options: Any) -> Any:
    messages = [{"role": "user", "content": question}]
    return client.create_with_completion(
        messages=messages, response_model=Answer, max_retries=0, **{"model": model, **options}
    )


play(
    answer=answer,
    stream=stream,
    tool="its tools are what it makes of the object to fill in",
    citations=citations,
    error=error,
)
