import math
import struct
from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sandbox.scaleway.vectors import in_base64, likeness, vector_of

LEASE = vector_of("The lease may be ended with a notice of three months.", 256)
CAT = vector_of("Our cat sleeps all day.", 256)
ASKED = vector_of("What is the notice for the lease?", 256)


def test_a_text_with_the_words_of_a_question_is_nearer_than_one_without() -> None:
    assert likeness(ASKED, LEASE) > likeness(ASKED, CAT)


def test_a_text_has_one_vector_whatever_the_process() -> None:
    assert vector_of("Notice", 8) == vector_of("notice!", 8) == [0, 0, -1, 0, 0, 0, 0, 0]
    assert likeness(LEASE, LEASE) == pytest.approx(1)


def test_text_without_words_is_like_nothing() -> None:
    assert likeness(vector_of("?!", 256), LEASE) == 0


@given(st.text(max_size=50), st.sampled_from([1, 8, 256]))
def test_a_vector_has_its_length_and_is_the_same_in_base64(text: str, dimensions: int) -> None:
    vector = vector_of(text, dimensions)
    assert len(vector) == dimensions
    assert math.hypot(*vector) == pytest.approx(1) or not any(vector)
    assert list(struct.unpack(f"<{dimensions}f", b64decode(in_base64(vector)))) == vector
