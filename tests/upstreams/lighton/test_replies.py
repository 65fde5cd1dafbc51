import orjson
import pytest

from proxy.errors import BadReply
from proxy.upstreams.lighton.replies import decode, fault_of, tag_id, texts_of


def test_a_reply_is_a_json_object() -> None:
    assert decode(b'{"results": []}') == {"results": []}
    assert decode(rb'{"a": "\ud83d"}') == {"a": "\N{REPLACEMENT CHARACTER}"}
    with pytest.raises(BadReply, match="not JSON"):
        decode(b"<html>")
    with pytest.raises(BadReply, match="unknown shape"):
        decode(b"[]")


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"detail": "No such file."}, "No such file."),
        ({"detail": "Wrong.", "fields": {"query": [], "mode": []}}, "Wrong. (query) (mode)"),
        ({"detail": None}, ""),
        ([], ""),
    ],
)
def test_an_error_says_what_is_wrong(body: object, fault: str) -> None:
    assert fault_of(orjson.dumps(body)) == fault
    assert fault_of(b"<html>Forbidden</html>") == ""


def test_texts_are_those_that_are_there() -> None:
    assert texts_of({"a": "x", "b": "", "c": 3, "d": "y"}, "a", "b", "c") == {"a": "x"}


def test_a_tag_is_an_object_or_an_id() -> None:
    assert [tag_id(each) for each in ({"id": 3, "name": "x"}, 3, {}, None)] == [3, 3, None, None]
