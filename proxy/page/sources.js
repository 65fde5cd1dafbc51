// The panel beside the answer: one source, its passages, and in them the sentence that bears the
// answer out.

import { pages } from "./answer.js";
import { drawing, link, make, webAddress } from "./dom.js";
import { show } from "./markdown.js";
import { markQuote } from "./passage.js";

const SUPPORT = {
  exact: "Stands there word for word",
  close: "Says it in other words",
  weak: "Bears it out in part",
  none: "Does not bear it out",
};

export class SourcePanel {
  constructor(panel) {
    this.panel = panel;
    this.giveBack = null;
    this.shown = null;
  }

  get isOpen() {
    return !this.panel.hidden;
  }

  /** Show a source. `giveBack` puts the focus where it was, once the panel is closed. */
  open(source, giveBack) {
    if (this.isOpen) this.giveBack?.();
    this.giveBack = giveBack;
    this.shown = source;
    const title = make("h2", { id: "source-title", tabindex: "-1" },
      make("span", { class: "marker" }, make("span", { class: "unseen" }, "Source "), String(source.n)),
      make("span", {}, source.title));
    const close = make("button", { type: "button", class: "quiet icon-only", "aria-label": "Close source" },
      drawing("m5 5 10 10M15 5 5 15"));
    close.addEventListener("click", () => this.close());
    this.panel.replaceChildren(
      make("header", { class: "source-head" }, title, close),
      make("div", { class: "source-body" }, address(source.url), ...bodyOf(source)));
    this.panel.hidden = false;
    document.body.classList.add("has-source");
    title.focus({ preventScroll: true });
    this.panel.querySelector("mark")?.scrollIntoView({ block: "center" });
  }

  close() {
    if (!this.isOpen) return;
    this.panel.hidden = true;
    document.body.classList.remove("has-source");
    this.giveBack?.();
    this.shown = null;
  }
}

function address(url) {
  const web = webAddress(url);
  if (web === null) return make("p", { class: "address" }, url);
  return make("p", { class: "address" }, link(web, web));
}

/** Each passage with the quotes that it holds; then the quotes that stand in none. */
function bodyOf(source) {
  const left = new Set(source.quotes);
  const drawn = source.passages.map((passage) => {
    const prose = make("div", { class: "prose passage-text" });
    show(prose, passage.text);
    const held = [...left].filter((each) => each.quote && markQuote(prose, each.quote) !== null);
    held.forEach((each) => left.delete(each));
    return section(passage.page, held, prose);
  });
  const others = [...left].map((each) => section(
    each.page_start,
    [each],
    each.quote
      ? make("blockquote", {}, make("mark", {}, each.quote))
      : make("p", { class: "note" }, "The passage holds next to nothing of the sentence."),
    each.page_end,
  ));
  if (drawn.length + others.length > 0) return [...drawn, ...others];
  return [make("p", { class: "note" }, "The text of this passage did not come with the answer.")];
}

function section(page, quotes, text, lastPage = null) {
  const first = quotes[0];
  const where = pages(first?.page_start ?? page, first?.page_end ?? lastPage);
  const missing = quotes.flatMap((each) => each.figures_missing ?? []);
  return make("section", { class: "passage" },
    make("p", { class: "passage-facts" },
      where ? make("span", {}, where) : null,
      first ? make("span", { class: `support ${first.support}` }, SUPPORT[first.support] ?? "") : null),
    missing.length
      ? make("p", { class: "warning" }, `In no source: ${missing.join(", ")}`)
      : null,
    text);
}
