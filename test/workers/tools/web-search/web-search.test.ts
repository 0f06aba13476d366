/**
 * A response that searches the web, opens a page and cites it, from its request to its log, also after a crash at any
 * step.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readConfig } from "../../../../src/config/config.ts";
import type { OutputItem } from "../../../../src/protocol/item.ts";
import type { ToolChoice } from "../../../../src/protocol/tool.ts";
import { AttemptControl } from "../../../../workers/attempt/attempt.ts";
import { DocumentReader } from "../../../../workers/documents/document-reader.ts";
import { openWebSearchKind } from "../../../../workers/tools/web-search/web-search.ts";
import { crashingStorage } from "../../../support/crashing-storage.ts";
import { openTestStorage } from "../../../support/storage.ts";
import { createResponse, finalResponse, RecordingUpstream, runOnce, scriptSteps } from "../../../support/tool-runs.ts";
import { answer, searchResults, startWebSite, type WebSite } from "../../../support/web-site.ts";

const DOCUMENTS = new DocumentReader();
const GUIDE = readFileSync(join(import.meta.dirname, "..", "..", "documents", "fixtures", "guide.pdf"));

const allowing = (...tools: object[]): ToolChoice => ({
  type: "allowed_tools",
  mode: "auto",
  tools: tools as Record<string, unknown>[],
});

/** A page, a search engine that finds it, and a model that calls both and answers with a link. */
async function startScene() {
  const site = await startWebSite({ "/moss": "<title>Of moss</title><p>Moss is green." });
  const page = `${site.url}/moss`;
  site.pages["/search"] = searchResults(
    { url: page, title: "Moss" },
    { url: "https://other.example/", title: "Other" },
  );
  const metadata = {
    ...scriptSteps({ call: "web_search", arguments: { query: "moss", queries: ["green"] } }, [
      { call: "open_page", arguments: { url: page } },
      { call: "find_in_page", arguments: { url: page, pattern: "green" } },
    ]),
    "simulator.text": `😀 It is green ([Of moss](${page}#a)), says [nobody](https://nobody.example/).`,
  };
  const kindOf = () =>
    openWebSearchKind(
      readConfig({ SEARXNG_URL: site.url, FETCH_ALLOWED_HOSTS: site.host, WEB_SEARCH_HONOUR_ROBOTS: "false" }),
      DOCUMENTS,
    );
  return {
    site,
    page,
    kindOf,
    request: {
      tools: [{ type: "web_search" as const }],
      include: ["web_search_call.action.sources" as const],
      metadata,
    },
  };
}

function expectedOutput({ url }: WebSite): unknown[] {
  const page = `${url}/moss`;
  const sources = [page, "https://other.example/"].map((each) => ({ type: "url", url: each }));
  const call = (action: object) => ({ type: "web_search_call", status: "completed", action });
  const link = `[Of moss](${page}#a)`;
  const annotation = {
    type: "url_citation",
    url: `${page}#a`,
    title: "Of moss",
    start_index: 15,
    end_index: 15 + link.length,
  };
  return [
    call({ type: "search", query: "moss", queries: ["moss", "green"], sources }),
    call({ type: "open_page", url: page }),
    call({ type: "find_in_page", url: page, pattern: "green" }),
    { type: "message", content: [{ type: "output_text", annotations: [annotation] }] },
  ];
}

