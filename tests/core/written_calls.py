"""Tool calls as models write them into their text: one sample for each form."""

from __future__ import annotations

from typing import Final

BAR: Final = "\uff5c"
DSML: Final = f"{BAR}DSML{BAR}"

FORMS: Final = {
    "hermes": "<tool_call>\n{JSON}\n</tool_call>",
    "hermes, no end": "<tool_call>\n{JSON}",
    "qwen-coder": "<tool_call>\n<function=NAME>\n<parameter=query>\nQUERY\n</parameter>\n"
    "</function>\n</tool_call>",
    "glm": "<tool_call>NAME\n<arg_key>query</arg_key>\n<arg_value>QUERY</arg_value>\n</tool_call>",
    "mistral list": "[TOOL_CALLS][{JSON}]",
    "mistral name": "[TOOL_CALLS]NAME{ARGS}",
    "mistral id": "[TOOL_CALLS]NAME[CALL_ID]abc123XYZ[ARGS]{ARGS}",
    "llama json": '{"type": "function", "name": "NAME", "parameters": {ARGS}}',
    "llama tag": "<|python_tag|>{JSON}",
    "llama python tag": '<|python_tag|>NAME(query="QUERY")',
    "llama python list": '[NAME(query="QUERY")]',
    "llama function": "<function=NAME>{ARGS}</function>",
    "deepseek v3": f"<{BAR}tool▁calls▁begin{BAR}><{BAR}tool▁call▁begin{BAR}>function"
    f"<{BAR}tool▁sep{BAR}>NAME\n```json\n{{ARGS}}\n```<{BAR}tool▁call▁end{BAR}>"
    f"<{BAR}tool▁calls▁end{BAR}>",
    "deepseek v3.1": f"<{BAR}tool▁calls▁begin{BAR}><{BAR}tool▁call▁begin{BAR}>NAME"
    f"<{BAR}tool▁sep{BAR}>{{ARGS}}<{BAR}tool▁call▁end{BAR}><{BAR}tool▁calls▁end{BAR}>",
    "deepseek, plain bars": "<|tool_calls_begin|><|tool_call_begin|>NAME<|tool_sep|>{ARGS}"
    "<|tool_call_end|><|tool_calls_end|>",
    "deepseek v4": f'<{DSML}tool_calls>\n<{DSML}invoke name="NAME">\n<{DSML}parameter name="query" '
    f'string="true">QUERY</{DSML}parameter>\n</{DSML}invoke>\n</{DSML}tool_calls>',
    "gpt-oss": "<|channel|>commentary to=functions.NAME <|constrain|>json<|message|>{ARGS}<|call|>",
    "gpt-oss, from the start": "<|start|>assistant<|channel|>commentary to=functions.NAME "
    "<|constrain|>json<|message|>{ARGS}<|call|>",
    "gpt-oss, recipient first": "<|start|>assistant to=functions.NAME<|channel|>commentary "
    "json<|message|>{ARGS}<|call|>",
    "kimi": "<|tool_calls_section_begin|><|tool_call_begin|>functions.NAME:0"
    "<|tool_call_argument_begin|>{ARGS}<|tool_call_end|><|tool_calls_section_end|>",
    "minimax": '<minimax:tool_call>\n<invoke name="NAME">\n<parameter name="query">QUERY'
    "</parameter>\n</invoke>\n</minimax:tool_call>",
    "seed": "<seed:tool_call><function=NAME><parameter=query>QUERY</parameter></function>"
    "</seed:tool_call>",
    "granite": "<|tool_call|>[{JSON}]",
    "granite 3": "<tool_call>[{JSON}]",
    "command": '<|START_ACTION|>[\n  {"tool_call_id": "0", "tool_name": "NAME", "parameters": '
    "{ARGS}}\n]<|END_ACTION|>",
    "internlm": "<|action_start|><|plugin|>{JSON}<|action_end|>",
    "function_call": "<function_call>{JSON}</function_call>",
    "bare": "{JSON}",
    "bare list": "[{JSON}]",
    "arguments first": '{"arguments": {ARGS}, "name": "NAME"}',
    "openai": '{"id": "1", "type": "function", "function": {"name": "NAME", '
    '"arguments": "ESCAPED"}}',
    "openai list": '{"tool_calls": [{"id": "x", "type": "function", "function": {JSON}}]}',
    "recipient": '{"recipient_name": "functions.NAME", "parameters": {ARGS}}',
    "python in a tag": '<tool_call>NAME(query="QUERY")</tool_call>',
}


def written(form: str, name: str, query: str = "notice period") -> str:
    """A call of `name` in one of the forms. `query` needs no escapes in JSON."""
    arguments = f'{{"query": "{query}"}}'
    whole = f'{{"name": "{name}", "arguments": {arguments}}}'
    text = FORMS[form].replace("{JSON}", whole).replace("{ARGS}", arguments)
    text = text.replace("ESCAPED", arguments.replace('"', '\\"'))
    return text.replace("NAME", name).replace("QUERY", query)
