/**
 * A client of the official SDK that asks a model to search: it follows the calls, and finds the citations in the
 * answer.
 */
import OpenAI from "openai";
import { expect, test } from "vitest";
import { simulate } from "../support/api-client.ts";
import { startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { answer, searchResults, startWebSite } from "../support/web-site.ts";

test("a background response searches the web, and its worker stops on request", async () => {
  await using site = await startWebSite({
    "/moss": "<title>Of moss</title><p>Moss is green.",
    "/robots.txt": answer("User-agent: *\nDisallow: /closed", { "content-type": "text/plain" }),
  });
  const page = `${site.url}/moss`;
  site.pages["/search"] = searchResults({ url: page, title: "Moss" });
  const environment = { KEY_PREFIX: uniquePrefix(), SEARXNG_URL: site.url, FETCH_ALLOWED_HOSTS: site.host };
  await using api = await startApi(environment);
  await using worker = await startWorker({ ...environment, STRICT_EVENTS: "true" });
  const client = new OpenAI({ baseURL: api.url, apiKey: "none", maxRetries: 0 });
  const request = simulate({
    "step.1": JSON.stringify({ call: "web_search", arguments: { query: "moss" } }),
    "step.2": JSON.stringify([
      { call: "open_page", arguments: { url: page } },
      { call: "open_page", arguments: { url: `${site.url}/closed` } },
    ]),
    text: `It is green ([Of moss](${page})).`,
    delay_ms: 0,
  });
  const stream = client.responses.stream({
    ...(request as unknown as OpenAI.Responses.ResponseCreateParamsStreaming),
    tools: [{ type: "web_search" }],
  });
  const actions: unknown[] = [];
  stream.on("response.output_item.done", ({ item }) => {
    if (item.type === "web_search_call") actions.push([item.status, item.action.type]);
  });
  const final = await stream.finalResponse();
  expect(actions).toEqual([
    ["completed", "search"],
    ["completed", "open_page"],
    ["failed", "open_page"],
  ]);
  const message = final.output.find((item) => item.type === "message")!;
  const [part] = message.content;
  if (part?.type !== "output_text") throw new Error("There is no text.");
  const [citation] = part.annotations;
  if (citation?.type !== "url_citation") throw new Error("There is no citation.");
  expect(citation).toMatchObject({ url: page, title: "Of moss" });
  expect(part.text.slice(citation.start_index, citation.end_index)).toBe(`[Of moss](${page})`);
  // The SDK adds a field of its own to streamed items.
  expect(final.output).toMatchObject((await client.responses.retrieve(final.id)).output);
  expect(site.countOf("/closed")).toBe(0);
  expect(await worker.stop()).toBe(0);
});