function expectCited(output: readonly OutputItem[]): void {
  const message = output.at(-1)!;
  const [part] = message.type === "message" ? message.content : [];
  if (part?.type !== "output_text" || part.annotations[0]?.type !== "url_citation")
    throw new Error("There is no citation.");
  const { start_index, end_index } = part.annotations[0];
  expect(Array.from(part.text).slice(start_index, end_index).join("")).toMatch(/^\[Of moss\]\(.*#a\)$/);
}

test("a response searches, opens a page and cites it", async () => {
  await using storage = await openTestStorage();
  const { site, kindOf, request } = await startScene();
  await using _ = site;
  const upstream = new RecordingUpstream();
  const id = await createResponse(storage, request);
  expect(await runOnce({ storage, kinds: [kindOf()], upstream }, id, new AttemptControl())).toBe("ended");
  const { response, log } = await finalResponse(storage, id);
  expect(response.output).toMatchObject(expectedOutput(site));
  expectCited(response.output);
  expect(response.tool_usage.web_search, "a search is a query").toEqual({ num_requests: 2 });
  const types = log.map((json) => JSON.parse(json) as { type: string; output_index?: number });
  expect(types.filter(({ output_index }) => output_index === 0).map(({ type }) => type)).toEqual([
    "response.output_item.added",
    "response.web_search_call.in_progress",
    "response.web_search_call.searching",
    "response.web_search_call.completed",
    "response.output_item.done",
  ]);
  expect(site.countOf("/moss")).toBe(1);
  const outputs = upstream.calls
    .at(-1)!
    .history.flatMap((item) => (item.type === "function_call_output" ? [item.output] : []));
  expect(outputs).toEqual([
    expect.stringContaining("1. Moss"),
    expect.stringContaining("Moss is green."),
    expect.stringContaining("Found 1 match"),
  ]);
});

test("a page that cannot be opened fails the call, as the model sees", async () => {
  await using storage = await openTestStorage();
  const { site, page, kindOf, request } = await startScene();
  await using _ = site;
  delete site.pages["/moss"];
  const upstream = new RecordingUpstream();
  const id = await createResponse(storage, request);
  await runOnce({ storage, kinds: [kindOf()], upstream }, id, new AttemptControl());
  const { response } = await finalResponse(storage, id);
  expect(response).toMatchObject({
    status: "completed",
    output: [
      { status: "completed" },
      { status: "failed", action: { type: "open_page", url: page } },
      { status: "failed", action: { type: "find_in_page", url: page } },
      { type: "message" },
    ],
  });
  const outputs = upstream.calls
    .at(-1)!
    .history.flatMap((item) => (item.type === "function_call_output" ? [item.output] : []));
  expect(outputs.slice(1)).toEqual(Array(2).fill("The server answered with status 404."));
});

test.each(["web_search", "web_search_2025_08_26", "web_search_preview"] as const)(
  "tool_choice %s forces the tool's functions on the first turn",
  async (type) => {
    await using storage = await openTestStorage();
    const { site, kindOf, request } = await startScene();
    await using _ = site;
    const upstream = new RecordingUpstream();
    const id = await createResponse(storage, { ...request, tool_choice: { type } });
    await runOnce({ storage, kinds: [kindOf()], upstream }, id, new AttemptControl());
    const tools = ["web_search", "open_page", "find_in_page"].map((name) => ({ type: "function", name }));
    const [first, ...later] = upstream.calls.map((call) => call.request.tool_choice);
    expect(first).toEqual({ type: "allowed_tools", mode: "required", tools });
    expect(new Set(later)).toEqual(new Set(["auto"]));
  },
);

test("a tool without a search engine is disabled", async () => {
  await using storage = await openTestStorage();
  const metadata = { "simulator.text": "No.", "simulator.delay_ms": "0" };
  const id = await createResponse(storage, { tools: [{ type: "web_search" }], metadata });
  await runOnce(
    { storage, kinds: [openWebSearchKind(readConfig({}))], upstream: new RecordingUpstream() },
    id,
    new AttemptControl(),
  );
  expect((await finalResponse(storage, id)).response).toMatchObject({
    status: "completed",
    output: [{ type: "message" }],
  });
});

describe("web search without live access", () => {
  const OFFLINE = { type: "web_search", external_web_access: false } as const;
  const LOOK = { type: "function", name: "look", parameters: {}, strict: false } as const;

  /** The input of each model call; the search engine would answer. */
  async function callsOf(request: Parameters<typeof createResponse>[1], environment: NodeJS.ProcessEnv) {
    await using storage = await openTestStorage();
    const upstream = new RecordingUpstream();
    const metadata = { "simulator.text": "No.", "simulator.delay_ms": "0", "simulator.calls": "0" };
    const id = await createResponse(storage, { metadata, ...request });
    const kinds = [openWebSearchKind(readConfig(environment), DOCUMENTS)];
    await runOnce({ storage, kinds, upstream }, id, new AttemptControl());
    const { response } = await finalResponse(storage, id);
    expect(response.status).toBe("completed");
    expect(response.tools).toMatchObject(request.tools!);
    expect(response.instructions, "the note is the model's alone").toBe(request.instructions ?? null);
    return upstream.calls.map((call) => call.request);
  }

  test.each<NodeJS.ProcessEnv>([{}, { SEARXNG_URL: "http://127.0.0.1:9" }])(
    "offers no function and tells the model why: %j",
    async (environment) => {
      const [request, ...others] = await callsOf(
        { tools: [OFFLINE, { ...OFFLINE }, LOOK], instructions: "Be brief." },
        environment,
      );
      expect(others).toEqual([]);
      expect(request!.tools).toEqual([LOOK]);
      expect(request!.instructions).toMatch(/^Be brief\.\n\nWeb search is turned off for this request[^\n]*$/);
    },
  );

  test("is also mentioned to the model without instructions", async () => {
    const [request] = await callsOf({ tools: [OFFLINE] }, {});
    expect(request!.instructions).toMatch(/^Web search is turned off/);
    expect(request!.tool_choice).toBeUndefined();
  });

  test.each<[name: string, choice: ToolChoice, others: readonly (typeof LOOK)[], callCount: unknown]>([
    ["forced by itself", { type: "web_search" }, [], "none"],
    ["forced beside another tool", { type: "web_search_preview" }, [LOOK], "auto"],
    ["required", "required", [], "none"],
    ["the only tool allowed", allowing({ type: "web_search" }), [LOOK], "none"],
    ["allowed beside another", allowing({ type: "web_search" }, LOOK), [LOOK], allowing(LOOK)],
  ])("fails the run if it is %s", async (_name, tool_choice, others, callCount) => {
    const [request] = await callsOf({ tools: [OFFLINE, ...others], tool_choice }, {});
    expect(request!.tool_choice).toEqual(callCount);
  });

  test.each(["indexed_web_access", "index_gated_web_access"])("with %s searches, but fetches no page", async (name) => {
    const tool = { type: "web_search" as const, external_web_access: true, [name]: true };
    const [request] = await callsOf({ tools: [tool] }, { SEARXNG_URL: "http://127.0.0.1:9" });
    expect(request!.tools).toMatchObject([{ type: "function", name: "web_search" }]);
    expect(request!.instructions).toBeUndefined();
  });
});

test("an answer cites the page of a PDF", async () => {
  await using site = await startWebSite({ "/guide": answer(GUIDE, { "content-type": "application/pdf" }) });
  await using storage = await openTestStorage();
  const url = `${site.url}/guide`;
  const id = await createResponse(storage, {
    tools: [{ type: "web_search" }],
    metadata: {
      ...scriptSteps({ call: "open_page", arguments: { url, page: 2 } }),
      "simulator.text": `Columns have an order ([the guide](${url}#page=2)).`,
    },
  });
  const environment = { SEARXNG_URL: site.url, FETCH_ALLOWED_HOSTS: site.host, WEB_SEARCH_HONOUR_ROBOTS: "false" };
  const kinds = [openWebSearchKind(readConfig(environment), DOCUMENTS)];
  await runOnce({ storage, kinds, upstream: new RecordingUpstream() }, id, new AttemptControl());
  const { response } = await finalResponse(storage, id);
  expect(response.output.at(-1)).toMatchObject({
    content: [{ annotations: [{ type: "url_citation", url: `${url}#page=2`, title: "A guide to mosses" }] }],
  });
});

test("a crash between any two steps loses no item, citation or event", async () => {
  const { site, kindOf, request } = await startScene();
  await using _ = site;
  let crashes = 0;
  for (let step = 0; ; step++) {
    await using storage = await openTestStorage();
    const control = new AttemptControl();
    let left = step;
    const dying = crashingStorage(storage, control, () => left-- === 0);
    const upstream = new RecordingUpstream();
    const id = await createResponse(storage, request);
    await runOnce({ storage: dying, kinds: [kindOf()], upstream }, id, control).catch((error: unknown) => error);
    if (left >= 0) break;
    crashes += 1;
    await runOnce({ storage, kinds: [kindOf()], upstream }, id, new AttemptControl());
    const { response } = await finalResponse(storage, id);
    expect(response.status).toBe("completed");
    expect(response.output).toMatchObject(expectedOutput(site));
    expectCited(response.output);
  }
  expect(crashes).toBeGreaterThan(10);
});
