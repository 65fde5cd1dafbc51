from typing import Any

import pytest

from proxy.core.desk import FULL, SPENT, Desk
from proxy.core.hidden import Failed, Found, Job
from proxy.core.instructions import QUOTING
from proxy.core.kept import Findings, KeptJob
from proxy.core.passages import NO_RESULTS, Passage, PassageBook, Result
from proxy.core.scope import Scope
from proxy.core.search_tool import UNAVAILABLE, Search
from proxy.core.turn import ToolCall
from proxy.errors import RateLimited
from tests.core.samples import EXPLAINED, FENCE, TOOLS, call, note, quoted, result
from tests.support.lookup import Lookup
from tests.support.shelves import Shelves

LEAVE = Search("leave", 5).job
LEASE = Search("lease", 5).job
PASSAGE = Passage(1, result(), "Leave is 27 days.").render(FENCE)
SHOWN = quoted(PASSAGE)
REFERRED = note("This was searched before. It found [1], shown above.")
AGAIN = note("Also found, shown before: [1].")


def desk(max_searches: int = 8, scope: Scope | None = None, **said: Any) -> Desk:
    return Desk(
        TOOLS,
        scope=scope or Shelves(),
        book=PassageBook(10_000),
        fence=FENCE,
        max_searches=max_searches,
        query_limit=4_000,
        **said,
    )


def asks(query: str, id: str = "call_1", **arguments: Any) -> ToolCall:
    return call({"query": query, **arguments}, id=id)


def found(*results: Result) -> Found:
    return Found(results or (result(),))


def failed() -> Failed:
    return Failed(RateLimited("LightOn", "LightOn's quota is used up."), took_ms=7)


def run_round(at: Desk, *calls: ToolCall, outcome: Found | Failed | None = None) -> list[str]:
    """One round: every call taken, its searches run, the answers."""
    at.begin_round()
    for each in calls:
        at.take(each)
    at.record({job: outcome or found() for job in at.round_jobs()})
    return at.answers(calls)


def test_a_call_gets_its_search_and_then_its_passages() -> None:
    at = desk()
    made = asks("leave")
    at.begin_round()
    assert at.take(made) == LEAVE
    assert at.round_jobs() == (LEAVE,)
    at.record({LEAVE: found()})
    assert at.answers((made,)) == [SHOWN]


def test_a_call_that_is_taken_again_gets_the_same_search_once() -> None:
    at = desk()
    at.begin_round()
    assert [at.take(asks("leave")) for _ in range(3)] == [LEAVE] * 3
    assert at.round_jobs() == (LEAVE,)


def test_a_job_is_told_with_the_first_call_of_the_round_that_asks_for_it() -> None:
    at = desk()
    run_round(at, asks("lease", "0"), asks("leave", "1"), asks("leave", "2"))
    assert (at.call_of(LEASE), at.call_of(LEAVE)) == ("0", "1")
    at.begin_round()
    assert at.call_of(LEAVE) == ""


def test_the_searches_of_a_round_are_in_the_order_of_their_calls() -> None:
    at = desk()
    answers = run_round(at, asks("leave", "1"), asks("lease", "2"), outcome=found(result("x")))
    assert at.round_jobs() == (LEAVE, LEASE)
    assert answers == [SHOWN, AGAIN]


def test_a_call_that_cannot_be_read_is_corrected_without_a_search() -> None:
    at = desk()
    bad = call("{", id="1")
    at.begin_round()
    assert at.take(bad) is None
    assert at.round_jobs() == ()
    assert at.answers((bad,))[0].startswith("<note-0123456789>The arguments are not a JSON object")


def test_notes_come_after_the_passages() -> None:
    (answer,) = run_round(desk(), asks("leave", max_results=0, lang="fr"))
    explained, passage, ignored, clamped = answer.split("\n\n")
    assert (explained, passage) == (EXPLAINED, PASSAGE)
    assert ignored.startswith("<note-0123456789>Ignored arguments: lang.")
    assert clamped.startswith("<note-0123456789>max_results must be from 1 to 50")


