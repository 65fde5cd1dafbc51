// When what happened in an answer, as spans of a waterfall: {kind, label, start, ms}. No elements
// here. The proxy's own times come first; what it does not say, the browser has seen.

const ORDER = { queue: 0, search: 1, round: 2 };
const SEARCHES_FIRST = 0.5;

/** The spans of an answer, and its first token: {spans, first, total}, all in ms. */
export function timeline(answer) {
  const times = answer.report?.timings ?? null;
  const searches = searchesOf(answer);
  const total = Math.max(times?.total_ms ?? 0, times ? 0 : answer.ended ?? 0, ...searches.map(endOf), 1);
  const queued = times?.queue_ms ?? answer.report?.queued_ms ?? 0;
  const rounds = times?.rounds?.length ? told(times.rounds, searches, total) : seen(searches, total);
  const spans = [...searches, ...(queued > 0 && rounds.length > 0 ? afterQueue(rounds, queued) : rounds)];
  spans.sort((a, b) => a.start - b.start || ORDER[a.kind] - ORDER[b.kind]);
  return { spans, first: times?.first_token_ms ?? answer.firstToken, total };
}

function endOf(span) {
  return span.start + span.ms;
}

/** Each search begins when the browser heard of it, and takes as long as the proxy says. */
function searchesOf(answer) {
  const { searches = [], reads = [] } = answer.report ?? {};
  const named = (kind, label, took) => ({ kind, label, took });
  const all = [
    ...searches.map((each) => named("search", `Search: ${each.query}`, each.took_ms)),
    ...reads.map((each) => named("search", `Read: ${each.title}, ${each.pages}`, each.took_ms)),
  ];
  if (all.length === 0) {
    return answer.searches.map((each) => ({
      kind: "search", label: each.text.replace(/^Searching/, "Search"),
      start: each.start, ms: (each.end ?? answer.ended ?? each.start) - each.start,
    }));
  }
  return all.map(({ kind, label, took }, n) => {
    const heard = answer.searches[n] ?? answer.searches.at(-1);
    const ms = took ?? (heard?.end ?? 0) - (heard?.start ?? 0);
    return { kind, label, start: heard?.start ?? 0, ms };
  });
}

/** The rounds that the proxy tells of, one after the other, each after the searches before it. */
function told(rounds, searches, total) {
  const left = [...searches].sort((a, b) => a.start - b.start);
  let at = 0;
  const after = (limit) => {
    while (left.length > 0 && left[0].start <= limit) at = Math.max(at, endOf(left.shift()));
  };
  // No model can have asked for a search before it has said anything.
  after((rounds[0].first_token_ms ?? rounds[0].ms * SEARCHES_FIRST) - 1);
  return rounds.map((round, n) => {
    const isLast = n === rounds.length - 1;
    const start = round.began_ms ?? (isLast ? Math.max(at, total - round.ms) : at);
    at = start + round.ms;
    if (!isLast) after(at);
    return { kind: "round", label: `Model, round ${n + 1}`, start, ms: round.ms };
  });
}

/** What lies between searches is the model's time. */
function seen(searches, total) {
  const rounds = [];
  let at = 0;
  const add = (end) => {
    if (end - at >= 1) {
      const label = `Model, round ${rounds.length + 1}`;
      rounds.push({ kind: "round", label, start: at, ms: end - at });
    }
  };
  for (const each of [...searches].sort((a, b) => a.start - b.start)) {
    add(each.start);
    at = Math.max(at, endOf(each));
  }
  add(total);
  return rounds;
}

/** The first round's time holds the wait for it, which is the queue's. */
function afterQueue([first, ...others], queued) {
  const ms = Math.min(queued, first.ms);
  const queue = { kind: "queue", label: "Queue", start: first.start, ms };
  return [queue, { ...first, start: first.start + ms, ms: first.ms - ms }, ...others];
}
