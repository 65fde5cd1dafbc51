// AI SDK on either route: the snippet decides.
import { APICallError, embedMany, generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

import * as snippet from "./snippet.mjs";
import { FIRST, UNKNOWN_MODEL, Weather, play } from "./told.mjs";

const { model, openai, embedder } = snippet;
const onResponses = model.provider.endsWith(".responses");
const named = (id) => (onResponses ? openai(id) : openai.chat(id));

const shown = (sources) =>
  sources.map((each) => ({ title: each.title ?? each.filename, url: each.url ?? each.filename }));

await play({
  answer: async (prompt) => ({ text: (await generateText({ model, prompt })).text }),

  stream: async (prompt) => {
    const pieces = [];
    for await (const piece of streamText({ model, prompt }).textStream) pieces.push(piece);
    return { pieces };
  },

  tool: async (prompt) => {
    const weather = new Weather();
    const get_weather = tool({
      description: "The weather in a city",
      inputSchema: z.object({ city: z.string() }),
      execute: async ({ city }) => weather.getWeather(city),
    });
    const { text } = await generateText({
      model,
      prompt,
      tools: { get_weather },
      stopWhen: stepCountIs(5),
    });
    return { text, calls: weather.calls };
  },

  next_turn: async (question) => {
    const first = { role: "user", content: FIRST };
    const { response } = await generateText({ model, messages: [first] });
    const messages = [first, ...response.messages, { role: "user", content: question }];
    return { text: (await generateText({ model, messages })).text };
  },

  citations: async (prompt) => {
    const { text, sources } = await generateText({ model, prompt });
    return { text, sources: shown(sources) };
  },

  error: async (prompt) => {
    try {
      await generateText({ model: named(UNKNOWN_MODEL), prompt });
    } catch (raised) {
      if (!APICallError.isInstance(raised)) throw raised;
      return { status: raised.statusCode, error: raised.message };
    }
    return {};
  },

  embeddings: embedder
    ? async (question) => {
        const made = await embedMany({ model: embedder, values: [question, question] });
        return { vectors: made.embeddings };
      }
    : "",

  file_search: onResponses
    ? async (prompt) => {
        const file_search = openai.tools.fileSearch({ vectorStoreIds: ["ws_1"] });
        const { text, sources, toolResults, steps } = await generateText({
          model,
          prompt,
          tools: { file_search },
          providerOptions: { openai: { include: ["file_search_call.results"] } },
        });
        const results = [...toolResults, ...steps.flatMap((step) => step.toolResults)];
        const found = results.flatMap((each) => each.output.results ?? []);
        return {
          text,
          found: found.map((each) => ({ title: each.filename, url: each.fileId })),
          sources: shown(sources),
        };
      }
    : "",
});