def test_nothing_is_searched_when_there_is_no_room_for_what_it_would_find() -> None:
    at = desk()
    run_round(at, asks("leave"), outcome=found(result("a", "x" * 9_900)))
    more = asks("lease", "2")
    assert run_round(at, more) == [note(FULL)]
    assert at.round_jobs() == ()


def test_the_scope_limits_the_number_of_results() -> None:
    at = desk(scope=Shelves(most=3))
    at.begin_round()
    assert at.take(asks("leave", max_results=10)) == Search("leave", 3).job


@pytest.mark.parametrize("query", ["leave", " LEAVE ", "Leave"])
def test_the_same_query_in_a_round_is_searched_once(query: str) -> None:
    at = desk()
    calls = asks("leave", "1"), asks(query, "2"), asks(query, "3", max_results=2)
    assert run_round(at, *calls) == [SHOWN, REFERRED, REFERRED]
    assert [entry.get("query") for entry in at.trace] == ["leave"]


def test_the_same_query_in_a_later_round_is_answered_from_the_first_result() -> None:
    at = desk()
    run_round(at, asks("notice period"))
    at.begin_round()
    again = asks("Notice  PERIOD", max_results=5)
    assert at.take(again) is None
    assert at.round_jobs() == ()
    at.record({})
    assert at.answers((again,)) == [REFERRED]
    assert len(at.trace) == 1


def test_the_same_query_for_more_results_is_another_search() -> None:
    at = desk()
    run_round(at, asks("leave"))
    more = asks("leave", max_results=6)
    assert run_round(at, more) == [AGAIN]
    assert [entry.get("query") for entry in at.trace] == ["leave", "leave"]


def test_a_query_that_found_nothing_is_not_searched_again() -> None:
    at = desk()
    assert run_round(at, asks("leave"), outcome=Found()) == [note(NO_RESULTS)]
    assert run_round(at, asks("leave")) == [note(f"This was searched before. {NO_RESULTS}")]


def test_a_round_has_at_most_so_many_searches() -> None:
    at = desk(max_searches=2)
    calls = [asks(f"query {n}", str(n)) for n in range(4)]
    answers = run_round(at, *calls, asks("query 0", "again"))
    assert [job.asked[0] for job in at.round_jobs()] == ["query 0", "query 1"]
    refusal = note("Not run: at most 2 searches a round. Call lighton_search again.")
    assert answers[2:4] == [refusal, refusal]
    assert answers[4] == REFERRED
    assert run_round(at, asks("query 2")) == [AGAIN]


def test_a_call_that_was_refused_for_the_limit_stays_refused_in_its_round() -> None:
    at = desk(max_searches=1)
    at.begin_round()
    late = asks("lease", "2")
    assert at.take(asks("leave", "1")) == LEAVE
    assert at.take(late) is None
    assert at.take(late) is None
    assert at.round_jobs() == (LEAVE,)


def test_a_failed_search_tells_the_model_and_the_trace() -> None:
    at = desk()
    assert run_round(at, asks("leave", "1"), asks("leave", "2"), outcome=failed()) == [
        note(UNAVAILABLE),
        note(UNAVAILABLE),
    ]
    assert at.trace == [
        {
            "query": "leave",
            "took_ms": 7,
            "results": [],
            "warnings": [],
            "error": "LightOn's quota is used up.",
        }
    ]


def test_a_search_that_failed_may_be_tried_again() -> None:
    at = desk()
    run_round(at, asks("leave"), outcome=failed())
    assert run_round(at, asks("leave")) == [SHOWN]
    assert [("error" in entry) for entry in at.trace] == [True, False]


def test_what_a_search_brought_is_traced() -> None:
    at = desk()
    warning = {"code": "rerank_failed", "reason": "overloaded"}
    outcome = Found((result("a"), result("b", None), result("c")), (warning,), took_ms=12)
    at.record({LEAVE: outcome})
    (entry,) = at.trace
    assert entry.keys() == {"query", "took_ms", "results", "warnings"}
    assert (entry.get("query"), entry["took_ms"], entry["warnings"]) == ("leave", 12, [warning])
    assert [(each["passage"], each["chunk_id"]) for each in entry["results"]] == [
        (1, "a"),
        (2, "c"),
    ]


