// Plays scenarios with the official Node client, one after the other, and prints what the client
// saw. Both are JSON lists:
//
//   node drive.mjs http://127.0.0.1:8000/v1 < scenarios.json
//
// A scenario is {"do": action, "body": request, ...}; the actions are the functions of `actions`.
// What the client throws is printed as {"error": {...}}: it is a result like any other.

import { text } from 'node:stream/consumers';
import OpenAI from 'openai';

const actions = {
  async create(client, { body }) {
    const { data, response } = await client.chat.completions.create(body).withResponse();
    return { completion: data, headers: Object.fromEntries(response.headers) };
  },

  // A stream that fails in the middle gives what was heard until then, and the error.
  async stream(client, { body }) {
    const request = client.chat.completions.create({ ...body, stream: true });
    const { data, response } = await request.withResponse();
    const headers = Object.fromEntries(response.headers);
    const chunks = [];
    try {
      for await (const chunk of data) chunks.push(chunk);
    } catch (error) {
      return { chunks, headers, error: seen(error) };
    }
    return { chunks, headers };
  },

  // The helper puts the completion together by itself, and throws when the stream is not sound.
  async helper(client, { body }) {
    const events = { content: [], finished_calls: [] };
    const stream = client.chat.completions
      .stream(body)
      .on('content', (delta) => events.content.push(delta))
      .on('tool_calls.function.arguments.done', (call) => events.finished_calls.push(call));
    return { completion: await stream.finalChatCompletion(), events };
  },

  // The client's own agent loop: it calls the tools of the body until the model answers in text.
  // `results` says what each tool returns, with its arguments where a text names them in braces.
  async run_tools(client, { body, results }) {
    const calls = [];
    const tools = body.tools.map((tool) => runnable(tool, results, calls));
    const { stream = false } = body;
    const runner = client.chat.completions.runTools({ ...body, stream, tools });
    return { content: await runner.finalContent(), calls, messages: runner.messages };
  },

  // A conversation: for each text of `turns` the client's own agent loop, which goes on from all
  // messages before it.
  async converse(client, { body, turns, results }) {
    const { stream = false } = body;
    let messages = body.messages;
    const heard = [];
    for (const content of turns) {
      const calls = [];
      const tools = body.tools.map((tool) => runnable(tool, results, calls));
      messages = [...messages, { role: 'user', content }];
      const runner = client.chat.completions.runTools({ ...body, stream, tools, messages });
      await runner.done();
      heard.push({ calls, completions: runner.allChatCompletions() });
      messages = runner.messages;
    }
    return { turns: heard };
  },

  // Hangs up after `after` characters of text.
  async abort(client, { body, after }) {
    const stream = await client.chat.completions.create({ ...body, stream: true });
    let heard = '';
    for await (const chunk of stream) {
      heard += chunk.choices[0]?.delta.content ?? '';
      if (heard.length >= after) break;
    }
    return { heard, aborted: stream.controller.signal.aborted };
  },

  async models(client) {
    const models = [];
    for await (const model of client.models.list()) models.push(model);
    return { models };
  },

  async model(client, { id }) {
    return { model: await client.models.retrieve(id) };
  },
};

function runnable({ function: declared }, results, calls) {
  const run = (input) => {
    calls.push({ name: declared.name, input });
    return results[declared.name].replaceAll(/\{(\w+)\}/g, (_, argument) => input[argument]);
  };
  return { type: 'function', function: { ...declared, parse: JSON.parse, function: run } };
}

// What a client can learn from an error; a fault of this script is not one.
function seen(error) {
  if (!(error instanceof OpenAI.OpenAIError)) throw error;
  const { status, code, type, param, requestID, message } = error;
  const headers = error.headers && Object.fromEntries(error.headers);
  const name = error.constructor.name;
  return { name, status, code, type, param, request_id: requestID, message, headers };
}

async function play(baseURL, scenario) {
  const client = new OpenAI({ baseURL, apiKey: 'sk-test', maxRetries: 0, ...scenario.client });
  try {
    return await actions[scenario.do](client, scenario);
  } catch (error) {
    return { error: seen(error) };
  }
}

const baseURL = process.argv[2];
const results = [];
for (const scenario of JSON.parse(await text(process.stdin))) {
  results.push(await play(baseURL, scenario));
}
process.stdout.write(JSON.stringify(results));
