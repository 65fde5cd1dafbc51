from proxy.core.effort import Effort


def test_the_report_says_how_often_something_was_tried_again() -> None:
    assert Effort(causes=["status_429", "refused"]).report == {"retries": 2}


def test_the_report_of_an_answer_without_retries_says_nothing() -> None:
    assert Effort().report == {}