def test_passages_shown_before_are_traced_with_their_first_number() -> None:
    at = desk()
    at.record({LEAVE: found(result("a"), result("b")), LEASE: found(result("c"), result("b"))})
    assert [[each["passage"] for each in entry["results"]] for entry in at.trace] == [
        [1, 2],
        [2, 3],
    ]


def test_call_ids_of_an_earlier_round_may_come_again() -> None:
    at = desk()
    assert run_round(at, asks("leave", "1")) == [SHOWN]
    assert run_round(at, asks("lease", "1")) == [AGAIN]


def test_the_context_is_what_the_first_search_brought() -> None:
    at = desk()
    at.record_question([LEAVE], {LEAVE: found()})
    assert at.context([LEAVE]) == SHOWN
    at.begin_round()
    again = asks("leave")
    assert at.take(again) is None
    assert at.answers((again,)) == [REFERRED]


def test_the_context_of_a_search_that_failed_says_so() -> None:
    at = desk()
    at.record_question([LEAVE], {LEAVE: failed()})
    assert at.context([LEAVE]) == note(UNAVAILABLE)


def test_passages_are_followed_by_the_request_to_cite_also_where_a_call_refers_to_them() -> None:
    at = desk(before="Use them.", citing="Cite.")
    one, twin = run_round(at, asks("leave", "1"), asks("Leave", "2"))
    assert one == quoted(PASSAGE, citing="Cite.")
    assert twin == REFERRED
    at.record_question([LEASE], {LEASE: found(result("c2"))})
    before, *_, after = at.context([LEASE]).split("\n\n")
    assert (before, after) == (note(f"Use them. {QUOTING}"), note("Cite."))


def test_each_search_of_a_round_explains_the_marks_and_the_last_one_asks_to_cite() -> None:
    at = desk(citing="Cite.")
    calls = asks("leave", "1"), asks("lease", "2")
    at.begin_round()
    assert [at.take(each) for each in calls] == [LEAVE, LEASE]
    at.record({LEAVE: found(), LEASE: found(result("c2", "The lease ends."))})
    other = Passage(2, result("c2"), "The lease ends.").render(FENCE)
    assert at.answers(calls) == [quoted(PASSAGE), quoted(other, citing="Cite.")]


def test_passages_beside_ones_shown_before_are_explained_before_all_of_them() -> None:
    at = desk()
    run_round(at, asks("leave"))
    both = found(result(), result("c2", "The lease ends."))
    other = Passage(2, result("c2"), "The lease ends.").render(FENCE)
    assert run_round(at, asks("lease"), outcome=both) == [quoted(other, AGAIN)]


def test_the_marks_are_not_explained_where_nothing_is_quoted() -> None:
    at = desk(before="Use them.", citing="Cite.", nothing="Say so.")
    run_round(at, asks("leave"))
    silent = [
        *run_round(at, asks("LEAVE"), asks("lease", "2"), call("{", id="3")),
        *run_round(at, asks("nothing"), outcome=Found()),
        *run_round(at, asks("failing"), outcome=failed()),
    ]
    at.record_question([LEASE], {LEASE: found()})
    context = at.context([LEASE])
    assert silent[:2] == [REFERRED, f"{AGAIN}\n\n{note('Cite.')}"]
    assert context == f"{note('Use them.')}\n\n{AGAIN}\n\n{note('Cite.')}"
    assert QUOTING not in "".join((*silent, context))


def test_nothing_is_asked_of_a_model_that_is_shown_no_passage() -> None:
    at = desk(before="Use them.", citing="Cite.")
    assert run_round(at, asks("leave"), outcome=Found()) == [note("No results found.")]
    at.record_question([LEAVE], {LEAVE: Found()})
    assert at.context([LEAVE]) == note("No results found.")
    at.record_question([LEASE], {LEASE: failed()})
    assert at.context([LEASE]) == note(UNAVAILABLE)


