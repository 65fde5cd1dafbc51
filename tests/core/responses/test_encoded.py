from __future__ import annotations

import orjson
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.responses.encoded import Encoder
from proxy.core.responses.events import Log, TextPlace, whole

places = st.builds(TextPlace, st.text(max_size=5), st.integers(0, 300), st.integers(0, 9))


def test_an_event_names_its_type_twice() -> None:
    written = Encoder().encode([{"type": "response.created", "sequence_number": 0}])
    assert written == (
        b'event: response.created\ndata: {"type":"response.created","sequence_number":0}\n\n'
    )


@given(st.lists(places, min_size=1, max_size=3), st.lists(st.text(max_size=5), max_size=9))
def test_a_piece_of_text_is_written_as_its_whole_event_would_be(
    known: list[TextPlace], texts: list[str]
) -> None:
    log = Log()
    for number, text in enumerate(texts):
        log.say(known[number % len(known)], text, orjson.dumps(text)[1:-1])
    told = log.take()
    encoder = Encoder()
    assert encoder.encode(told) == encoder.encode([whole(each) for each in told])
