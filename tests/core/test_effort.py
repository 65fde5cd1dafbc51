from proxy.core.effort import Effort


def test_the_report_says_how_often_something_was_tried_again() -> None:
    assert Effort(causes=["status_429", "refused"]).report == {"retries": 2}


def test_the_report_of_an_answer_without_retries_says_nothing() -> None:
    assert Effort().report == {}


def test_all_waits_count_but_only_those_for_the_first_round_hold_the_reply_back() -> None:
    effort = Effort()
    assert effort.before_first_s(9.0) == 0
    effort.queue(10.0, is_first=True)
    assert effort.before_first_s(12.5) == 2.5
    effort.leave_queue(13.0)
    effort.leave_queue(99.0)
    assert (effort.queued_s, effort.before_first_s(20.0)) == (3, 3)
    effort.queue(20.0, is_first=True)  # another attempt
    assert effort.before_first_s(21.0) == 4
    effort.leave_queue(21.0)
    effort.queue(30.0, is_first=False)
    assert effort.before_first_s(35.0) == 4
    effort.leave_queue(35.0)
    assert (effort.queued_s, effort.before_first_s(40.0)) == (9, 4)
    assert effort.report == {"queued_ms": 9_000}


def test_a_wait_too_short_to_tell_is_not_told() -> None:
    assert Effort(queued_s=0.0004).report == {}
