"""Asking on the page, in a real browser: what is sent, what streams, and what is said of faults."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.page import handbook
from tests.page.asking import Asking
from tests.page.conftest import PATIENCE_MS, Open
from tests.page.served import KEY, Scripted, served
from tests.support.script import Round, search_call

_COUNT_FRAMES = """() => {
  const ask = window.requestAnimationFrame;
  window.frames_wanted = 0;
  window.requestAnimationFrame = (draw) => { window.frames_wanted++; return ask(draw); };
}"""


def test_an_answer_is_markdown_with_its_sources(asking: Asking) -> None:
    answer = asking.answered().answer
    expect(answer.locator("strong")).to_have_text("three months' notice")
    expect(answer.locator("li")).to_have_count(2)
    expect(answer.locator("tbody tr")).to_have_count(2)
    expect(answer.get_by_role("button", name="Source 1: Employee handbook")).to_have_count(4)
    cards = asking.page.get_by_role("list", name="Sources").get_by_role("button")
    expect(cards).to_have_text(
        [
            "Source 1Employee handbookpage 12",
            "Source 2Leave and absencepage 4",
            "Source 3Payroll FAQpage 2",
        ]
    )


def test_words_show_before_the_answer_is_over(asking: Asking) -> None:
    asking.upstreams.tell([Round("One two three four.")])
    asking.upstreams.holds_at = "four"
    asking.ask()
    expect(asking.answer).to_contain_text("One two three")
    expect(asking.page.get_by_role("button", name="Stop")).to_be_visible()


def test_searches_show_while_they_run_and_their_numbers_work_at_once(asking: Asking) -> None:
    rounds = [
        Round(calls=(search_call(handbook.QUERY),), finish_reason="tool_calls"),
        Round("It is three months. [1] And then some more words. And more."),
    ]
    asking.upstreams.tell(rounds, handbook.passages())
    asking.upstreams.holds_at = "more."
    asking.ask()
    expect(asking.answer).to_contain_text("And")
    news = asking.page.locator("#news")
    expect(news).to_contain_text(f"Searching: {handbook.QUERY}")
    expect(news).to_contain_text("Found 3 passages.")
    asking.marker().click()
    expect(asking.source).to_contain_text("two weeks")


def test_a_follow_up_sends_the_conversation(asking: Asking) -> None:
    asking.upstreams.tell([Round("Thirty days."), Round("Yes.")])
    asking.answered("How much leave?").answered("Every year?")
    said = [(each["role"], each["content"]) for each in asking.sent["messages"][-3:]]
    assert said == [
        ("user", "How much leave?"),
        ("assistant", "Thirty days."),
        ("user", "Every year?"),
    ]
    asking.page.get_by_role("button", name="New conversation").click()
    expect(asking.page.get_by_role("heading", name="Ask your documents")).to_be_visible()
    asking.upstreams.tell([Round("Hello.")])
    asking.answered("Hello?")
    assert "Every year?" not in str(asking.sent)


def test_model_mode_and_workspaces_are_what_was_picked(asking: Asking) -> None:
    page = asking.page
    page.get_by_label("Model or profile").select_option("handbook")
    page.get_by_label("When to search").select_option("context")
    page.get_by_role("button", name="All workspaces").click()
    page.get_by_label("Numbers of workspaces").fill("42, 43")
    page.keyboard.press("Escape")
    assert asking.focused == "scope"
    expect(page.get_by_role("button", name="2 workspaces")).to_be_visible()
    asking.upstreams.tell([Round("Yes. [1]")], handbook.passages())
    asking.answered()
    assert asking.sent["model"] == "llama"
    assert "Be brief." in asking.sent["messages"][0]["content"]
    assert asking.upstreams.searched[-1]["workspace_id"] == [42, 43]


def test_workspaces_that_the_proxy_lists_are_picked_by_name(
    browser: Browser, upstreams: Scripted
) -> None:
    upstreams.workspaces = [
        {"id": 7, "name": "People <b>and</b> culture", "files_count": 12},
        {"id": 8, "name": "Sales", "files_count": 1},
        *({"id": n, "name": f"Team {n}", "files_count": 0} for n in range(100, 130)),
    ]
    with served(upstreams) as url:
        page = browser.new_page()
        page.goto(url)
        page.get_by_role("button", name="All workspaces").click()
        listed = page.get_by_role("group", name="Search only in")
        expect(listed).to_contain_text("People <b>and</b> culture12 filesSales1 fileTeam 100")
        expect(listed.get_by_role("checkbox")).to_have_count(32)
        page.get_by_label("Sales").check()
        expect(page.get_by_role("button", name="Sales")).to_be_visible()
        Asking(page, upstreams).answered()
        page.close()
    assert upstreams.searched[-1]["workspace_id"] == [8]


def test_an_error_is_told_in_the_proxys_words_and_can_be_tried_again(asking: Asking) -> None:
    asking.upstreams.status = 500
    asking.answered()
    expect(asking.notice).to_contain_text("Scaleway")
    expect(asking.notice).to_contain_text("req_")
    asking.upstreams.status = 200
    asking.page.get_by_role("button", name="Ask again").click()
    asking.ended()
    expect(asking.answer).to_contain_text("three months")
    expect(asking.page.locator(".turn")).to_have_count(1)


def test_an_error_inside_a_stream_keeps_what_was_said(asking: Asking) -> None:
    asking.upstreams.tell([Round("One two.", finish_reason="error")])
    asking.answered()
    expect(asking.answer).to_have_text("One two.")
    expect(asking.notice).to_contain_text("Scaleway")


def test_a_proxy_that_is_gone_is_told(asking: Asking) -> None:
    asking.page.route("**/chat/completions", lambda route: route.abort())
    asking.answered()
    expect(asking.notice).to_contain_text("The proxy cannot be reached.")


def test_stop_ends_the_answer_and_the_models_work(asking: Asking) -> None:
    asking.upstreams.tell([Round("One two three four.")])
    asking.upstreams.holds_at = "four"
    asking.ask()
    expect(asking.answer).to_contain_text("One two")
    asking.page.get_by_role("button", name="Stop").click()
    expect(asking.notice).to_have_text("You stopped this answer.")
    assert asking.upstreams.let_go.wait(PATIENCE_MS / 1_000)
    assert asking.focused == "question"


def test_a_key_is_asked_for_and_sent_and_kept_nowhere(open_page: Open, locked_url: str) -> None:
    asking = open_page(locked_url)
    page = asking.page
    page.get_by_label("Client key").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#key-why")).to_contain_text("key")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_label("Client key").fill(KEY)
    page.get_by_role("button", name="Use this key").click()
    expect(page.get_by_label("Model or profile").locator("option")).to_have_count(4)
    asking.answered()
    expect(asking.answer).to_contain_text("three months")
    kept = page.evaluate(
        "() => JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
    )
    assert kept == '[{},{},""]'
    assert KEY not in page.content()
    page.reload()
    expect(page.get_by_role("dialog")).to_be_visible()


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        ("clé-of-mine", "Keys have no “é” in them. Copy yours again."),
        ("a key", "Keys have no spaces or invisible characters in them. Copy yours again."),
    ],
)
def test_a_key_that_no_header_can_hold_is_refused_in_words(
    open_page: Open, locked_url: str, key: str, fault: str
) -> None:
    page = open_page(locked_url).page
    field = page.get_by_label("Client key")
    field.fill(key)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text(fault)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value(key)
    field.fill(f" {KEY} ")
    expect(page.locator("#key-fault")).to_be_empty()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_label("Model or profile").locator("option")).to_have_count(4)
    page.get_by_role("button", name="Key").click()
    expect(page.locator("#key-why")).to_contain_text("A key is in use.")


def test_a_long_wait_says_what_for_and_how_long(open_page: Open) -> None:
    asking = open_page()
    asking.page.clock.install()
    search = handbook.rounds()[0]
    asking.upstreams.tell([search, Round("It takes long.")], handbook.passages())
    asking.upstreams.holds_at = "It"
    asking.ask()
    progress = asking.page.locator(".progress")
    expect(progress).to_have_text("Found 3 passages. Waiting for the model")
    asking.page.clock.run_for(12_000)
    expect(progress).to_have_text("Found 3 passages. Waiting for the model12 s")
    asking.page.keyboard.press("Escape")
    asking.page.get_by_role("button", name="Ask again").wait_for()
    asking.page.evaluate(_COUNT_FRAMES)
    asking.page.clock.run_for(12_000)
    assert asking.page.evaluate("window.frames_wanted") == 0, "an answer that has ended is drawn on"


def test_the_first_line_of_a_table_is_not_shown_as_text(asking: Asking) -> None:
    script = """async (pieces) => {
      const { Answer } = await import("/page/answer.js");
      const { Turn } = await import("/page/turn.js");
      const [turn, answer] = [new Turn("", {}), new Answer(0)];
      return pieces.map((content) => {
        answer.hear({ choices: [{ delta: { content } }] }, 0);
        turn.draw(answer);
        return turn.prose.textContent;
      });
    }"""
    seen = asking.page.evaluate(script, ["Rows:\n\n", "| a | b |\n", "|---|---|\n"])
    assert seen == ["Rows:", "Rows:", "Rows:ab"]


def test_a_table_shows_once_it_is_one(asking: Asking) -> None:
    text = "Two rows:\n\n| a | b |\n|---|---|\n| 1 | 2 |"
    script = """async (text) => {
      const { withoutHalfTable } = await import("/page/markdown.js");
      return [...text].map((_, end) => withoutHalfTable(text.slice(0, end + 1)));
    }"""
    seen = asking.page.evaluate(script, text)
    begins = text.index("|---|-") + len("|---|-")
    assert [shown for shown in seen[: begins - 1] if "|" in shown] == []
    assert seen[begins - 1 :] == [text[: end + 1] for end in range(begins - 1, len(text))]


def test_tasks_say_whether_they_are_done(asking: Asking) -> None:
    asking.upstreams.tell([Round("- [ ] Sign it\n- [x] Read it\n- [y] Not a task")])
    asking.ask()
    expect(asking.answer.locator("li")).to_have_text(["☐ Sign it", "☑ Read it", "[y] Not a task"])


def test_a_link_can_bring_a_question(open_page: Open) -> None:
    asking = open_page(fragment="#q=How%20long%3F")
    expect(asking.page.get_by_label("Your question")).to_have_value("How long?")
    expect(asking.page.locator(".turn")).to_have_count(0)


def test_a_link_brings_a_question_to_a_page_that_is_open(asking: Asking) -> None:
    field = asking.page.get_by_label("Your question")
    field.fill("mine")
    asking.page.evaluate("location.hash = 'question'")  # as the link for keyboards does
    expect(field).to_have_value("mine")
    asking.page.evaluate("location.hash = 'q=How%20long%3F'")
    expect(field).to_have_value("How long?")
