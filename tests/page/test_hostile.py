"""Whatever a model or a document writes, the page shows it, runs nothing and loads nothing."""

from __future__ import annotations

import json
import random
from typing import Any, Final

import pytest
from playwright.sync_api import Locator, Request, expect

from tests.page.asking import Asking
from tests.support.script import Round, result, search_call

HOSTILE: Final = (
    "<script>hit('script')</script>",
    "<img src=x onerror=hit('onerror')>",
    "<img src=https://evil.example/a.png>",
    "![](https://evil.example/pixel.png)",
    '![x](x" onerror="hit(1))',
    "<svg onload=hit('svg')><script>hit(1)</script></svg>",
    "<iframe srcdoc='<script>parent.hit(1)</script>'></iframe>",
    "<iframe src=\"javascript:parent.hit('iframe')\"></iframe>",
    "[click](javascript:hit('link'))",
    "[click](JaVaScRiPt:hit('link'))",
    "[click](java\nscript:hit('link'))",
    "[click](\x01javascript:hit('link'))",
    "[click](  javascript:hit('link'))",
    "[click](&#106;avascript:hit('link'))",
    "[click](data:text/html,<script>hit(1)</script>)",
    "[click](vbscript:hit(1))",
    "[click](//evil.example)",
    "[click](https://ok.example/\"onclick=\"hit('quote'))",
    "[click](<javascript:hit(1)>)",
    "<javascript:hit(1)>",
    "<a href=javascript:hit(1)>click</a>",
    "[![x](javascript:hit(1))](javascript:hit(2))",
    "[a][1]\n\n[1]: javascript:hit(1)",
    "```html\n<script>hit('fence')</script>\n```",
    '```"><img src=x onerror=hit(1)>\nx\n```',
    "`<img src=x onerror=hit(1)>`",
    "| <script>hit(1)</script> | [x](javascript:hit(2)) |\n|---|---|\n| <img onerror=hit(1)> | y |",
    "<style>*{background:url(https://evil.example/css)}</style>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<base href=https://evil.example/>",
    "<form action=https://evil.example><button>Go</button></form>",
    "<details open ontoggle=hit('toggle')>",
    "<math><mi xlink:href=javascript:hit(1)>x</mi></math>",
    "{{constructor.constructor('hit(1)')()}}",
    "__proto__ constructor toString [__proto__](https://ok.example)",
    "&lt;script&gt;hit(1)&lt;/script&gt;",
)
_HIT: Final = "() => { globalThis.hits = []; globalThis.hit = (what) => { hits.push(what); }; }"
_HTML: Final = (
    "script, img, svg, iframe, object, embed, form, style, link, meta, base, math, details"
)
_ADDRESSES: Final = "(all) => all.map((each) => each.href)"
_HANDLERS: Final = """(root) => [...root.querySelectorAll("*")].flatMap((each) =>
  [...each.attributes].filter(({name}) => name.startsWith("on")))
  .map(({name}) => name)"""


def shown_unharmed(asking: Asking, place: Locator) -> None:
    """Nothing in this place runs, loads or leads anywhere but to the web."""
    assert place.locator(_HTML).count() == 0
    assert place.evaluate(_HANDLERS) == []
    addresses = place.locator("a").evaluate_all(_ADDRESSES)
    assert [each for each in addresses if not each.startswith(("http://", "https://"))] == []
    assert asking.page.evaluate("() => globalThis.hits") == []


def told(asking: Asking, answer: str, passage: str) -> Asking:
    """An answer with a source; it may link wherever it wants. Says which hosts were asked."""
    asking.page.evaluate(_HIT)
    found = [result("c", passage, title=f"<b>{passage[:80]}", file_id=1)]
    search = Round(calls=(search_call(passage[:80]),), finish_reason="tool_calls")
    asking.upstreams.tell([search, Round(answer)], found)
    return asking.answered(f"<img src=x onerror=hit(1)> {passage}")


@pytest.fixture(name="hosts")
def _hosts(asking: Asking) -> list[str]:
    """What the page asked of other hosts than the proxy's."""
    asked: list[str] = []

    def note(request: Request) -> None:
        if not request.url.startswith("http://127.0.0.1:"):
            asked.append(request.url)

    asking.page.on("request", note)
    return asked


def test_an_answer_that_attacks_is_text(asking: Asking, hosts: list[str]) -> None:
    told(asking, "\n\n".join(HOSTILE) + "\n\nSaid. [1]", "Said.")
    shown_unharmed(asking, asking.page.locator(".turns .prose").last)
    expect(asking.answer).to_contain_text("hit('fence')")
    for link in asking.answer.get_by_text("click", exact=True).all():
        assert link.evaluate("(at) => at.closest('a')?.protocol ?? 'https:'") == "https:"
    assert hosts == []


def test_a_passage_that_attacks_is_text(asking: Asking, hosts: list[str]) -> None:
    told(asking, "Said. [1]", "Said.\n\n" + "\n\n".join(HOSTILE))
    asking.marker().click()
    expect(asking.source.locator("mark")).to_have_text("Said.")
    shown_unharmed(asking, asking.source.locator(".source-body"))
    assert hosts == []


