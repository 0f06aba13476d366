/**
 * Documents from MCP servers are cited like web pages: with their text as read, in later responses too, and only by
 * responses that see them.
 */
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readConfig } from "../../../../src/config/config.ts";
import type { OutputItem, StoredInputItem } from "../../../../src/protocol/item.ts";
import { AttemptControl } from "../../../../workers/attempt/attempt.ts";
import { openMcpKind } from "../../../../workers/tools/mcp/mcp.ts";
import { openWebSearchKind } from "../../../../workers/tools/web-search/web-search.ts";
import { call, mcpTool, runMcp } from "../../../support/mcp-runs.ts";
import { startMcpServer, textResult } from "../../../support/mcp-server.ts";
import { openTestStorage, type TestStorage } from "../../../support/storage.ts";
import { createResponse, finalResponse, RecordingUpstream, runOnce, scriptSteps } from "../../../support/tool-runs.ts";
import { searchResults, startWebSite } from "../../../support/web-site.ts";

let storage: TestStorage;
beforeAll(async () => {
  storage = await openTestStorage();
});
afterAll(async () => await storage[Symbol.asyncDispose]());

const URL_1 = "https://docs.example/moss";
const DOCUMENT = { id: "doc-1", title: "Of moss", text: "Moss is green.", url: URL_1 };
const TEXT = `😀 It is green [1], says [nobody](https://nobody.example/).\n\n[1]: ${URL_1}?utm_source=x`;
const CITED = [["[1]", { type: "url_citation", url: URL_1, title: "Of moss", start_index: 14, end_index: 17 }]];

function citationsIn(output: readonly OutputItem[]) {
  const message = output.at(-1);
  const [part] = message?.type === "message" ? message.content : [];
  if (part?.type !== "output_text") throw new Error("There is no text.");
  return part.annotations.map((each) => {
    if (each.type !== "url_citation") throw new Error(`There is a ${each.type}.`);
    return [Array.from(part.text).slice(each.start_index, each.end_index).join(""), each] as const;
  });
}

async function ask(answer: CallToolResult, name = "fetch") {
  const server = await startMcpServer({
    tools: { [name]: { annotations: { readOnlyHint: true }, run: () => answer } },
  });
  const tools = [mcpTool({ server_url: server.url })];
  const metadata = { ...scriptSteps(call(`srv__${name}`, { id: "doc-1" })), "simulator.text": TEXT };
  return { server, run: await runMcp(storage, { tools, metadata }) };
}

const long = { ...DOCUMENT, text: "Moss is green. ".repeat(30_000) };
test.each<[string, CallToolResult, string?]>([
  ["JSON in a text", textResult(JSON.stringify(DOCUMENT))],
  [
    "JSON in the second text",
    { content: [{ type: "text", text: "Found:" }, ...textResult(JSON.stringify(DOCUMENT)).content] },
  ],
  ["structured content", { content: [], structuredContent: DOCUMENT }],
  [
    "structured content with prose",
    { content: [{ type: "text", text: "Moss is green." }], structuredContent: DOCUMENT },
  ],
  ["JSON truncated for the model", textResult(JSON.stringify(long))],
  ["more than the contract requires", textResult(JSON.stringify({ ...DOCUMENT, metadata: { source: "x" } }))],
])("a document as %s is cited", async (_name, answer) => {
  const { server, run } = await ask(answer);
  await using _ = server;
  expect(citationsIn(run.response.output)).toEqual(CITED);
});

test.each<[string, CallToolResult, string?]>([
  ["listed", textResult(JSON.stringify({ results: [DOCUMENT] })), "search"],
  ["another tool's output", textResult(JSON.stringify(DOCUMENT)), "echo"],
  ["without a URL", textResult(JSON.stringify({ ...DOCUMENT, url: "" }))],
  ["without text", textResult(JSON.stringify({ ...DOCUMENT, text: undefined }))],
  ["a script", textResult(JSON.stringify({ ...DOCUMENT, url: "javascript:alert(1)" }))],
  ["an error", { ...textResult(JSON.stringify(DOCUMENT)), isError: true }],
  ["prose", textResult(`Read ${URL_1}.`)],
])("a document as %s is not cited", async (_name, answer, name) => {
  const { server, run } = await ask(answer, name);
  await using _ = server;
  expect(citationsIn(run.response.output)).toEqual([]);
});

