"""What streams meet."""

from collections import Counter

from tests.soak.plans import HARMLESS, MARK, Client, Fault, Plan, draw, mark_of, plain


def test_a_stream_can_be_drawn_again() -> None:
    assert [draw(5, number) for number in range(50)] == [draw(5, number) for number in range(50)]
    assert [draw(5, number) for number in range(50)] != [draw(6, number) for number in range(50)]


def test_no_two_streams_have_the_same_mark() -> None:
    marks = {mark_of(1, number) for number in (*range(20_000), *range(400_000, 456_976, 7))}
    assert len(marks) == 20_000 + len(range(400_000, 456_976, 7))
    assert all(map(MARK.fullmatch, marks))


def test_a_mark_stands_in_question_and_answer() -> None:
    plan = draw(1, 7)
    assert plan.mark in str(plan.body()["messages"])
    assert len(plan.said()) == plan.pieces
    assert all(plan.mark in piece for piece in plan.said())


def test_every_fault_and_every_kind_of_client_comes_up() -> None:
    plans = [draw(1, number) for number in range(1_000)]
    met = Counter(fault for plan in plans for fault in (*plan.model, *plan.search))
    assert set(Fault) <= set(met)
    assert min(Counter(plan.client for plan in plans).get(each, 0) for each in Client) > 10
    assert {plan.mode for plan in plans} == {"tool", "context", "hybrid", "off"}
    assert 300 < sum(plan.is_harmless for plan in plans) < 700


def test_a_fault_that_only_takes_time_is_harmless() -> None:
    assert Plan(1, "", model=(None, Fault.SLOW), search=(Fault.EMPTY,)).is_harmless
    assert not Plan(1, "", model=(None, Fault.CUT)).is_harmless
    assert Fault.STALL not in HARMLESS


def test_nothing_happens_to_the_streams_that_are_timed() -> None:
    plans = [plain(1, number) for number in range(20)]
    assert all(plan.is_harmless and plan.client is Client.READS for plan in plans)
    assert {plan.mode for plan in plans} == {"tool"}
