// Says to screen readers what the page shows. An answer is said in sentences as they become whole,
// each once: a region that is read anew for each token would never stop.

const SENTENCE_END = /[.!?:;…][)"'”’»]*(?:\s*\[\d{1,3}\])*(?=\s)|\n/g;
const MOST_LINES = 60;

export class Speech {
  constructor(region) {
    this.region = region;
    this.said = 0;
  }

  /** One thing to say. */
  say(text) {
    const words = text.trim();
    if (words === "") return;
    const line = document.createElement("p");
    line.textContent = words;
    this.region.append(line);
    while (this.region.childElementCount > MOST_LINES) this.region.firstElementChild.remove();
  }

  begin() {
    this.said = 0;
  }

  /** Say what is new and whole of a text that grows; at its end, what is left. */
  follow(text, isWhole = false) {
    const fresh = text.slice(this.said);
    let end = isWhole ? fresh.length : 0;
    if (!isWhole) for (const found of fresh.matchAll(SENTENCE_END)) end = found.index + found[0].length;
    if (end === 0) return;
    this.say(spoken(fresh.slice(0, end)));
    this.said += end;
  }
}

/** Without the signs of Markdown. */
function spoken(text) {
  return text
    .replace(/^[ \t]*(?:#{1,6}|[-*+>]|```\w*)[ \t]*/gm, "")
    .replace(/[*_`~|]+/g, "")
    .replace(/\[(\d{1,3})\]/g, ", source $1");
}
