"""The bytes of replies."""

import orjson

from bench import wire
from bench.exchange import read_reply
from bench.script import ARGUMENT_WRITES, CALL_WRITES, Script
from tests.bench.recorded import recorded

SCRIPT = Script(chunks=8)


def test_an_answer_has_a_write_for_each_chunk_and_ends_once() -> None:
    writes = wire.answer_writes(SCRIPT)
    assert len(writes) == SCRIPT.chunks
    assert writes[0].startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Bench:" in writes[0]
    assert writes[-1].endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")


def test_the_chunks_of_an_answer_are_its_pieces_a_reason_and_usage() -> None:
    *chunks, done = read_reply(recorded(wire.answer_writes(SCRIPT))).events()
    documents = [orjson.loads(chunk.data) for chunk in chunks]
    texts = [each["choices"][0]["delta"].get("content") for each in documents[:-2]]
    assert tuple(texts) == SCRIPT.pieces
    assert documents[-2]["choices"][0]["finish_reason"] == "stop"
    assert (documents[-1]["choices"], "usage" in documents[-1]) == ([], True)
    assert done.data == b"[DONE]"


def test_a_streamed_call_comes_in_fragments_that_make_up_its_arguments() -> None:
    writes = wire.call_writes(SCRIPT, 'which "notice"?', 7)
    assert len(writes) == CALL_WRITES
    events = read_reply(recorded(writes)).events()
    fragments = [
        call["function"]
        for event in events[:-3]
        for call in orjson.loads(event.data)["choices"][0]["delta"]["tool_calls"]
    ]
    assert len(fragments) == ARGUMENT_WRITES + 1
    arguments = "".join(fragment["arguments"] for fragment in fragments)
    assert orjson.loads(arguments) == {"query": 'which "notice"?', "max_results": 5}


def test_calls_have_ids_of_their_own() -> None:
    assert wire.call(SCRIPT, "query", 1) != wire.call(SCRIPT, "query", 2)


def test_a_reply_says_its_length() -> None:
    assert orjson.loads(read_reply(recorded([wire.json_reply({"a": 1})])).body) == {"a": 1}
