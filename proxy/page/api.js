// Requests to the proxy that serves this page. Addresses are relative, so that a path in front of
// the proxy stays. The key is in this module's memory alone: a browser writes what a page stores
// to disk, sessionStorage too, to restore tabs.

export const base = new URL("v1", document.baseURI.replace(/[?#].*$/, "")).href;
const MOST_PAGES = 50;
let key = "";

/** What is wrong with a text as a key, in words; "" if a header can hold it, or if there is none. */
export function faultOfKey(text) {
  const strange = /[^!-~]/u.exec(text.trim())?.[0];
  if (strange === undefined) return "";
  const named = /[\p{Z}\p{C}]/u.test(strange) ? "spaces or invisible characters" : `“${strange}”`;
  return `Keys have no ${named} in them. Copy yours again.`;
}

export function useKey(text) {
  key = text.trim();
}

export function hasKey() {
  return key !== "";
}

/** What went wrong, in the proxy's own words where it has said something. */
export class Trouble extends Error {
  constructor(message, { code = "", status = 0, requestId = "" } = {}) {
    super(message);
    Object.assign(this, { code, status, requestId });
  }
}

/** The entries of a list, such as models, of all its pages. Raises Trouble. */
export async function list(path) {
  const entries = [];
  for (let query = "", page = 0; page < MOST_PAGES; page++) {
    const reply = await request(path + query, {});
    const document = await reply.json().catch(() => null);
    if (Array.isArray(document?.data)) entries.push(...document.data);
    if (!document?.has_more || !document.last_id) break;
    query = `?after=${encodeURIComponent(document.last_id)}`;
  }
  return entries;
}

/** Ask, and hear each chunk of the answer. Raises Trouble, and AbortError once `signal` says so. */
export async function ask(body, signal, hear) {
  const reply = await request("chat/completions", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });
  const requestId = reply.headers.get("x-request-id") ?? "";
  for await (const data of events(reply.body)) {
    if (data === "[DONE]") return;
    const chunk = JSON.parse(data);
    if (chunk.error) throw trouble(chunk.error, { requestId });
    hear(chunk);
  }
  throw new Trouble("The answer broke off before its end. Ask again.", { requestId });
}

async function request(path, options) {
  const headers = { ...options.headers };
  if (key) headers.authorization = `Bearer ${key}`;
  let reply;
  try {
    reply = await fetch(`${base}/${path}`, { ...options, headers, credentials: "omit" });
  } catch (fault) {
    if (fault.name === "AbortError") throw fault;
    throw new Trouble("The proxy cannot be reached. Check that it runs, and ask again.");
  }
  if (reply.ok) return reply;
  const document = await reply.json().catch(() => null);
  const about = { status: reply.status, requestId: reply.headers.get("x-request-id") ?? "" };
  throw trouble(document?.error, about);
}

function trouble(error, about) {
  const status = about.status ? ` with status ${about.status}` : "";
  const message = typeof error?.message === "string" ? error.message : `The proxy answered${status}.`;
  return new Trouble(message, { ...about, code: String(error?.code ?? error?.type ?? "") });
}

/** The data of each event of a stream. Lines end with LF, CRLF or CR. */
async function* events(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let [rest, data] = ["", []];
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const lines = (rest + value).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop();
      for (const line of lines) {
        if (line.startsWith("data:")) {
          data.push(line.slice(line[5] === " " ? 6 : 5));
        } else if (line === "" && data.length > 0) {
          yield data.join("\n");
          data = [];
        }
      }
    }
  } catch (fault) {
    if (fault.name === "AbortError" || fault instanceof Trouble) throw fault;
    throw new Trouble("The connection to the proxy broke off. Ask again.");
  } finally {
    reader.releaseLock();
  }
}
