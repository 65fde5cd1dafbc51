// What every Node program here shares: see told.py.
import { createInterface } from "node:readline";

export const UNKNOWN_MODEL = "no-such-model";

/** Run the checks that stdin names, one JSON line each, and print a JSON line for each. */
export async function play(checks) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { check: name, question } = JSON.parse(line);
    const check = checks[name] ?? "";
    const seen = typeof check === "string" ? { why_not: check } : await check(question);
    console.log(`seen: ${JSON.stringify(seen)}`);
  }
}

/** What is asked and answered before the question of the check of a next turn. */
export const FIRST = "How many days of paid leave do employees have?";

/** The client's own tool, and what it was called with. */
export class Weather {
  calls = [];
  getWeather(city) {
    this.calls.push(city);
    return `It is sunny in ${city}.`;
  }
}

export const GET_WEATHER = {
  name: "get_weather",
  description: "The weather in a city",
  parameters: {
    type: "object",
    properties: { city: { type: "string" } },
    required: ["city"],
  },
};

/** Title and address of each annotation, on either route. */
export function sources(annotations) {
  return (annotations ?? []).map((each) => {
    const said = each.url_citation ?? each;
    return { title: said.title ?? said.filename, url: said.url };
  });
}
