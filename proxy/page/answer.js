// What one answer has said so far: the state that a turn shows. No elements here.

const TEN_SECONDS = 9_950; // as they are rounded

export class Answer {
  constructor(now) {
    this.began = now;
    this.ended = null;
    this.text = "";
    this.thoughts = "";
    this.status = "";
    this.isSearching = false;
    this.searches = []; // when the browser heard of each search, in ms from the beginning
    this.firstToken = null;
    this.model = "";
    this.finish = "";
    this.usage = null;
    this.report = null;
    this.shown = []; // the sources in the order in which they came
    this.version = 0; // grows when a number may have got a source
  }

  /** Take a chunk of the stream. */
  hear(chunk, now) {
    this.model = chunk.model || this.model;
    if (chunk.event) this.hearEvent(chunk.event, now);
    if (chunk.usage) this.usage = chunk.usage;
    if (chunk.lighton) {
      this.report = chunk.lighton;
      this.version++;
    }
    const choice = chunk.choices?.[0];
    if (!choice) return;
    const { content, reasoning_content: thought } = choice.delta ?? {};
    if (content || thought) this.firstToken ??= now - this.began;
    if (thought) this.thoughts += thought;
    if (content) this.text += content;
    if (choice.finish_reason) this.finish = choice.finish_reason;
  }

  hearEvent({ type, data }, now) {
    if (type === "status") {
      this.status = String(data.description ?? "");
      this.isSearching = !data.done;
      this.hearStatus(/^(Searching|Reading)\b/.test(this.status), now - this.began);
    } else if (type === "source") {
      this.hearSource(data);
    }
  }

  hearStatus(begins, at) {
    if (begins) {
      this.searches.push({ text: this.status, start: at, end: null });
      return;
    }
    const running = this.searches.find((each) => each.end === null);
    if (running) running.end = at;
  }

  hearSource(data) {
    const url = String(data.source?.url ?? "");
    let source = this.shown.find((each) => each.url === url);
    if (!source) {
      source = { url, title: String(data.source?.name ?? url), passages: [] };
      this.shown.push(source);
      this.version++;
    }
    const page = data.metadata?.[0]?.page;
    const where = Number.isInteger(page) ? page + 1 : null; // it counts from 0
    for (const text of data.document ?? []) source.passages.push({ text: String(text), page: where });
  }

  end(now) {
    this.ended = now - this.began;
    this.isSearching = false;
  }

  /**
   * The source with this number: {n, url, title, passages, quotes}; null if there is none.
   *
   * The report says which it is. Until it comes, the n-th source that came is it.
   */
  source(n) {
    const citation = this.report?.citations?.find((each) => each.n === n);
    const came = citation
      ? this.shown.find((each) => each.url === citation.url)
      : this.shown[n - 1];
    if (!citation && !came) return null;
    const quotes = citation?.passages ?? [];
    return {
      n,
      url: citation?.url ?? came.url,
      title: citation?.title || came?.title || citation?.url,
      passages: came?.passages ?? [],
      quotes,
    };
  }

  /** All sources of the answer, by number. */
  sources() {
    const numbers = this.report?.citations?.map((each) => each.n) ?? this.shown.map((_, n) => n + 1);
    return numbers.sort((a, b) => a - b).map((n) => this.source(n));
  }
}

/** A time in words: 840 ms, 1.2 s, 12 s. */
export function duration(ms) {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  return `${(ms / 1000).toFixed(ms < TEN_SECONDS ? 1 : 0)} s`;
}

/** A count with its noun. */
export function counted(count, noun) {
  const plural = /(?:ch|sh|s|x)$/.test(noun) ? `${noun}es` : `${noun}s`;
  return `${count.toLocaleString("en")} ${count === 1 ? noun : plural}`;
}

/** Pages in words, or "". */
export function pages(first, last) {
  if (!first) return "";
  return last && last !== first ? `pages ${first}–${last}` : `page ${first}`;
}
