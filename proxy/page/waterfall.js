// Shows how an answer came about: a line of facts, and below it a bar for each thing that took time.

import { counted, duration } from "./answer.js";
import { make } from "./dom.js";
import { timeline } from "./timeline.js";

const NARROWEST = 0.6; // percent, so that what took no time can be seen

/** A closed disclosure of an answer that has ended. */
export function waterfall(answer) {
  const { spans, first, total } = timeline(answer);
  const rows = spans.map((span) => row(span, total));
  if (first !== null && first <= total) rows.push(firstToken(first, total));
  return make("details", { class: "origin" },
    make("summary", {}, make("span", {}, facts(answer, first, total))),
    make("ol", { class: "waterfall", "aria-label": "What took how long" }, ...rows),
    answer.model ? make("p", { class: "note" }, `Answered by ${answer.model}.`) : null);
}

function facts(answer, first, total) {
  const { timings, rounds = timings?.rounds?.length ?? 0, searches = [] } = answer.report ?? {};
  return [
    duration(total),
    first === null ? "" : `first word after ${duration(first)}`,
    rounds ? counted(rounds, "round") : "",
    searches.length ? counted(searches.length, "search") : "",
    answer.usage ? counted(answer.usage.total_tokens, "token") : "",
  ].filter(Boolean).join(" · ");
}

function row({ kind, label, start, ms }, total) {
  const bar = make("span", { class: `bar-of ${kind}` });
  const width = Math.max(NARROWEST, (100 * ms) / total);
  bar.style.left = `${Math.min((100 * start) / total, 100 - width)}%`;
  bar.style.width = `${Math.min(width, 100)}%`;
  return make("li", { class: "span" },
    make("span", { class: "span-label", title: label }, label),
    make("span", { class: "track", "aria-hidden": "true" }, bar),
    make("span", { class: "span-time" }, duration(ms)));
}

function firstToken(at, total) {
  const line = make("span", { class: "first" });
  line.style.left = `${(100 * at) / total}%`;
  return make("li", { class: "span" },
    make("span", { class: "span-label" }, "First word"),
    make("span", { class: "track", "aria-hidden": "true" }, line),
    make("span", { class: "span-time" }, duration(at)));
}