def test_two_searches_for_one_question_are_one_list_by_rank_as_long_as_that_of_one() -> None:
    at = desk(before="Use them.", citing="Cite.")
    one = found(*(result(each, each) for each in ("a", "both", "c")))
    two = found(*(result(each, each) for each in ("A", "both", "C", "D")))
    at.record_question([LEAVE, LEASE], {LEAVE: one, LEASE: two})
    texts = [at.book.passages[n].result.chunk_id for n in sorted(at.book.passages)]
    assert texts == ["a", "A", "both", "c", "C"]
    assert [[each["chunk_id"] for each in entry["results"]] for entry in at.trace] == [
        ["a", "both", "c"],
        ["A", "both", "C"],
    ]
    shown = at.context([LEAVE, LEASE])
    assert shown.startswith(note(f"Use them. {QUOTING}"))
    assert shown.count("Use them.") == shown.count(QUOTING) == shown.count(note("Cite.")) == 1
    assert [each.job for each in at.findings().jobs] == [LEAVE, LEASE]


def test_what_has_no_text_takes_no_place_in_the_list_of_two_searches() -> None:
    at = desk()
    images = found(*(result(f"image {n}", None) for n in range(5)))
    texts = found(*(result(f"c{n}", "Text.") for n in range(5)))
    at.record_question([LEAVE, LEASE], {LEAVE: images, LEASE: texts})
    assert len(at.book.passages) == 5
    assert not at.has_passages(LEAVE)


def test_of_two_searches_for_one_question_the_one_that_ran_before_is_told_of() -> None:
    at = desk()
    at.record_question([LEAVE], {LEAVE: found()})
    at.context([LEAVE])
    at.record_question([LEAVE, LEASE], {LEASE: found(result("x", "New."))})
    shown = at.context([LEAVE, LEASE])
    assert Passage(2, result("x"), "New.").render(FENCE) in shown
    assert shown.endswith(AGAIN)
    assert len(at.trace) == 2


def test_what_one_request_found_another_one_recalls() -> None:
    first = desk()
    run_round(first, asks("leave"), asks("nothing", "2"))
    second = desk()
    assert second.recall(first.findings(), 16)
    second.begin_round()
    again = asks("LEAVE", "3")
    assert second.take(again) is None
    assert second.answers((again,)) == [REFERRED]
    assert second.has_found(LEAVE)
    assert not second.has_found(LEASE)
    assert second.trace == []
    assert second.findings() == Findings(last_number=1)


def test_findings_are_those_of_this_request_without_their_text() -> None:
    at = desk()
    run_round(at, asks("leave"), outcome=found(result("a"), result("b", "x" * 10_000)))
    findings = at.findings()
    assert [(each.n, each.text, each.result.content) for each in findings.passages] == [
        (1, "", None),
        (2, "", None),
    ]
    assert findings.jobs == (KeptJob(LEAVE, (1, 2)),)
    assert findings.last_number == 2


def test_a_search_that_failed_is_not_among_the_findings() -> None:
    at = desk()
    run_round(at, asks("leave"), outcome=failed())
    assert at.findings().jobs == ()


def test_a_recalled_search_that_brought_nothing_is_referred_to_as_such() -> None:
    at = desk()
    assert at.recall(Findings(jobs=(KeptJob(LEAVE),)), 0)
    at.begin_round()
    at.take(asks("leave"))
    assert at.answers((asks("leave"),)) == [note(f"This was searched before. {NO_RESULTS}")]


def test_a_search_whose_passages_cannot_keep_their_numbers_is_run_again() -> None:
    at = desk()
    run_round(at, asks("lease"), outcome=found(result("other")))
    first = desk()
    run_round(first, asks("leave"))
    assert not at.recall(first.findings(), 0)
    at.begin_round()
    assert at.take(asks("leave")) == LEAVE


def test_a_desk_lets_go_of_texts_once_they_have_been_shown() -> None:
    at = desk()
    run_round(at, asks("leave"), outcome=found(result("a", "Leave is 27 days.")))
    at.begin_round()
    run_round(at, asks("lease", "2"), outcome=found(result("b", "The lease ends.")))
    assert "27 days" not in repr(at)
    assert "The lease" not in repr(at)


