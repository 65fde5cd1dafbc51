"""Reads tool calls that a model wrote as text, in the forms that models were trained on.

A server is meant to read a call out of the model's text. Where its parser misses one, the markup is
all that arrives. The shapes are those of the models' published chat templates, and of the parsers
that vLLM, SGLang and llama.cpp have for them:

    Hermes, Qwen      <tool_call>{"name": …, "arguments": {…}}</tool_call>
    Qwen-coder        <tool_call><function=x><parameter=query>…</parameter></function></tool_call>
    GLM               <tool_call>x<arg_key>query</arg_key><arg_value>…</arg_value></tool_call>
    Mistral           [TOOL_CALLS][{…}]   [TOOL_CALLS]x{…}   [TOOL_CALLS]x[CALL_ID]id[ARGS]{…}
    Llama             {"name": …, "parameters": {…}}   <|python_tag|>…   <function=x>{…}</function>
                      [x(query="…")]
    DeepSeek          <|tool▁call▁begin|>function<|tool▁sep|>x … {…}   <|DSML|invoke name="x">…
    gpt-oss           <|channel|>commentary to=functions.x <|constrain|>json<|message|>{…}
    Kimi              <|tool_call_begin|>functions.x:0<|tool_call_argument_begin|>{…}
    Granite, others   <|tool_call|>[{…}]   ```json {…} ```   ```tool_code x(query="…") ```

A text is read once, from its beginning to its end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from proxy.core.call_signs import ARGUMENT_KEYS, LIST_KEYS, NAME_KEYS, sign_at
from proxy.core.call_tags import after_between
from proxy.core.python_calls import read_python

TakesString = Callable[[str, str], bool]
"""Whether the tool of a name takes a string for a parameter. Tags do not tell "5" from 5."""

_MOST_CALLS: Final = 128
_DECODER: Final = json.JSONDecoder(strict=False)
"""Models put line ends into strings as they are."""
_NOT_GIVEN: Final = object()
_OBJECT: Final = re.compile(r"(?:\[\s{0,64})?\{")

_BAR: Final = r"[|\uff5c]"
_GAP: Final = r"[\u2581_ ]"
_ID: Final = r"[\w.:-]{1,128}"

_FUNCTION: Final = re.compile(rf"<function(?:=|\s{{1,8}}name=)\"?({_ID})\"?>")
_FUNCTION_END: Final = re.compile(r"</function>|</tool_call>")
_INVOKE: Final = re.compile(rf"<(?:{_BAR}DSML{_BAR})?invoke\s{{1,8}}name=\"?({_ID})\"?\s{{0,8}}>")
_INVOKE_END: Final = re.compile(rf"</(?:{_BAR}DSML{_BAR})?invoke>")
_PARAMETER: Final = re.compile(
    rf"\s*<(?:{_BAR}DSML{_BAR})?parameter(?:=|\s{{1,8}}name=)\"?([^<>\"\n]{{1,200}})"
    r"(\"?[^<>\n]{0,100})>"
)
_PARAMETER_END: Final = re.compile(rf"</(?:{_BAR}DSML{_BAR})?parameter>")
_IS_STRING: Final = 'string="true"'
_GLM: Final = re.compile(rf"({_ID})\s{{0,64}}(?=<arg_key>)")
_GLM_KEY: Final = re.compile(r"\s*<arg_key>([^<]{1,200})</arg_key>\s{0,64}<arg_value>()")
_GLM_END: Final = re.compile(r"</arg_value>")
_NAMED: Final = re.compile(
    rf"({_ID})(?:\s{{0,64}}(?:\[CALL_ID\]\s{{0,8}}[\w-]{{1,64}}|\[ARGS\]|```(?:json)?|json"
    rf"|<{_BAR}tool{_GAP}sep{_BAR}>|<\|constrain\|>\s?\w{{0,20}}|<\|channel\|>\w{{0,20}}"
    r"|<\|message\|>|<\|tool_call_argument_begin\|>)){0,5}\s{0,64}(?=\{)"
)


class WrittenCall(NamedTuple):
    """A call that a model wrote as text. `arguments` is JSON, or what stood where it should be."""

    name: str
    arguments: str
    is_whole: bool = True
    """Whether its end was found, too."""


class Reading(NamedTuple):
    """The calls at the start of a text, and where the first thing stands that is none."""

    calls: tuple[WrittenCall, ...]
    end: int


def read_calls(text: str, place: int, takes_string: TakesString) -> Reading:
    """The calls that `text` has from `place` on, in any of the forms."""
    calls: list[WrittenCall] = []
    is_tagged = False
    while True:
        place, has_tag = after_between(text, place)
        is_tagged = is_tagged or has_tag
        read = _read_one(text, place, takes_string, is_tagged=is_tagged)
        if read is None or len(calls) >= _MOST_CALLS:
            return Reading(tuple(calls), place)
        calls += read.calls
        place = read.end


def _read_one(
    text: str, place: int, takes_string: TakesString, *, is_tagged: bool
) -> Reading | None:
    if text.startswith(("{", "["), place):
        read = _json(text, place, is_tagged=is_tagged)
        return read or _python(text, place)
    for form in (_function, _invoke, _glm):
        if (read := form(text, place, takes_string)) is not None:
            return read
    return _named(text, place) or _python(text, place)


def _json(text: str, place: int, *, is_tagged: bool) -> Reading | None:
    value, end = _decode(text, place)
    if end > place:
        calls = tuple(_calls_in(value, needs_arguments=not is_tagged))
        return Reading(calls, end) if calls else None
    sign = sign_at(text, place) if _OBJECT.match(text, place) else None
    if sign is None or not sign.is_whole:
        return None
    return Reading((WrittenCall(sign.name, text[place:].strip(), is_whole=False),), len(text))


def _decode(text: str, place: int) -> tuple[object, int]:
    """The JSON value at `place`, and its end; None and `place` if there is none."""
    try:
        return _DECODER.raw_decode(text, place)
    except (ValueError, RecursionError):
        return None, place


def _calls_in(value: object, *, needs_arguments: bool) -> Iterator[WrittenCall]:
    """The calls that a JSON value stands for: nothing at all unless all of it does.

    What describes a tool is no call of it. Without a tag around it, nor is what only names one.
    """
    if isinstance(value, list):
        found = [tuple(_calls_in(each, needs_arguments=needs_arguments)) for each in value]
        yield from (call for calls in found for call in calls) if all(found) else ()
        return
    if not isinstance(value, dict):
        return
    if several := next((value[key] for key in LIST_KEYS if key in value), None):
        yield from _calls_in(several, needs_arguments=needs_arguments)
        return
    if isinstance(function := value.get("function"), dict):
        value = function
    name = next((value[key] for key in NAME_KEYS if isinstance(value.get(key), str)), None)
    given = next((value[key] for key in ARGUMENT_KEYS if key in value), _NOT_GIVEN)
    is_call = given is not _NOT_GIVEN or not needs_arguments
    if name and is_call and "description" not in value:
        yield WrittenCall(name, _arguments(None if given is _NOT_GIVEN else given))


def _arguments(given: object) -> str:
    if isinstance(given, str):
        return given
    return _as_json({} if given is None else given)


def _as_json(value: object) -> str:
    """`value` as JSON that can be encoded: half of a surrogate pair becomes a question mark."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode()


