import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.hidden import Order
from proxy.core.passages import Passage
from proxy.core.read_call import MOST_PAGES, Reading, read_call
from tests.core.samples import JSON, call, result

USAGE = 'Call lighton_read with arguments such as {"n": 2, "pages": "3-5"}.'
PASSAGES = {
    1: Passage(1, result(file_id=7, page_start=3, page_end=3)),
    2: Passage(2, result("c2", file_id=8)),
    4: Passage(4, result("c4", file_id=None)),
}


def read(arguments: Any) -> Order:
    return read_call(call(arguments, name="lighton_read"), PASSAGES)


def reading(order: Order) -> Reading:
    assert order.job is not None
    return Reading.of(order.job)


def pages(**arguments: Any) -> tuple[str, tuple[str, ...]]:
    """The pages that a call asks for, and what the model is told."""
    order = read({"n": 1, **arguments})
    return reading(order).pages, order.notes


def test_a_call_names_a_passage_and_the_proxy_knows_the_document() -> None:
    assert reading(read({"n": 1, "pages": "3-5"})) == Reading(
        1, 7, 3, 5, "Leave", "leave_a1.pdf", "https://docs.example/leave"
    )


@pytest.mark.parametrize("n", [1, 1.0, "1", " 1 ", "[1]", "#1", "(1)", "1.0"])
def test_the_number_may_be_written_in_many_ways(n: Any) -> None:
    assert reading(read({"n": n})).file_id == 7


@pytest.mark.parametrize(
    "n",
    [
        *(0, -1, 3, 5, 7, 8, 1.5, 10**18, 1e300, "", "one", "7", "-1", "1, 2", "1-2"),
        *("9" * 5_000, True, None, [1], {"n": 1}, {"file_id": 9}, "../9", "1;9", "file 9"),
    ],
)
def test_what_is_no_number_of_a_passage_reads_nothing(n: Any) -> None:
    fault = f"n must be the number of a passage: 1, 2. {USAGE}"
    assert read({"n": n, "file_id": 9}) == Order(fault=fault)


def test_a_call_without_a_number_is_corrected() -> None:
    assert read({"pages": "3"}).fault == f"n must be the number of a passage: 1, 2. {USAGE}"
    assert read("nothing").fault == f"The arguments are not a JSON object: 'nothing'. {USAGE}"


def test_a_correction_names_a_few_passages() -> None:
    many = {n: Passage(n, result(str(n))) for n in range(1, 500)}
    fault = read_call(call({"n": 0}), many).fault
    assert "18, 19, 20, …." in fault
    assert "21" not in fault
    nothing = read_call(call({"n": 0}), {}).fault
    assert nothing.startswith("n must be the number of a passage: there is none.")


def test_a_passage_of_no_file_has_nothing_more() -> None:
    fault = "There is no more to read of the document of passage 4."
    assert read({"n": 4}) == Order(fault=fault)


@pytest.mark.parametrize(
    ("start", "end", "around"),
    [
        (3, 3, "2-4"),
        (3, None, "2-4"),
        (1, 1, "1-2"),
        (3, 5, "2-6"),
        (3, 90, "2-6"),
        (3, 2, "2-4"),
        (None, None, "1"),
        (None, 9, "1"),
        (0, 0, "1-3"),
        (-4, 3, "1-3"),
        (10**12, None, "1-3"),
    ],
)
def test_without_pages_it_is_that_of_the_passage_and_its_neighbours(
    start: int | None, end: int | None, around: str
) -> None:
    shown = {1: Passage(1, result(page_start=start, page_end=end))}
    order = read_call(call({"n": 1}), shown)
    assert (reading(order).pages, order.notes) == (around, ())


@pytest.mark.parametrize(
    ("arguments", "is_asked"),
    [
        *(({}, False), ({"pages": ""}, False), ({"pages": []}, False), ({"pages": "all"}, False)),
        *(({"pages": 3}, True), ({"pages": "2-4"}, True), ({"pages": "1-90"}, True)),
    ],
)
def test_a_reading_knows_whether_the_model_asked_for_its_pages(
    arguments: dict[str, Any], *, is_asked: bool
) -> None:
    assert reading(read({"n": 1, **arguments})).is_asked is is_asked


