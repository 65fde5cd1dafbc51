// The request of an answer as code: curl, Python, Node. The key is never part of it.

import { base, hasKey } from "./api.js";

export const LANGUAGES = ["curl", "Python", "Node"];

/** What SDKs demand and the page may have left out: a model. */
export function snippet(language, body, model) {
  const { stream_options: _, lighton = {}, ...rest } = body;
  const { progress: __, ...scope } = lighton; // how the page shows searches is its own affair
  const request = { ...rest, ...(Object.keys(scope).length > 0 ? { lighton: scope } : {}) };
  if (language === "curl") return curl(request);
  const named = { model: request.model ?? model, ...request };
  return language === "Python" ? python(named) : node(named);
}

function curl(request) {
  const key = hasKey() ? ` \\\n  -H "authorization: Bearer $RAG_PROXY_KEY"` : "";
  return `curl -N ${quoted(`${base}/chat/completions`)}${key} \\
  -H 'content-type: application/json' \\
  -d ${quoted(JSON.stringify(request, null, 2))}`;
}

function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function python({ lighton, ...request }) {
  const extra = lighton ? { ...request, extra_body: { lighton } } : request;
  const fields = Object.entries(extra).map(([name, value]) => `    ${name}=${literal(value, 1)},`);
  const key = hasKey() ? 'os.environ["RAG_PROXY_KEY"]' : '"any"';
  return `${hasKey() ? "import os\n\n" : ""}from openai import OpenAI

client = OpenAI(base_url=${JSON.stringify(base)}, api_key=${key})
stream = client.chat.completions.create(
${fields.join("\n")}
)
for chunk in stream:
    if chunk.choices:
        print(chunk.choices[0].delta.content or "", end="", flush=True)
print()`;
}

/** A value of JSON as Python writes it. */
function literal(value, depth) {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "object") return JSON.stringify(value);
  const inner = "    ".repeat(depth + 1);
  const lines = Array.isArray(value)
    ? value.map((each) => `${inner}${literal(each, depth + 1)},\n`)
    : Object.entries(value).map(([name, each]) => (
      `${inner}${JSON.stringify(name)}: ${literal(each, depth + 1)},\n`));
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  return lines.length ? `${open}\n${lines.join("")}${"    ".repeat(depth)}${close}` : open + close;
}

function node(request) {
  const key = hasKey() ? "process.env.RAG_PROXY_KEY" : '"any"';
  return `import OpenAI from "openai";

const client = new OpenAI({ baseURL: ${JSON.stringify(base)}, apiKey: ${key} });
const stream = await client.chat.completions.create(${JSON.stringify(request, null, 2)});
for await (const chunk of stream) {
  process.stdout.write(chunk.choices[0]?.delta?.content ?? "");
}
console.log();`;
}
