import pytest

from proxy.sandbox.lighton.pages import PAGE_SIZE, page_of

ADDRESS = "http://sandbox.test/api/v3/workspaces"
MANY = list(range(2 * PAGE_SIZE + 1))


def page(query: dict[str, str]) -> dict[str, object] | None:
    return page_of(MANY, lambda each: {"id": each}, ADDRESS, query)


def test_a_long_list_comes_in_pages_that_name_their_neighbours() -> None:
    pages = [page({"page": number, "x": "1"}) for number in ("1", "2", "3")]
    seen = [(each["previous"], each["next"]) for each in pages if each]
    assert seen == [
        (None, f"{ADDRESS}?page=2&x=1"),
        (f"{ADDRESS}?page=1&x=1", f"{ADDRESS}?page=3&x=1"),
        (f"{ADDRESS}?page=2&x=1", None),
    ]
    first = page({"x": "1"})
    assert first is not None
    assert first["next"] == f"{ADDRESS}?x=1&page=2"
    shown = [entry for each in pages if each for entry in each["results"]]  # type: ignore[attr-defined]
    assert shown == [{"id": each} for each in MANY]


@pytest.mark.parametrize("number", ["0", "4", "-1", "x", "", "²"])
def test_there_are_no_other_pages(number: str) -> None:
    assert page({"page": number}) is None
