// One question and its answer, as they are shown.

import { pages } from "./answer.js";
import { copy, make, saysCopied } from "./dom.js";
import { show, withoutHalfTable } from "./markdown.js";
import { waterfall } from "./waterfall.js";

const LONG_S = 3; // a wait whose length is shown

export class Turn {
  /** `openSource` shows a source, `showCode` the request of the turn, `again` asks it once more. */
  constructor(question, { openSource, showCode, again }) {
    Object.assign(this, { question, openSource, showCode, again });
    this.answer = null;
    this.opened = null; // the number of the source that is shown
    this.body = null;
    this.prose = make("div", { class: "prose" });
    this.progress = make("p", { class: "progress" }, make("span", { class: "dot" }), make("span", {}),
      make("span", { class: "elapsed" }));
    this.thoughts = make("details", { class: "thoughts", hidden: true },
      make("summary", {}, make("span", {}, "Thoughts")), make("div", { class: "prose" }));
    this.foot = make("div", { class: "foot" });
    this.element = make("li", { class: "turn" },
      make("h2", { class: "question" }, make("span", { class: "unseen" }, "You asked: "), question),
      make("div", { class: "answer", "aria-busy": "true" },
        this.progress, this.thoughts, this.prose, this.foot));
  }

  /** The messages that this turn adds to a conversation; none if nothing was answered. */
  get messages() {
    if (!this.answer?.text) return [];
    return [{ role: "user", content: this.question }, { role: "assistant", content: this.answer.text }];
  }

  draw(answer) {
    this.answer = answer;
    const waits = answer.ended === null && (answer.isSearching || !answer.text);
    this.progress.hidden = !waits;
    const [, words, elapsed] = this.progress.children;
    words.textContent = happening(answer);
    elapsed.textContent = waited(answer);
    this.thoughts.hidden = !answer.thoughts;
    if (answer.thoughts) show(this.thoughts.lastChild, answer.thoughts);
    this.prose.classList.toggle("grows", answer.ended === null && answer.text !== "");
    const text = answer.ended === null ? withoutHalfTable(answer.text) : answer.text;
    show(this.prose, text, (n) => this.marker(n), answer.version);
  }

  marker(n) {
    const source = this.answer.source(n);
    if (source === null) return null;
    const button = make("button", {
      type: "button", class: "marker", "data-n": String(n), title: source.title,
      "aria-current": this.opened === n ? "true" : null, "aria-label": `Source ${n}: ${source.title}`,
    }, String(n));
    button.addEventListener("click", () => this.open(n, ".prose .marker", button));
    return button;
  }

  /** Show a source. An answer that grows may draw its markers anew: then another gets the focus. */
  open(n, kind, button) {
    this.opened = n;
    const all = () => [...this.element.querySelectorAll(`[data-n="${n}"]`)];
    this.openSource(this.answer.source(n), () => {
      this.opened = null;
      for (const each of all()) each.removeAttribute("aria-current");
      const now = button.isConnected ? button : this.element.querySelector(`${kind}[data-n="${n}"]`);
      now?.focus();
    });
    for (const each of all()) each.setAttribute("aria-current", "true");
  }

  /** The answer is over. `trouble` is what ended it, if it was not its end. */
  end(answer, trouble, wasStopped) {
    this.draw(answer);
    this.element.querySelector(".answer").setAttribute("aria-busy", "false");
    this.foot.replaceChildren(...[
      this.notice(answer, trouble, wasStopped),
      this.sources(answer),
      trouble || wasStopped ? null : waterfall(answer),
      this.actions(answer, trouble, wasStopped),
    ].filter(Boolean));
  }

  notice(answer, trouble, wasStopped) {
    if (wasStopped) return make("p", { class: "notice" }, "You stopped this answer.");
    if (trouble) {
      const facts = [trouble.code, trouble.status ? `status ${trouble.status}` : "", trouble.requestId];
      return make("div", { class: "notice error" },
        make("p", {}, trouble.message),
        make("p", { class: "note" }, facts.filter(Boolean).join(" · ")));
    }
    const { refused, ungrounded } = answer.report ?? {};
    if (ungrounded) return make("p", { class: "notice" }, "The documents could not be searched. The model answered without them.");
    if (answer.finish === "length") return make("p", { class: "notice" }, "The answer reached its longest, and was cut.");
    if (refused || answer.text) return null;
    return make("p", { class: "notice" }, "The model said nothing.");
  }

  sources(answer) {
    const sources = answer.sources().filter(Boolean);
    if (sources.length === 0) return null;
    return make("ul", { class: "cards", "aria-label": "Sources" }, ...sources.map((each) => this.card(each)));
  }

  card({ n, title, passages, quotes }) {
    const first = quotes.find((each) => each.page_start);
    const where = pages(first?.page_start ?? passages[0]?.page, first?.page_end);
    const button = make("button", { type: "button", class: "card", "data-n": String(n) },
      make("span", { class: "marker" }, make("span", { class: "unseen" }, "Source "), String(n)),
      make("span", { class: "card-title" }, title),
      where ? make("span", { class: "card-page" }, where) : null);
    button.addEventListener("click", () => this.open(n, ".card", button));
    return make("li", {}, button);
  }

  actions(answer, trouble, wasStopped) {
    const action = (label, act) => {
      const button = make("button", { type: "button", class: "quiet small" }, make("span", {}, label));
      button.addEventListener("click", () => act(button));
      return button;
    };
    return make("div", { class: "actions" },
      trouble || wasStopped || !answer.text ? action("Ask again", () => this.again(this)) : null,
      answer.text
        ? action("Copy answer", async (button) => { await copy(answer.text); saysCopied(button); })
        : null,
      action("As code", () => this.showCode(this)));
  }
}

/** What an answer that says nothing yet is at. */
function happening({ status, isSearching, thoughts }) {
  if (isSearching) return status;
  return [status, thoughts ? "The model thinks" : "Waiting for the model"].filter(Boolean).join(" ");
}

/** For how long, once that is long. */
function waited({ began }) {
  const seconds = Math.floor((performance.now() - began) / 1000);
  return seconds < LONG_S ? "" : `${seconds} s`;
}