def test_of_several_searches_for_the_same_words_the_first_that_suffices_counts() -> None:
    at = desk()
    run_round(at, asks("leave", max_results=5))
    run_round(at, asks("leave", max_results=10), asks("Leave", id="call_2", max_results=20))
    at.begin_round()
    for count, made in ((3, "a"), (8, "b"), (20, "c")):
        assert at.take(asks("LEAVE ", id=made, max_results=count)) is None
    assert at.take(asks("leave", id="d", max_results=21)) == Search("leave", 21).job
    assert at.take(asks("leave", id="e", max_results=15)) is None
    assert at.take(asks("other", id="f", max_results=1)) == Search("other", 1).job


def test_calls_are_repeated_if_all_ask_for_what_was_brought_before() -> None:
    at = desk()
    first = asks("leave")
    run_round(at, first)
    assert not at.is_repeated((first,))
    again, other, faulty = asks("Leave", "c2"), asks("lease", "c3"), call("{", id="c4")
    run_round(at, again)
    assert at.is_repeated((again,))
    run_round(at, again, faulty)
    assert not at.is_repeated((again, faulty))
    run_round(at, again, other)
    assert not at.is_repeated((again, other))


def test_a_search_that_failed_is_not_repeated_by_the_next() -> None:
    at = desk()
    run_round(at, asks("leave"), outcome=failed())
    again = asks("leave", "c2")
    run_round(at, again)
    assert not at.is_repeated((again,))


def searched_first(at: Desk, outcome: Found | Failed) -> str:
    at.record_question((LEAVE,), {LEAVE: outcome})
    return at.context((LEAVE,))


def test_what_is_said_of_finding_nothing_follows_a_first_search_that_found_none() -> None:
    at = desk(before="Before.", citing="Cite.", nothing="Say so.")
    assert searched_first(at, Found()) == f"{note(NO_RESULTS)}\n\n{note('Say so.')}"
    assert at.has_found_nothing


def test_it_is_said_once_after_all_the_answers_of_a_round() -> None:
    at = desk(nothing="Say so.")
    answers = run_round(at, asks("leave", "1"), asks("lease", "2"), outcome=Found())
    assert answers == [note(NO_RESULTS), f"{note(NO_RESULTS)}\n\n{note('Say so.')}"]


def test_it_is_not_said_beside_a_fault_alone() -> None:
    at = desk(nothing="Say so.")
    run_round(at, asks("leave"), outcome=Found())
    (answer,) = run_round(at, call("{}", id="2"))
    assert "Say so." not in answer


@pytest.mark.parametrize("outcome", [found(), failed()])
def test_it_is_not_said_where_something_was_found_or_a_search_failed(
    outcome: Found | Failed,
) -> None:
    at = desk(nothing="Say so.")
    assert "Say so." not in searched_first(at, outcome)
    (answer,) = run_round(at, asks("lease"), outcome=Found())
    assert "Say so." not in answer
    assert not at.has_found_nothing


def test_what_a_job_says_beside_its_results_is_not_nothing() -> None:
    at = desk(nothing="Say so.")
    (answer,) = run_round(at, asks("leave"), outcome=Found(notes=("It has 9 pages.",)))
    assert "Say so." not in answer
    assert not at.has_found_nothing


def test_an_empty_search_beside_a_failed_one_is_no_search() -> None:
    at = desk(nothing="Say so.")
    at.record_question((LEAVE, LEASE), {LEAVE: failed(), LEASE: Found()})
    assert at.context((LEAVE, LEASE)) == note(UNAVAILABLE)


def test_nothing_was_found_only_after_a_search() -> None:
    assert not desk().has_found_nothing


def test_a_result_that_finds_no_room_is_not_nothing() -> None:
    at = Desk(TOOLS, Shelves(), PassageBook(10), FENCE, max_searches=8, query_limit=99)
    at.record({LEAVE: found(result("a", "x" * 500))})
    assert not at.has_found_nothing


def test_a_search_that_an_earlier_answer_ran_in_vain_has_found_nothing() -> None:
    at = desk(nothing="Say so.")
    assert at.recall(Findings((), (KeptJob(LEAVE, ()),), 0), 0)
    assert not at.has_found_nothing
    assert "Say so." in run_round(at, asks("leave"))[0]
    assert at.has_found_nothing


