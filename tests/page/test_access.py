"""The page for everybody: by keyboard alone, on a phone, in both themes, for screen readers."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import expect

from tests.page.asking import Asking
from tests.page.conftest import Open
from tests.support.script import Round, result, search_call

AXE: Final = Path(__file__).parents[1] / "e2e" / "node" / "node_modules" / "axe-core" / "axe.min.js"
WIDE: Final = {"width": 1280, "height": 800}
PHONE: Final = {"width": 375, "height": 700}
_RUN: Final = """async () => (await axe.run()).violations.map(({id, impact, nodes}) =>
  [impact, id, nodes.map((each) => each.failureSummary + " " + each.html)])"""


def barriers(asking: Asking) -> list[Any]:
    """What axe-core finds on the page as it is now."""
    if not AXE.exists():
        pytest.skip("needs axe-core: npm ci --prefix tests/e2e/node")
    asking.page.evaluate(AXE.read_text(encoding="utf-8"))
    return list(asking.page.evaluate(_RUN))


@pytest.mark.parametrize(("theme", "size"), [("light", WIDE), ("dark", WIDE), ("light", PHONE)])
def test_axe_finds_nothing(open_page: Open, theme: str, size: dict[str, int]) -> None:
    """Not even a minor thing, on an empty page, with an answer and a source, and in dialogs."""
    options = {"color_scheme": theme, "viewport": size, "reduced_motion": "reduce"}
    asking = open_page(bypass_csp=True, **options)  # axe makes elements as the policy forbids it
    assert barriers(asking) == []
    asking.answered()
    asking.page.locator(".origin summary").click()
    assert barriers(asking) == []
    asking.marker().click()
    assert barriers(asking) == []
    asking.page.keyboard.press("Escape")
    asking.page.get_by_role("button", name="All workspaces").click()
    assert barriers(asking) == []
    asking.page.keyboard.press("Escape")
    asking.page.get_by_role("button", name="As code").click()
    assert barriers(asking) == []
    asking.page.keyboard.press("Escape")
    asking.upstreams.status = 500
    asking.answered()
    asking.page.get_by_role("button", name="Key").click()
    asking.page.get_by_label("Client key").fill("a key")
    asking.page.keyboard.press("Enter")
    assert barriers(asking) == []


def test_all_works_by_keyboard_alone(asking: Asking) -> None:
    keyboard = asking.page.keyboard
    assert asking.focused == "question"
    keyboard.type("First line")
    keyboard.press("Shift+Enter")
    keyboard.type("second")
    keyboard.press("Enter")
    asking.ended()
    assert asking.sent["messages"][-1]["role"] == "tool"
    keyboard.press("Shift+Tab")
    asking.marker().focus()
    keyboard.press("Enter")
    assert asking.focused == "source-title"
    keyboard.press("Tab")
    assert asking.focused == "Close source"
    keyboard.press("Escape")
    expect(asking.source).to_be_hidden()
    assert asking.focused == "Source 1: Employee handbook"
    keyboard.press("/")
    assert asking.focused == "question"
    keyboard.type("a/b")
    expect(asking.page.get_by_label("Your question")).to_have_value("a/b")


def test_every_control_is_reached_by_tab_and_shows_it(asking: Asking) -> None:
    asking.answered()
    asking.page.locator(".skip").focus()
    reached = []
    for _ in range(40):
        asking.page.keyboard.press("Tab")
        if asking.page.evaluate("() => document.activeElement === document.body"):
            break
        reached.append(asking.focused)
        outline = "() => getComputedStyle(document.activeElement).outlineStyle"
        is_field = asking.focused == "question"  # its frame shows it
        assert asking.page.evaluate(outline) == ("none" if is_field else "solid")
    controls = {"anew", "key", "theme", "scroller", "question", "model", "mode", "scope", "send"}
    assert controls <= set(reached)
    assert {"Source 1: Employee handbook", "Copy answer", "As code"} <= set(reached)


def test_escape_stops_an_answer(asking: Asking) -> None:
    asking.upstreams.tell([Round("One two three four.")])
    asking.upstreams.holds_at = "four"
    asking.ask()
    expect(asking.answer).to_contain_text("One two")
    asking.page.keyboard.press("Escape")
    expect(asking.notice).to_have_text("You stopped this answer.")


def test_nothing_is_wider_than_a_phone(open_page: Open) -> None:
    asking = open_page(viewport=PHONE, has_touch=True)
    wide = f"# Title\n\n```\n{'x' * 300}\n```\n\n{'y' * 300}\n\n| {'z' * 200} | b |\n|---|---|\n"
    asking.upstreams.tell([Round(wide)])
    asking.answered()
    search = Round(calls=(search_call(f"{'q' * 150}"),), finish_reason="tool_calls")
    found = [result("c", "It is so.", title="Long title " * 20)]
    asking.upstreams.tell([search, Round("It is so. [1]")], found)
    asking.answered()
    asking.page.locator(".origin summary").last.click()
    sides = """() => [...document.querySelectorAll("main *")]
      .filter((each) => !each.closest("pre, .table, .unseen, .bar-of, svg, .send span, label span"))
      .filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
      .map((each) => each.className || each.tagName)"""
    assert asking.page.evaluate(sides) == []
    asking.marker().click()
    box = asking.source.bounding_box()
    assert box is not None
    assert (box["x"], box["width"]) == (0, PHONE["width"])
    asking.page.get_by_role("button", name="Close source").click()
    expect(asking.source).to_be_hidden()


def test_controls_are_large_enough_for_a_finger(open_page: Open) -> None:
    asking = open_page(viewport=PHONE, has_touch=True)
    asking.answered()
    small = """() => [...document.querySelectorAll("button, select, summary")]
      .filter((each) => each.checkVisibility() && !each.matches(".marker"))
      .filter((each) => each.getBoundingClientRect().height < 24)
      .map((each) => each.textContent)"""
    assert asking.page.evaluate(small) == []


def test_the_theme_follows_the_system_until_one_is_chosen(open_page: Open) -> None:
    asking = open_page(color_scheme="dark")
    ground = "() => getComputedStyle(document.body).backgroundColor"
    dark = asking.page.evaluate(ground)
    button = asking.page.get_by_role("button", name="Dark theme")
    expect(button).to_have_attribute("aria-pressed", "true")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    assert asking.page.evaluate(ground) != dark
    asking.page.reload()
    assert asking.page.evaluate(ground) != dark


def test_a_screen_reader_hears_each_sentence_once(asking: Asking) -> None:
    text = "It is three months. It may be **longer**!\n\n- One thing\n- Another thing"
    asking.upstreams.tell([Round(text)])
    asking.answered("How long?")
    news = asking.page.locator("#news")
    heard = " ".join(news.inner_text().split())
    said = "It is three months. It may be longer! One thing Another thing The answer is complete."
    assert heard == said
    expect(news).to_have_attribute("aria-live", "polite")


def test_a_text_that_grows_is_said_in_whole_sentences_and_none_twice(asking: Asking) -> None:
    script = """async (text) => {
      const { Speech } = await import("/page/speech.js");
      const speech = new Speech(document.createElement("div"));
      speech.begin();
      for (let end = 1; end <= text.length; end++) speech.follow(text.slice(0, end));
      speech.follow(text, true);
      return [...speech.region.children].map((each) => each.textContent);
    }"""
    text = "It is 3.5 months. [1] Really!\n\n- One thing\n- Another"
    assert asking.page.evaluate(script, text) == [
        "It is 3.5 months.",
        ", source 1 Really!",
        "One thing",
        "Another",
    ]