test("a later response cites a document, also from items the client sends", async () => {
  const { server, run } = await ask(textResult(JSON.stringify(DOCUMENT)));
  await using _ = server;
  const metadata = { ...scriptSteps(), "simulator.text": TEXT };
  const later = await runMcp(storage, { metadata }, { ancestors: [run.id] });
  expect(citationsIn(later.response.output)).toEqual(CITED);
  const input = run.response.output.filter(({ type }) => type === "mcp_call") as StoredInputItem[];
  const again = await runMcp(storage, { metadata }, { input });
  expect(citationsIn(again.response.output)).toEqual(CITED);
  const other = await runMcp(storage, { metadata });
  expect(citationsIn(other.response.output)).toEqual([]);
});

test("a run that resumes after a crash cites a document fetched once", async () => {
  let fetches = 0;
  await using server = await startMcpServer({
    tools: {
      fetch: {
        run: () => {
          fetches += 1;
          return textResult(JSON.stringify(DOCUMENT));
        },
      },
    },
  });
  const kinds = [openMcpKind(readConfig({ FETCH_ALLOWED_HOSTS: "127.0.0.1" }))];
  const metadata = { ...scriptSteps(call("srv__fetch", { id: "doc-1" })), "simulator.text": TEXT };
  const id = await createResponse(storage, { tools: [mcpTool({ server_url: server.url })], metadata });
  const control = new AttemptControl();
  const simulator = new RecordingUpstream();
  const dying = {
    async *run(...[upstreamCall, signal]: Parameters<RecordingUpstream["run"]>) {
      if (simulator.calls.length === 1) control.stop("lock-lost");
      yield* simulator.run(upstreamCall, signal);
    },
  };
  expect(await runOnce({ storage, kinds, upstream: dying }, id, control)).not.toBe("ended");
  expect(await runOnce({ storage, kinds, upstream: new RecordingUpstream() }, id, new AttemptControl())).toBe("ended");
  expect(citationsIn((await finalResponse(storage, id)).response.output)).toEqual(CITED);
  expect(fetches).toBe(1);
});

test("later responses cite a page only if it was opened", async () => {
  const site = await startWebSite({ "/moss": "<title>Of moss</title><p>Moss is green." });
  await using _ = site;
  const opened = `${site.url}/moss`;
  const listed = `${site.url}/listed`;
  site.pages["/search"] = searchResults({ url: opened, title: "Moss" }, { url: listed, title: "Listed" });
  const text = `See [moss](${opened}) and [more](${listed}).`;
  const environment = { SEARXNG_URL: site.url, FETCH_ALLOWED_HOSTS: site.host, WEB_SEARCH_HONOUR_ROBOTS: "false" };
  const kinds = [openWebSearchKind(readConfig(environment))];
  const metadata = {
    ...scriptSteps(
      { call: "web_search", arguments: { query: "moss" } },
      { call: "open_page", arguments: { url: opened } },
    ),
    "simulator.text": text,
  };
  const tools = [{ type: "web_search" as const }];
  const outputOf = async (...args: [Parameters<typeof createResponse>[1], Parameters<typeof createResponse>[2]?]) => {
    const id = await createResponse(storage, ...args);
    await runOnce({ storage, kinds, upstream: new RecordingUpstream() }, id, new AttemptControl());
    return { id, output: (await finalResponse(storage, id)).response.output };
  };
  const first = await outputOf({ tools, metadata });
  const cited = [[`[moss](${opened})`, expect.objectContaining({ url: opened, title: "Of moss" })]];
  expect(citationsIn(first.output)).toEqual(cited);
  const later = await outputOf({ metadata: { ...scriptSteps(), "simulator.text": text } }, { ancestors: [first.id] });
  expect(citationsIn(later.output)).toEqual(cited);
});
