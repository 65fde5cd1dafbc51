"""Requests as OpenAI's types allow them, of what is supported here."""

from __future__ import annotations

from hypothesis import strategies as st

SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}}
HELLO = [{"role": "user", "content": "Hello"}]

texts = st.text("ab[]1 \n", min_size=1, max_size=9)

_ids = st.sampled_from(["a1", "b2"])
_detail = st.sampled_from(["low", "high", "auto"])
_function = st.fixed_dictionaries(
    {
        "type": st.just("function"),
        "name": st.sampled_from(["f", "g"]),
        "parameters": st.none() | st.just(SCHEMA),
        "strict": st.none() | st.booleans(),
    },
    optional={"description": st.none() | texts, "defer_loading": st.booleans()},
)
_custom = st.fixed_dictionaries(
    {"type": st.just("custom"), "name": st.just("c")},
    optional={
        "description": texts,
        "format": st.just({"type": "text"})
        | st.just({"type": "grammar", "syntax": "regex", "definition": "a+"}),
    },
)
_namespace = st.fixed_dictionaries(
    {
        "type": st.just("namespace"),
        "name": st.just("n"),
        "description": texts,
        "tools": st.lists(_function | _custom, max_size=2),
    }
)
_file_search = st.fixed_dictionaries(
    {"type": st.just("file_search"), "vector_store_ids": st.just(["ws_42"])},
    optional={
        "max_num_results": st.integers(1, 50),
        "filters": st.just({"type": "eq", "key": "a", "value": "b"}),
        "ranking_options": st.fixed_dictionaries(
            {}, optional={"ranker": st.just("auto"), "score_threshold": st.floats(0, 1)}
        ),
    },
)
_said = st.fixed_dictionaries(
    {"type": st.just("output_text"), "text": texts, "annotations": st.just([])}
)
_item = st.one_of(
    st.fixed_dictionaries(
        {
            "role": st.sampled_from(["user", "system", "developer", "assistant"]),
            "content": texts
            | st.lists(
                st.fixed_dictionaries({"type": st.just("input_text"), "text": texts}), max_size=2
            ),
        },
        optional={"type": st.just("message")},
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("message"),
            "role": st.just("user"),
            "content": st.lists(
                st.fixed_dictionaries(
                    {"type": st.just("input_image"), "image_url": texts, "detail": _detail}
                ),
                min_size=1,
                max_size=2,
            ),
        }
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("message"),
            "id": st.just("msg_1"),
            "role": st.just("assistant"),
            "status": st.just("completed"),
            "content": st.lists(
                _said | st.just({"type": "refusal", "refusal": "No."}), min_size=1, max_size=2
            ),
        }
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("function_call"),
            "call_id": _ids,
            "name": st.just("f"),
            "arguments": texts,
        },
        optional={"id": st.just("fc_1"), "namespace": st.just("n")},
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("custom_tool_call"),
            "call_id": _ids,
            "name": st.just("c"),
            "input": texts,
        }
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("reasoning"),
            "id": st.just("rs_1"),
            "summary": st.just([]) | st.just([{"type": "summary_text", "text": "Hm."}]),
        },
        optional={"encrypted_content": st.none() | st.just("x")},
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("file_search_call"),
            "id": st.just("fs_1"),
            "queries": st.just(["a"]),
            "status": st.just("completed"),
        },
        optional={"results": st.none() | st.just([{"text": "x", "score": 0.5}])},
    ),
)
_choice = st.sampled_from(
    [
        "none",
        "auto",
        "required",
        {"type": "function", "name": "f"},
        {"type": "custom", "name": "c"},
        {"type": "allowed_tools", "mode": "auto", "tools": []},
    ]
)
REQUESTS = st.fixed_dictionaries(
    {"input": texts | st.lists(_item, max_size=5).map(lambda items: [*items, *HELLO])},
    optional={
        "model": st.just("m"),
        "instructions": st.none() | texts,
        "tools": st.builds(
            lambda tools, search: [*tools, *search],
            st.lists(_function | _custom | _namespace, max_size=3),
            st.lists(_file_search, max_size=1),
        ),
        "tool_choice": _choice,
        "parallel_tool_calls": st.none() | st.booleans(),
        "max_output_tokens": st.none() | st.integers(1, 9),
        "max_tool_calls": st.none() | st.integers(1, 9),
        "metadata": st.none() | st.just({"a": "b"}),
        "include": st.none() | st.just(["file_search_call.results", "reasoning.encrypted_content"]),
        "reasoning": st.none() | st.just({"effort": "low", "summary": "auto"}),
        "text": st.just({"format": {"type": "json_schema", "name": "n", "schema": SCHEMA}})
        | st.just({"verbosity": "low"}),
        "truncation": st.none() | st.sampled_from(["auto", "disabled"]),
        "temperature": st.none() | st.floats(0, 2),
        "top_p": st.none() | st.floats(0, 1),
        "top_logprobs": st.none() | st.integers(0, 20),
        "store": st.none() | st.booleans(),
        "stream": st.none() | st.booleans(),
        "stream_options": st.none() | st.just({"include_obfuscation": False}),
        "service_tier": st.none() | st.just("auto"),
        "user": st.just("u"),
        "background": st.none() | st.sampled_from([False]),
        "client_metadata": st.just({"a": "b"}),
    },
)
