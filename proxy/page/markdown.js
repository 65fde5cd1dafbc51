// Markdown in blocks: text in, DOM nodes out. See inline.js for what stands in a paragraph. HTML is
// text like any other. Blocks that a longer text leaves as they were keep their nodes, so a stream
// redraws its last block only.

import { copy, make, saysCopied } from "./dom.js";
import { inline } from "./inline.js";

const DEEPEST = 8;
const PAGES_OWN = 2; // levels of headings
const HEADING = /^ {0,3}(#{1,6})[ \t]+(.*)$/;
const RULE = /^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const FENCE = /^ {0,3}(`{3,}|~{3,})([^`]*)$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( {0,7})(?:([-*+])|(\d{1,9})[.)])(?:[ \t]+|$)/;
const TASK = /^\[([ xX])\] /;
const DELIMITER = /^:?-+:?$/;

/** Show `text` in `home`. `cite` is that of `inline`; a change of `version` draws all anew. */
export function show(home, text, cite = () => null, version = 0) {
  const before = home.drawn?.version === version ? home.drawn.blocks : [];
  const blocks = parse(text.replaceAll("\r\n", "\n").split("\n"), 0);
  level(blocks);
  let same = 0;
  while (same < blocks.length && before[same]?.raw === blocks[same].raw) same++;
  while (home.childNodes.length > same) home.lastChild.remove();
  for (const block of blocks.slice(same)) home.append(draw(block, cite));
  home.drawn = { version, blocks };
}

/** The page's own headings come before, and no level is left out. */
function level(blocks) {
  let last = PAGES_OWN;
  for (const block of blocks) {
    if (block.kind === "heading") block.level = last = Math.min(block.size + PAGES_OWN, last + 1, 6);
  }
}

function parse(lines, depth) {
  const blocks = [];
  for (let at = 0; at < lines.length; ) {
    if (lines[at].trim() === "") {
      at++;
      continue;
    }
    const block = blockAt(lines, at, depth);
    block.raw = lines.slice(at, block.end).join("\n");
    blocks.push(block);
    at = block.end;
  }
  return blocks;
}

function blockAt(lines, at, depth) {
  const line = lines[at];
  const heading = HEADING.exec(line);
  if (heading) return { kind: "heading", size: heading[1].length, text: title(heading[2]), end: at + 1 };
  if (RULE.test(line)) return { kind: "rule", end: at + 1 };
  if (FENCE.test(line)) return fence(lines, at);
  if (QUOTE.test(line) && depth < DEEPEST) return quote(lines, at, depth);
  if (ITEM.test(line) && depth < DEEPEST) return list(lines, at, depth);
  if (isTable(lines, at)) return table(lines, at);
  return paragraph(lines, at, depth);
}

/** A heading without the signs that may close it. */
function title(text) {
  const shown = text.trimEnd();
  let end = shown.length;
  while (shown[end - 1] === "#") end--;
  return end === 0 || " \t".includes(shown[end - 1]) ? shown.slice(0, end).trimEnd() : shown;
}

function fence(lines, at) {
  const [, marks, language] = FENCE.exec(lines[at]);
  const indent = lines[at].search(/\S/);
  let end = at + 1;
  const closes = (line) => line.trim().startsWith(marks) && !line.trim().replaceAll(marks[0], "");
  while (end < lines.length && !closes(lines[end])) end++;
  const inside = lines.slice(at + 1, end).map((line) => line.replace(/^ */, (all) => all.slice(indent)));
  return { kind: "code", language: language.trim().split(/\s/)[0], text: inside.join("\n"), end: end + 1 };
}

function quote(lines, at, depth) {
  let end = at;
  while (end < lines.length && QUOTE.test(lines[end])) end++;
  const inside = lines.slice(at, end).map((line) => line.replace(QUOTE, ""));
  return { kind: "quote", blocks: parse(inside, depth + 1), end };
}

function list(lines, at, depth) {
  const first = ITEM.exec(lines[at]);
  const isOrdered = first[3] !== undefined;
  const items = [];
  let [end, isLoose] = [at, false];
  while (end < lines.length) {
    const item = ITEM.exec(lines[end]);
    if (!item || (item[3] !== undefined) !== isOrdered || RULE.test(lines[end])) break;
    const width = Math.min(item[0].length, item[1].length + 5);
    const inside = [lines[end].slice(item[0].length)];
    end++;
    while (end < lines.length) {
      const line = lines[end];
      const isBlank = line.trim() === "";
      const indent = isBlank ? 0 : line.search(/\S/);
      if (isBlank) {
        const next = lines[end + 1];
        if (next === undefined || next.trim() === "" || next.search(/\S/) < width) break;
      } else if (indent < width && (lines[end - 1].trim() === "" || begins(line))) {
        break;
      }
      isLoose ||= isBlank;
      inside.push(line.slice(Math.min(indent, width)));
      end++;
    }
    items.push(parse(inside, depth + 1));
    if (lines[end]?.trim() === "" && ITEM.test(lines[end + 1] ?? "")) {
      const next = ITEM.exec(lines[end + 1]);
      if ((next[3] !== undefined) === isOrdered) end++;
    }
  }
  return { kind: "list", isOrdered, start: Number(first[3] ?? 1), items, isLoose, end };
}

