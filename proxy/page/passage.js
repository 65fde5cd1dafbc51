// Finds a quoted sentence in a passage that is drawn already, and marks it. Letters and digits are
// compared alone: the quote is the passage's own text, with the signs of Markdown that are drawn.

import { make } from "./dom.js";
import { inline } from "./inline.js";

const COUNTS = /[\p{L}\p{N}]/u;

/** Mark a quote in an element. Gives the first mark, or null if the quote is not there. */
export function markQuote(element, quote) {
  const wanted = letters(make("p", {}, ...inline(quote)).textContent);
  if (wanted === "") return null;
  const places = lettersOf(element);
  const start = places.text.indexOf(wanted);
  if (start === -1) return null;
  return markBetween(places.at[start], places.at[start + wanted.length - 1]);
}

function letters(text) {
  let kept = "";
  for (const sign of text) if (COUNTS.test(sign)) kept += sign;
  return kept;
}

/** An element's letters, and for each where it is: in which text node, and from where to where. */
function lettersOf(element) {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const [parts, at] = [[], []];
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    let offset = 0;
    for (const sign of node.data) {
      if (COUNTS.test(sign)) {
        parts.push(sign);
        for (let unit = 0; unit < sign.length; unit++) at.push({ node, offset, end: offset + sign.length });
      }
      offset += sign.length;
    }
  }
  return { text: parts.join(""), at };
}

function markBetween(first, last) {
  const nodes = [];
  const root = first.node.getRootNode();
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  walker.currentNode = first.node;
  for (let node = first.node; node !== null; node = node === last.node ? null : walker.nextNode()) {
    nodes.push(node);
  }
  let marked = null;
  for (const node of nodes) {
    const from = node === first.node ? first.offset : 0;
    const to = node === last.node ? withSigns(node.data, last.end) : node.data.length;
    if (node.data.slice(from, to).trim() === "") continue;
    const piece = node.splitText(from);
    piece.splitText(to - from);
    const mark = make("mark");
    piece.replaceWith(mark);
    mark.append(piece);
    marked ??= mark;
  }
  return marked;
}

/** Where a sentence ends: the full stop behind its last letter belongs to it. */
function withSigns(text, end) {
  const behind = /^[.!?…"'”’»)]{0,3}/.exec(text.slice(end, end + 3));
  return end + behind[0].length;
}
