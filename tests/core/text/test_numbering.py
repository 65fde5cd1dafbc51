import pytest

from proxy.core.text.numbering import Numbering


def test_addresses_are_numbered_by_first_appearance() -> None:
    numbering = Numbering()
    assert [numbering.of(url) for url in ("b", "a", "b", "c")] == [1, 2, 1, 3]
    assert numbering.numbers == {"b": 1, "a": 2, "c": 3}


@pytest.mark.parametrize(
    ("known", "above", "first"), [({"a": 4}, 0, 5), ({"a": 4}, 7, 8), ({}, 7, 8)]
)
def test_new_numbers_lie_above_all_that_were_given(
    known: dict[str, int], above: int, first: int
) -> None:
    numbering = Numbering(known, above)
    assert numbering.of("new") == first
    assert {url: numbering.of(url) for url in known} == known