def test_a_job_that_an_earlier_version_kept_is_still_a_reading() -> None:
    job = reading(read({"n": 1, "pages": 3})).job
    kept = job._replace(asked=job.asked[:7])
    assert Reading.of(kept) == Reading.of(job)


def test_a_reading_knows_whether_its_passage_has_a_page() -> None:
    assert [reading(read({"n": n})).has_page for n in (1, 2)] == [True, False]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (3, "3"),
        (3.0, "3"),
        ("3", "3"),
        (" 3 ", "3"),
        ("3-5", "3-5"),
        ("3 - 5", "3-5"),
        ("3\N{EN DASH}5", "3-5"),
        ("3\N{EM DASH}5", "3-5"),
        ("5-3", "3-5"),
        ("3,4", "3-4"),
        ("3, 4, 5", "3-5"),
        ("3 to 5", "3-5"),
        ("pages 3-5", "3-5"),
        ("p. 3", "3"),
        ("pp. 3-4", "3-4"),
        ("Seiten 3-4", "3-4"),
        ([3, 4], "3-4"),
        (["3", 5.0], "3-5"),
        (["3-5"], "3-5"),
        ([3], "3"),
        ("3-", "3"),
        ("3-7", "3-7"),
        ("0-2", "1-2"),
        (None, "2-4"),
        ("", "2-4"),
        ([], "2-4"),
    ],
)
def test_pages_may_be_written_in_many_ways(written: Any, meant: str) -> None:
    assert pages(pages=written) == (meant, ())


@pytest.mark.parametrize(
    ("written", "cut"), [("3-90", "3-7"), ([3, 8], "3-7"), ("1, 2, 3, 4, 5, 6", "1-5")]
)
def test_too_many_pages_are_cut_and_the_model_told(written: Any, cut: str) -> None:
    assert pages(pages=written) == (cut, (f"At most 5 pages a call; {cut} was used.",))


@pytest.mark.parametrize(
    "written",
    [
        *(0, -3, "0", "-3", 2.5, True, "all", "three", {}, {"first": 3}, [None], [[3]]),
        *(10**18, 1e300, "9" * 5_000, "9" * 80, "3-9999999999", "p" * 5_000),
    ],
)
def test_pages_that_cannot_be_read_are_the_default_and_the_model_told(written: Any) -> None:
    told = 'pages must be such as "3-5", from page 1; 2-4 was used.'
    assert pages(pages=written) == ("2-4", (told,))


def test_other_arguments_are_told_of() -> None:
    told = ("Ignored arguments: file_id. There are only n and pages.",)
    assert pages(pages=3, file_id=9) == ("3", told)


def test_the_same_pages_are_the_same_job_whatever_passage_names_them() -> None:
    other = Passage(2, result("c2", file_id=7, page_start=4, page_end=4, url="https://docs/x"))
    shown = {**PASSAGES, 2: other}
    jobs = [read_call(call({"n": n, "pages": "3-5"}), shown).job for n in (1, 2)]
    topics = {(each.tool, each.topic, each.extent) for each in jobs if each}
    assert topics == {("lighton_read", "7:3-5", 0)}


@given(JSON, JSON)
def test_no_arguments_reach_a_document_that_was_not_shown(n: Any, written: Any) -> None:
    order = read({"n": n, "pages": written, "file_id": n})
    if order.job is None:
        assert order.fault
        return
    found = reading(order)
    assert found.file_id in (7, 8)
    assert 1 <= found.first <= found.last < found.first + MOST_PAGES


@given(st.text(max_size=40))
def test_any_text_is_a_call_or_a_fault(text: str) -> None:
    for arguments in (text, json.dumps({"n": text}), json.dumps({"n": 1, "pages": text})):
        order = read(arguments)
        assert (order.job is None) == bool(order.fault)
