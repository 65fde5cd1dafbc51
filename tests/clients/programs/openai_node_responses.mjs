// openai-node on responses.
import { NotFoundError } from "openai";

import { client, model } from "./snippet.mjs";
import { FIRST, GET_WEATHER, UNKNOWN_MODEL, Weather, play, sources } from "./told.mjs";

const ask = (options) => client.responses.create({ model, ...options });

const cited = (response) =>
  sources(
    response.output
      .filter((item) => item.type === "message")
      .flatMap((item) => item.content)
      .flatMap((part) => part.annotations),
  );

await play({
  answer: async (question) => ({ text: (await ask({ input: question })).output_text }),

  stream: async (question) => {
    const stream = client.responses.stream({ model, input: question });
    const pieces = [];
    for await (const event of stream)
      if (event.type === "response.output_text.delta") pieces.push(event.delta);
    return { pieces, text: (await stream.finalResponse()).output_text };
  },

  tool: async (question) => {
    const weather = new Weather();
    const tools = [{ type: "function", strict: null, ...GET_WEATHER }];
    let response = await ask({ input: question, tools });
    for (;;) {
      const calls = response.output.filter((item) => item.type === "function_call");
      if (!calls.length) return { text: response.output_text, calls: weather.calls };
      const results = calls.map((call) => ({
        type: "function_call_output",
        call_id: call.call_id,
        output: weather.getWeather(JSON.parse(call.arguments).city),
      }));
      response = await ask({ input: results, tools, previous_response_id: response.id });
    }
  },

  next_turn: async (question) => {
    const first = await ask({ input: FIRST });
    const next = await ask({ input: question, previous_response_id: first.id });
    return { text: next.output_text };
  },

  citations: async (question) => {
    const response = await ask({ input: question });
    return { text: response.output_text, sources: cited(response) };
  },

  error: async (question) => {
    try {
      await ask({ input: question, model: UNKNOWN_MODEL });
    } catch (raised) {
      if (!(raised instanceof NotFoundError)) throw raised;
      return { status: raised.status, error: raised.message };
    }
    return {};
  },

  file_search: async (question) => {
    const response = await ask({
      input: question,
      tools: [{ type: "file_search", vector_store_ids: ["ws_1"] }],
      include: ["file_search_call.results"],
    });
    const results = response.output
      .filter((item) => item.type === "file_search_call")
      .flatMap((item) => item.results ?? []);
    const found = results.map((result) => ({ title: result.filename, url: result.file_id }));
    return { text: response.output_text, found, sources: cited(response) };
  },
});
