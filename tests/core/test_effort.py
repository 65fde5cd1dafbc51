from math import inf

from proxy.core.effort import Effort


def test_an_answer_begins_with_all_the_time_there_is_and_a_timeline_of_its_own() -> None:
    one, another = Effort(), Effort()
    assert (one.until, one.searches_until, one.has_heard) == (inf, inf, False)
    one.timeline.wait(1.0, is_first=True)
    assert another.timeline.waits == []
