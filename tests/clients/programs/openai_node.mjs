// openai-node on chat completions.
import { NotFoundError } from "openai";

import { client, model } from "./snippet.mjs";
import { FIRST, GET_WEATHER, UNKNOWN_MODEL, Weather, play, sources } from "./told.mjs";

async function ask(messages, options = {}) {
  const completion = await client.chat.completions.create({ model, messages, ...options });
  return completion.choices[0].message;
}

const asking = (question) => [{ role: "user", content: question }];

await play({
  answer: async (question) => ({ text: (await ask(asking(question))).content }),

  stream: async (question) => {
    const stream = await client.chat.completions.create({
      model,
      messages: asking(question),
      stream: true,
    });
    const pieces = [];
    for await (const chunk of stream) pieces.push(chunk.choices[0]?.delta?.content ?? "");
    return { pieces: pieces.filter(Boolean) };
  },

  tool: async (question) => {
    const weather = new Weather();
    const runner = client.chat.completions.runTools({
      model,
      messages: asking(question),
      tools: [
        {
          type: "function",
          function: {
            ...GET_WEATHER,
            parse: JSON.parse,
            function: ({ city }) => weather.getWeather(city),
          },
        },
      ],
    });
    return { text: await runner.finalContent(), calls: weather.calls };
  },

  next_turn: async (question) => {
    const messages = asking(FIRST);
    messages.push(await ask(messages), ...asking(question));
    return { text: (await ask(messages)).content };
  },

  citations: async (question) => {
    const message = await ask(asking(question));
    return { text: message.content, sources: sources(message.annotations) };
  },

  error: async (question) => {
    try {
      await ask(asking(question), { model: UNKNOWN_MODEL });
    } catch (raised) {
      if (!(raised instanceof NotFoundError)) throw raised;
      return { status: raised.status, error: raised.message };
    }
    return {};
  },

  embeddings: async (question) => {
    const made = await client.embeddings.create({
      model: "bge-multilingual-gemma2",
      input: [question, question],
    });
    return { vectors: made.data.map((each) => Array.from(each.embedding)) };
  },
});