def test_a_search_that_failed_now_does_not_count_as_the_empty_one_of_an_earlier_answer() -> None:
    at = desk()
    assert at.recall(Findings((), (KeptJob(LEAVE, ()),), 0), 0)
    at.record({LEAVE: failed()})
    assert not at.has_found_nothing


def test_an_answer_is_ungrounded_if_searches_failed_and_none_brought_a_passage() -> None:
    at = desk()
    assert not at.is_ungrounded
    run_round(at, asks("lease"), outcome=Found())
    assert not at.is_ungrounded
    at.record({LEAVE: failed()})
    assert at.is_ungrounded
    run_round(at, asks("holidays"), outcome=found())
    assert not at.is_ungrounded


def test_only_a_failure_that_may_end_an_answer_leaves_it_ungrounded() -> None:
    lookup = Lookup()
    at = Desk((*TOOLS, lookup), Shelves(), PassageBook(9), FENCE, max_searches=8, query_limit=9)
    at.record({Job(lookup.name, ("7",)): failed()})
    assert not at.is_ungrounded


def test_notes_of_a_job_stand_behind_its_passages_and_for_want_of_some() -> None:
    at = desk()
    told = "The document has 9 pages."
    with_passage = found()._replace(notes=(told,))
    assert run_round(at, asks("leave"), outcome=with_passage) == [f"{SHOWN}\n\n{note(told)}"]
    assert run_round(at, asks("lease"), outcome=Found(notes=(told,))) == [note(told)]
    again = note(f"This was searched before. {told}")
    assert run_round(at, asks("lease")) == [again]


def test_a_call_keeps_its_fault_although_there_is_room_for_it_now() -> None:
    at = desk(max_searches=1)
    at.begin_round()
    first, second = asks("leave", "1"), asks("lease", "2")
    at.take(first)
    assert at.take(second) is None
    at._max_searches = 2
    assert at.take(second) is None
    assert at.round_jobs() == (LEAVE,)


def test_the_words_for_the_operator_are_those_of_each_failure() -> None:
    at = desk()
    unreachable = Failed(RateLimited("LightOn", "Full.", cause="status_429"), took_ms=1)
    run_round(at, asks("leave"), outcome=unreachable)
    assert at.causes == ["status_429"]


def test_a_job_stands_in_the_report_under_the_name_of_its_tool() -> None:
    at = desk()
    run_round(at, asks("leave"))
    (name,) = (name for name, entries in at.report.items() if entries)
    assert at.report[name] == at.trace
    assert at.trace[0].get("query") == "leave"


def test_a_search_whose_results_found_no_room_in_an_earlier_answer_has_not_found_nothing() -> None:
    first = Desk(TOOLS, Shelves(), PassageBook(10), FENCE, max_searches=8, query_limit=99)
    first.record({LEAVE: found(result("a", "x" * 500))})
    findings = first.findings()
    assert findings.jobs == (KeptJob(LEAVE, (), left_out=1),)
    second = desk()
    assert second.recall(findings, 10_000)
    run_round(second, asks("leave"))
    assert not second.has_found_nothing


def test_notes_on_a_call_stand_also_where_an_earlier_search_answers_it() -> None:
    at = desk()
    run_round(at, asks("leave"))
    (answer,) = run_round(at, asks("leave", "2", lang="fr"))
    assert answer.startswith(REFERRED)
    assert "Ignored arguments: lang." in answer


def test_an_answer_runs_no_more_jobs_than_the_client_allows() -> None:
    at = desk(max_jobs=3)
    run_round(at, asks("leave", "1"), asks("lease", "2"))
    assert not at.is_spent
    answers = run_round(at, asks("rent", "1"), asks("notice", "2"), asks("leave", "3"))
    assert [job.asked[0] for job in at.round_jobs()] == ["rent"]
    assert answers[1] == note(SPENT)
    assert answers[2] == REFERRED
    assert at.is_spent
    assert run_round(at, asks("managers")) == [note(SPENT)]


def test_searches_before_the_first_round_count_too() -> None:
    at = desk(max_jobs=1)
    at.record_question((LEAVE,), {LEAVE: failed()})
    assert at.is_spent
    assert not desk().is_spent
