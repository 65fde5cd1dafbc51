"""From a number in the answer to the sentence that it rests on, in a real browser."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Browser, expect

from tests.page import handbook
from tests.page.asking import Asking
from tests.page.served import Scripted, served
from tests.support.script import Round, result, search_call


def cited(asking: Asking, answer: str, *contents: str, **source: Any) -> Asking:
    """An answer to a search that finds these passages, each of a document of its own."""
    found = [
        result(f"c{n}", content, title=f"Document {n}", file_id=n, **source)
        for n, content in enumerate(contents, 1)
    ]
    search = Round(calls=(search_call("q"),), finish_reason="tool_calls")
    asking.upstreams.tell([search, Round(answer)], found)
    return asking.answered("What is it?")


def test_a_number_opens_its_source_with_the_sentence_marked_in_the_passage(asking: Asking) -> None:
    asking.answered().marker().click()
    source = asking.source
    expect(source.get_by_role("heading", level=2)).to_have_text("Source 1Employee handbook")
    expect(source.locator("mark")).to_have_text(handbook.NOTICE)
    expect(source.locator(".passage-text")).to_contain_text("in writing")
    expect(source).to_contain_text("page 12")
    expect(source).to_contain_text("Says it in other words")
    link = source.get_by_role("link")
    expect(link).to_have_attribute("href", handbook.address("employee-handbook"))
    expect(link).to_have_attribute("rel", "noopener noreferrer")


def test_every_number_of_a_source_shows_which_is_open(asking: Asking) -> None:
    asking.answered().marker().click()
    expect(asking.page.locator(".turn [aria-current]")).to_have_count(5)
    asking.page.get_by_role("list", name="Sources").get_by_role("button").nth(1).click()
    expect(asking.source.get_by_role("heading", level=2)).to_have_text("Source 2Leave and absence")
    expect(asking.page.locator(".turn [aria-current]")).to_have_count(3)


def test_a_quote_is_found_across_the_signs_of_markdown(asking: Asking) -> None:
    passage = "Intro here.\n\nThe **rent** is [500 euros](https://a.example/x) a\nmonth. It rises."
    cited(asking, "The rent is 500 euros a month. [1]", passage).marker().click()
    marks = asking.source.locator("mark").all_inner_texts()
    assert " ".join("".join(marks).split()) == "The rent is 500 euros a month."


def test_figures_that_no_source_holds_are_named(asking: Asking) -> None:
    passage = "The rent of the flat is 500 euros a month."
    cited(asking, "The rent of the flat is 900 euros a month. [1]", passage).marker().click()
    expect(asking.source.locator(".warning")).to_have_text(re.compile("In no source: 900"))
    expect(asking.source).to_contain_text("Bears it out in part")


def test_a_source_without_an_address_of_the_web_is_named_and_no_link(asking: Asking) -> None:
    cited(asking, "The sky is blue. [1]", "The sky is blue.").marker().click()
    expect(asking.source.locator(".address")).to_have_text("lighton://file/1")
    expect(asking.source.get_by_role("link")).to_have_count(0)


def test_a_number_of_a_passage_opens_that_passage(browser: Browser, upstreams: Scripted) -> None:
    with served(upstreams, citation_numbers="passage") as url:
        page = browser.new_page()
        page.goto(url)
        search = Round(calls=(search_call("q"),), finish_reason="tool_calls")
        upstreams.tell([search, Round("Up to five days are paid out. [3]")], handbook.passages())
        asking = Asking(page, upstreams).answered()
        asking.marker().click()
        expect(asking.source.get_by_role("heading", level=2)).to_have_text("Source 3Payroll FAQ")
        expect(asking.source.locator(".passage-text")).to_contain_text("an average working day")
        page.close()


def test_numbers_in_code_and_of_no_source_stay_text(asking: Asking) -> None:
    answer = "Use `a[1]`. The sky is blue. [1]\n\n```py\nx = [1]\n```"
    prose = cited(asking, answer, "The sky is blue.").answer
    expect(prose.locator("button.marker")).to_have_count(1)
    expect(prose.locator("pre")).to_have_text("x = [1]")


def test_an_answer_that_rests_on_nothing_has_no_sources(asking: Asking) -> None:
    asking.upstreams.tell([Round("Hello [1] there.")])
    asking.answered("Hello")
    expect(asking.answer).to_have_text("Hello [1] there.")
    expect(asking.page.locator(".cards")).to_have_count(0)


def test_the_waterfall_has_a_bar_for_each_round_and_search(asking: Asking) -> None:
    asking.answered()
    summary = asking.page.locator(".origin summary")
    expect(summary).to_contain_text("2 rounds · 1 search · 30 tokens")
    summary.click()
    labels = asking.page.locator(".span-label")
    expect(labels.filter(has_text="Model, round")).not_to_have_count(
        0
    )  # of a round that took any time
    expect(labels.filter(has_text=f"Search: {handbook.QUERY}")).to_have_count(1)
    expect(labels.filter(has_text="First word")).to_have_count(1)


def timeline(asking: Asking, answer: dict[str, Any]) -> Any:
    """What the page makes of an answer with these times."""
    script = "async (answer) => (await import('/page/timeline.js')).timeline(answer)"
    return asking.page.evaluate(script, answer)


def test_a_search_of_the_model_stands_between_its_rounds(asking: Asking) -> None:
    report = {
        "searches": [{"query": "q", "took_ms": 200}],
        "timings": {
            "queue_ms": 50,
            "rounds": [{"ms": 350, "first_token_ms": 200}, {"ms": 400, "first_token_ms": 90}],
            "searches_ms": 200,
            "first_token_ms": 640,
            "total_ms": 950,
        },
    }
    seen = [{"text": "Searching: q", "start": 345, "end": 546}]
    told = timeline(asking, {"report": report, "searches": seen, "ended": 960, "firstToken": 650})
    spans = [(each["kind"], each["start"], each["ms"]) for each in told["spans"]]
    assert spans == [
        ("queue", 0, 50),
        ("round", 50, 300),
        ("search", 345, 200),
        ("round", 550, 400),
    ]
    assert (told["first"], told["total"]) == (640, 950)


def test_a_search_that_comes_first_stands_before_the_round(asking: Asking) -> None:
    report = {
        "searches": [{"query": "q", "took_ms": 200}],
        "timings": {
            "queue_ms": 0,
            "rounds": [{"ms": 400, "first_token_ms": 90}],
            "searches_ms": 200,
            "first_token_ms": 300,
            "total_ms": 610,
        },
    }
    seen = [{"text": "Searching: q", "start": 5, "end": 206}]
    told = timeline(asking, {"report": report, "searches": seen, "ended": 620, "firstToken": 310})
    spans = [(each["kind"], each["start"], each["ms"]) for each in told["spans"]]
    assert spans == [("search", 5, 200), ("round", 210, 400)]


def test_without_times_of_the_proxy_the_model_takes_what_searches_leave(asking: Asking) -> None:
    seen = [{"text": "Searching: q", "start": 100, "end": 300}]
    told = timeline(asking, {"report": None, "searches": seen, "ended": 900, "firstToken": 350})
    spans = [(each["kind"], each["start"], each["ms"]) for each in told["spans"]]
    assert spans == [("round", 0, 100), ("search", 100, 200), ("round", 300, 600)]