def test_what_else_the_proxy_passes_on_is_text(asking: Asking, hosts: list[str]) -> None:
    """The page trusts no field: each holds an attack."""
    asking.page.evaluate(_HIT)
    attack = "javascript:hit(1)//<img src=x onerror=hit(1)>"
    source = {"source": {"url": attack, "name": attack}, "document": [attack], "metadata": [{}]}
    passage = {"quote": f"{attack} that is nowhere", "support": attack, "figures_missing": [attack]}
    citation = {"n": 1, "url": attack, "title": attack, "passages": [passage]}
    chunks: list[dict[str, Any]] = [
        {"model": attack, "event": {"type": "status", "data": {"description": attack}}},
        {"event": {"type": "source", "data": source}},
        {"choices": [{"delta": {"content": "Yes. [1]", "reasoning_content": attack}}]},
        {"lighton": {"searches": [{"query": attack, "took_ms": 1}], "citations": [citation]}},
    ]
    answers(asking, *chunks, "[DONE]")
    asking.answered("?")
    asking.page.locator(".origin summary").click()
    asking.marker().click()
    for area in ("#source .source-body", "#turns .answer > .prose", "#turns .cards", ".origin"):
        shown_unharmed(asking, asking.page.locator(area))
    answers(asking, *chunks, {"error": {"message": attack, "code": attack}})
    asking.answered("?")
    expect(asking.notice).to_contain_text("javascript:hit(1)")
    shown_unharmed(asking, asking.notice)
    assert hosts == []


def answers(asking: Asking, *chunks: object) -> None:
    """Let the page hear these instead of what the proxy says."""
    texts = [each if isinstance(each, str) else json.dumps(each) for each in chunks]
    body = "".join(f"data: {text}\n\n" for text in texts)
    headers = {"content-type": "text/event-stream"}
    asking.page.unroute_all()
    asking.page.route(
        "**/chat/completions", lambda route: route.fulfill(body=body, headers=headers)
    )


PIECES: Final = (
    *("*", "**", "_", "~~", "`", "```\n", "[", "]", "(", ")", "![", "](", "<", ">", "\n", "\n\n"),
    *("- ", "1. ", "> ", "# ", "|", "|---|", "    ", "\\", "&amp;", "https://a.example/(", "[1]"),
    *("word", " ", "é", "😀", "\u2028", "\x00", "javascript:", "<script>", "onerror="),
)


def test_no_text_at_random_makes_anything_but_prose(asking: Asking) -> None:
    """A property: what is drawn of any text holds no other elements than those of prose."""
    seed = random.randrange(2**32)
    drawn = random.Random(seed)
    texts = ["".join(drawn.choices(PIECES, k=drawn.randint(1, 60))) for _ in range(1_500)]
    script = """async (texts) => {
      const { show } = await import("/page/markdown.js");
      const allowed = new Set(("A BLOCKQUOTE BR BUTTON CODE DIV EM H3 H4 H5 H6 HR LI OL P PRE S "
        + "SPAN STRONG TABLE TBODY TD TH THEAD TR UL").split(" "));
      const wrong = [];
      for (const text of texts) {
        const [whole, grown] = [document.createElement("div"), document.createElement("div")];
        show(whole, text);
        for (let end = 1; end < text.length; end += 7) show(grown, text.slice(0, end));
        show(grown, text);
        for (const each of whole.querySelectorAll("*"))
          if (!allowed.has(each.tagName)) wrong.push([text, each.tagName]);
        for (const each of whole.querySelectorAll("a"))
          if (!/^https?:$/.test(each.protocol)) wrong.push([text, each.href]);
        if (!whole.isEqualNode(grown)) wrong.push([text, "grows into another"]);
      }
      return wrong.slice(0, 3);
    }"""
    assert asking.page.evaluate(script, texts) == [], f"seed {seed}"


UNITS: Final = (
    *("[", "[a](", "*a ", "**a *b ", "`", "a``", "> ", "- ", "|", "![", "<https://", "[1", "_a_ "),
    *("# #", "\\", "&amp", "https://a.b/)", "``` ", "  - a\n", "| a\n|-\n", "[x][1]", "* * * a "),
    *("# ####", "**a** ", "((", "a b\n", "~~a"),
)


def test_long_texts_are_drawn_in_time_that_grows_as_they_do(asking: Asking) -> None:
    """Steps cannot be counted here. What takes the square of its length takes minutes of these."""
    script = """async ([units, size]) => {
      const { show } = await import("/page/markdown.js");
      return units.map((unit) => {
        const began = performance.now();
        show(document.createElement("div"), unit.repeat(Math.ceil(size / unit.length)));
        return [unit, performance.now() - began];
      }).filter(([, took]) => took > 1_500);
    }"""
    assert asking.page.evaluate(script, [UNITS, 60_000]) == []
