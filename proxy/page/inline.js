// Markdown within a paragraph: text in, DOM nodes out. It takes as many steps as the text has
// characters, whatever they are, because a model or a document may write anything.

import { link, make, webAddress } from "./dom.js";

const DEEPEST = 12;
const LONGEST_ADDRESS = 2048;
const MARKER = /\[(\d{1,3})\](?![(:])/y;
const BARE_LINK = /https?:\/\/[^\s<>"'`]{1,2048}/y;
const ANGLE_LINK = /<(https?:\/\/[^\s<>]{1,2048})>/y;
const TICKS = /`+/y;
const ENTITY = /&(amp|lt|gt|quot|apos|nbsp|#39);/y;
const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0", "#39": "'" };
const ESCAPABLE = /[!-/:-@[-`{-~]/;
const WORD = /[\p{L}\p{N}]/u;
const TAGS = { "*": ["em", "strong"], _: ["em", "strong"], "~": [null, "s"] };

/**
 * The nodes of a text.
 *
 * @param cite gives the button for the number of a source, or null if there is no such source.
 */
export function inline(text, cite = () => null, inLink = false) {
  return new Inline(text, cite, inLink).nodes();
}

class Inline {
  constructor(text, cite, inLink) {
    this.text = text;
    this.cite = cite;
    this.inLink = inLink;
    this.out = [];
    this.open = []; // delimiters that may begin emphasis
    this.count = { "*": 0, _: 0, "~": 0 };
    this.pending = "";
    this.markerEnd = -1;
  }

  nodes() {
    const { text } = this;
    this.ends = closings(text, "[", "]");
    this.parens = closings(text, "(", ")");
    this.ticks = tickRuns(text);
    for (let at = 0; at < text.length; ) at = this.step(at);
    this.flush();
    return this.out;
  }

  flush() {
    if (this.pending) this.out.push(document.createTextNode(this.pending));
    this.pending = "";
  }

  add(node) {
    this.flush();
    this.out.push(node);
  }

  step(at) {
    const sign = this.text[at];
    switch (sign) {
      case "\\": return this.escaped(at);
      case "`": return this.code(at);
      case "*": case "_": case "~": return this.emphasis(at, sign);
      case "[": return this.marker(at) ?? this.linked(at) ?? this.plain(at);
      case "!": return this.image(at) ?? this.plain(at);
      case "<": return this.angle(at) ?? this.plain(at);
      case "&": return this.entity(at) ?? this.plain(at);
      case "h": return this.bare(at) ?? this.plain(at);
      case "\n": return this.lineEnd(at);
      default: return this.plain(at);
    }
  }

  plain(at) {
    this.pending += this.text[at];
    return at + 1;
  }

  escaped(at) {
    const next = this.text[at + 1];
    if (next === "\n") {
      this.add(make("br"));
      return at + 2;
    }
    this.pending += next !== undefined && ESCAPABLE.test(next) ? next : "\\";
    return at + (next !== undefined && ESCAPABLE.test(next) ? 2 : 1);
  }

  lineEnd(at) {
    if (this.pending.endsWith("  ")) {
      this.pending = this.pending.trimEnd();
      this.add(make("br"));
    } else {
      this.pending += "\n";
    }
    return at + 1;
  }

  code(at) {
    const size = run(this.text, at, "`");
    const closing = this.ticks.after(size, at + size);
    if (closing === null) {
      this.pending += "`".repeat(size);
      return at + size;
    }
    let content = this.text.slice(at + size, closing).replaceAll("\n", " ");
    const isPadded = content.startsWith(" ") && content.endsWith(" ") && content.trim() !== "";
    if (isPadded) content = content.slice(1, -1);
    this.add(make("code", {}, content));
    return closing + size;
  }

  marker(at) {
    if (this.inLink) return null;
    const found = matched(MARKER, this.text, at);
    // `[text][1]` names a reference, `[1][2]` two sources.
    if (found === null || (this.text[at - 1] === "]" && this.markerEnd !== at)) return null;
    const button = this.cite(Number(found[1]));
    if (button === null) return null;
    if (this.pending.endsWith(" ")) this.pending = `${this.pending.slice(0, -1)}\u00a0`; // one line
    this.add(button);
    this.markerEnd = at + found[0].length;
    return this.markerEnd;
  }

  linked(at) {
    if (this.inLink) return null;
    const found = this.target(at);
    if (found === null) return null;
    const label = this.text.slice(at + 1, found.close);
    const address = webAddress(found.address);
    const children = inline(label, this.cite, true);
    this.add(address === null ? make("span", {}, ...children) : link(address, ...children));
    return found.end;
  }

  /** An image is not loaded. Its description stands for it. */
  image(at) {
    if (this.text[at + 1] !== "[") return null;
    const found = this.target(at + 1);
    if (found === null) return null;
    const label = this.text.slice(at + 2, found.close).trim();
    this.add(make("span", { class: "image" }, label ? `Image: ${label}` : "Image"));
    return found.end;
  }

  /** What stands behind `[…]` in round brackets: where it ends, and the address. */
  target(at) {
    const close = this.ends.get(at);
    if (close === undefined || this.text[close + 1] !== "(") return null;
    const end = this.parens.get(close + 1);
    if (end === undefined || end - close > LONGEST_ADDRESS) return null;
    const inside = this.text.slice(close + 2, end).trim();
    return { close, address: inside.split(/\s/, 1)[0].replace(/^<(.*)>$/, "$1"), end: end + 1 };
  }

  angle(at) {
    const found = matched(ANGLE_LINK, this.text, at);
    return found === null ? null : this.address(found[1], at + found[0].length);
  }

  bare(at) {
    if (at > 0 && WORD.test(this.text[at - 1])) return null;
    const found = matched(BARE_LINK, this.text, at);
    if (found === null) return null;
    const address = withoutEnd(found[0]);
    return this.address(address, at + address.length);
  }

  address(text, end) {
    const address = this.inLink ? null : webAddress(text);
    if (address === null) this.pending += text;
    else this.add(link(address, text));
    return end;
  }

  entity(at) {
    const found = matched(ENTITY, this.text, at);
    if (found === null) return null;
    this.pending += ENTITIES[found[1]];
    return at + found[0].length;
  }

  emphasis(at, sign) {
    const size = run(this.text, at, sign);
    const [before, after] = [this.text[at - 1] ?? " ", this.text[at + size] ?? " "];
    const inWord = sign === "_" && WORD.test(before) && WORD.test(after);
    let left = size;
    if (!/\s/.test(before) && !inWord) left = this.close(sign, size);
    const opens = left > 0 && left <= 3 && !/\s/.test(after) && !inWord;
    if (opens && this.open.length < DEEPEST) {
      this.flush();
      this.open.push({ sign, left, place: this.out.length });
      this.count[sign]++;
      this.out.push(document.createTextNode(sign.repeat(left)));
    } else {
      this.pending += sign.repeat(left);
    }
    return at + size;
  }

  /** Close what is open with this sign. Gives how many signs are left. */
  close(sign, size) {
    let left = size;
    while (left > 0 && this.count[sign] > 0) {
      while (this.open.at(-1).sign !== sign) this.count[this.open.pop().sign]--;
      const opener = this.open.at(-1);
      const used = Math.min(opener.left, left, 2);
      const tag = TAGS[sign][used - 1];
      if (tag === null) break;
      this.flush();
      const children = this.out.splice(opener.place + 1);
      this.out.push(make(tag, {}, ...children));
      left -= used;
      opener.left -= used;
      this.out[opener.place].data = sign.repeat(opener.left);
      if (opener.left > 0) continue;
      this.open.pop();
      this.count[sign]--;
    }
    return left;
  }
}

/** How often a sign stands in a row. */
function run(text, at, sign) {
  let end = at;
  while (text[end] === sign) end++;
  return end - at;
}

function matched(pattern, text, at) {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** For each opening bracket, where it is closed. */
function closings(text, opening, closing) {
  const [ends, open] = [new Map(), []];
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === opening) open.push(at);
    else if (text[at] === closing && open.length > 0) ends.set(open.pop(), at);
  }
  return ends;
}

/** Where runs of so many backticks are; each is asked for from left to right. */
function tickRuns(text) {
  const places = new Map();
  for (let at = text.indexOf("`"); at !== -1; at = text.indexOf("`", at)) {
    const size = matched(TICKS, text, at)[0].length;
    if (!places.has(size)) places.set(size, { list: [], next: 0 });
    places.get(size).list.push(at);
    at += size;
  }
  return {
    after(size, from) {
      const known = places.get(size);
      if (known === undefined) return null;
      while (known.next < known.list.length && known.list[known.next] < from) known.next++;
      return known.list[known.next] ?? null;
    },
  };
}

/** An address in running text, without the signs that end the sentence. */
function withoutEnd(address) {
  const ends = address.includes("(") ? ".,;:!?*_~]" : ".,;:!?*_~])";
  let end = address.length;
  while (end > 0 && ends.includes(address[end - 1])) end--;
  return address.slice(0, end);
}