def _function(text: str, place: int, takes_string: TakesString) -> Reading | None:
    return _tagged(_FUNCTION, _FUNCTION_END, text, place, takes_string)


def _invoke(text: str, place: int, takes_string: TakesString) -> Reading | None:
    return _tagged(_INVOKE, _INVOKE_END, text, place, takes_string)


def _tagged(
    head: re.Pattern[str],
    tail: re.Pattern[str],
    text: str,
    place: int,
    takes_string: TakesString,
) -> Reading | None:
    """A name in a tag, arguments in tags or as JSON, and a tag at the end."""
    named = head.match(text, place)
    if named is None:
        return None
    arguments, place = _pairs(
        (_PARAMETER, _PARAMETER_END), text, named.end(), named[1], takes_string
    )
    found = tail.search(text, place)
    inner_end, end = found.span() if found else (len(text), len(text))
    rest = text[place:inner_end].strip()
    is_whole = found is not None if not arguments else not rest
    written = _as_json(arguments) if arguments else rest or "{}"
    return Reading((WrittenCall(named[1], written, is_whole),), end)


def _glm(text: str, place: int, takes_string: TakesString) -> Reading | None:
    head = _GLM.match(text, place)
    if head is None:
        return None
    arguments, end = _pairs((_GLM_KEY, _GLM_END), text, head.end(), head[1], takes_string)
    call = WrittenCall(head[1], _as_json(arguments), is_whole=bool(arguments))
    return Reading((call,), end)


def _pairs(
    tags: tuple[re.Pattern[str], re.Pattern[str]],
    text: str,
    place: int,
    name: str,
    takes_string: TakesString,
) -> tuple[dict[str, object], int]:
    """Arguments in pairs of tags from `place` on, and where they end."""
    pairs: dict[str, object] = {}
    opening, closing = tags
    while (head := opening.match(text, place)) and (tail := closing.search(text, head.end())):
        parameter, value = head[1].strip(), text[head.end() : tail.start()].strip()
        # DeepSeek says of each whether it is a string; for the others, the schema does.
        is_string = _IS_STRING in head[2] or takes_string(name, parameter)
        pairs[parameter] = value if is_string else _value(value)
        place = tail.end()
    return pairs, place


def _value(text: str) -> object:
    """What stands between tags: JSON where it is some, else text."""
    value, end = _decode(text, 0)
    return value if text and end == len(text) else text


def _named(text: str, place: int) -> Reading | None:
    """A name and then JSON. If the JSON is broken, it is taken as it stands to the end."""
    head = _NAMED.match(text, place)
    if head is None:
        return None
    value, end = _decode(text, head.end())
    if isinstance(value, dict):
        return Reading((WrittenCall(head[1], _as_json(value)),), end)
    return Reading((WrittenCall(head[1], text[head.end() :].strip(), is_whole=False),), len(text))


def _python(text: str, place: int) -> Reading | None:
    calls, end = read_python(text, place)
    return Reading(tuple(WrittenCall(*each) for each in calls), end) if calls else None