/**
 * A text that grows, without the first lines of a table: until the second is whole they are none
 * yet, and would be shown as signs.
 */
export function withoutHalfTable(text) {
  const lines = text.split("\n");
  const isRow = (line) => line?.trimStart().startsWith("|") ?? false;
  const end = lines.length - (lines.at(-1) === "" ? 1 : 0);
  let first = end;
  while (isRow(lines[first - 1])) first--;
  const rows = end - first;
  return rows === 1 || (rows === 2 && !isTable(lines, first)) ? lines.slice(0, first).join("\n") : text;
}

function isTable(lines, at) {
  const below = lines[at + 1];
  if (!lines[at].includes("|") || !below?.includes("-")) return false;
  const delimiters = cells(below);
  return delimiters.every((cell) => DELIMITER.test(cell))
    && cells(lines[at]).length === delimiters.length;
}

function table(lines, at) {
  const aligned = cells(lines[at + 1]).map((cell) => {
    const [left, right] = [cell.startsWith(":"), cell.endsWith(":")];
    return left && right ? "center" : right ? "right" : null;
  });
  let end = at + 2;
  while (end < lines.length && lines[end].includes("|") && lines[end].trim() !== "") end++;
  return { kind: "table", head: cells(lines[at]), rows: lines.slice(at + 2, end).map(cells), aligned, end };
}

function cells(line) {
  const inside = line.trim().replace(/^\|/, "").replace(/\|$/, "");
  return inside.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

function begins(line) {
  return HEADING.test(line) || RULE.test(line) || FENCE.test(line) || QUOTE.test(line) || ITEM.test(line);
}

function paragraph(lines, at, depth) {
  let end = at + 1;
  const ends = (line) => line.trim() === "" || (depth < DEEPEST && begins(line));
  while (end < lines.length && !ends(lines[end]) && !isTable(lines, end)) end++;
  return { kind: "paragraph", text: lines.slice(at, end).map((line) => line.trimStart()).join("\n"), end };
}

function draw(block, cite) {
  switch (block.kind) {
    case "heading": return drawHeading(block, cite);
    case "rule": return make("hr");
    case "code": return drawCode(block);
    case "quote": return make("blockquote", {}, ...block.blocks.map((each) => draw(each, cite)));
    case "list": return drawList(block, cite);
    case "table": return drawTable(block, cite);
    default: return make("p", {}, ...inline(block.text.trimEnd(), cite));
  }
}

/** In a quote or a list it is no heading of the page. */
function drawHeading(block, cite) {
  const drawn = inline(block.text, cite);
  return block.level ? make(`h${block.level}`, {}, ...drawn) : make("p", {}, make("strong", {}, ...drawn));
}

function drawCode(block) {
  const button = make("button", { type: "button", class: "copy", "aria-label": "Copy code" }, "Copy");
  button.addEventListener("click", async () => {
    await copy(block.text);
    saysCopied(button);
  });
  const label = block.language || "Code";
  return make("div", { class: "code-block" },
    make("div", { class: "code-head" }, make("span", {}, block.language), button),
    make("pre", { tabindex: "0", role: "region", "aria-label": label }, make("code", {}, block.text)));
}

function drawList(block, cite) {
  const items = block.items.map((blocks) => {
    const isPlain = !block.isLoose && blocks[0]?.kind === "paragraph";
    const drawn = blocks.map((each, n) => (
      isPlain && n === 0 ? inline(task(each.text.trimEnd()), cite) : [draw(each, cite)]));
    return make("li", {}, ...drawn.flat());
  });
  const start = block.isOrdered && block.start !== 1 ? String(block.start) : null;
  return make(block.isOrdered ? "ol" : "ul", { start }, ...items);
}

/** A task's box as a sign that says whether it is done. */
function task(text) {
  return text.replace(TASK, (_, mark) => (mark === " " ? "☐ " : "☑ "));
}

function drawTable(block, cite) {
  const side = (n) => (block.aligned[n] ? { class: `to-${block.aligned[n]}` } : {});
  const head = block.head.map((cell, n) => make("th", { scope: "col", ...side(n) }, ...inline(cell, cite)));
  const rows = block.rows.map((row) => make("tr", {},
    ...block.head.map((_, n) => make("td", side(n), ...inline(row[n] ?? "", cite)))));
  return make("div", { class: "table", tabindex: "0", role: "region", "aria-label": "Table" },
    make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows)));
}
