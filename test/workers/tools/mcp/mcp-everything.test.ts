/** The protocol's own example server over each of its transports. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EVERYTHING_SERVER_PATH, startEverythingServer } from "../../../support/mcp-server.ts";
import { call, mcpTool, offeredToolNames, callOutputs, runMcp, describeItems } from "../../../support/mcp-runs.ts";
import { useMcpFolder } from "../../../support/mcp-fixtures.ts";
import { scriptSteps } from "../../../support/tool-runs.ts";

const { storage, folder } = await useMcpFolder();

interface ServerLocation {
  fields: { server_url?: string };
  environment: Record<string, string>;
  [Symbol.asyncDispose]: () => PromiseLike<void>;
}

async function overHttp(transport: "streamableHttp" | "sse"): Promise<ServerLocation> {
  const server = await startEverythingServer(transport);
  return {
    fields: { server_url: server.url },
    environment: {},
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function overStdio(): Promise<ServerLocation> {
  const file = join(folder, "servers.json");
  const srv = { command: process.execPath, args: [EVERYTHING_SERVER_PATH, "stdio"], env_names: ["ALLOWED"] };
  await writeFile(file, JSON.stringify({ servers: { srv } }));
  const environment = { MCP_SERVERS_FILE: file, ALLOWED: "only-the-servers", KEPT: "not-even-the-servers" };
  return { fields: {}, environment, [Symbol.asyncDispose]: () => Promise.resolve() };
}

describe.each<[string, () => Promise<ServerLocation>]>([
  ["streamable HTTP", () => overHttp("streamableHttp")],
  ["SSE", () => overHttp("sse")],
  ["stdio", overStdio],
])("the reference server over %s", (_name, open) => {
  let serverLocation: ServerLocation;
  beforeAll(async () => {
    serverLocation = await open();
  });
  afterAll(async () => {
    await serverLocation[Symbol.asyncDispose]();
  });

  const run = (fields: Parameters<typeof mcpTool>[0], environment: Record<string, string>, ...steps: object[]) =>
    runMcp(
      storage,
      { tools: [mcpTool({ ...serverLocation.fields, ...fields })], metadata: scriptSteps(...steps) },
      { environment: { ...serverLocation.environment, ...environment } },
    );

  test("lists its tools and answers calls", async () => {
    const { response, calls } = await run(
      { allowed_tools: ["echo", "get-sum"] },
      {},
      [call("srv__echo", { message: "hello" }), call("srv__get-sum", { a: 2, b: 3 })],
      call("srv__echo", {}),
    );
    const [list, ...rest] = describeItems(response.output);
    expect(list).toBe("list echo,get-sum");
    expect(rest.slice(0, 2)).toEqual(["echo completed: Echo: hello", "get-sum completed: The sum of 2 and 3 is 5."]);
    // The model sees the error of a wrong argument and may correct it.
    expect(rest[2]).toMatch(/^echo failed: .*mcp_tool_execution_error.*message/);
    expect(rest[3]).toBe("message");
    expect(offeredToolNames(calls[0]!)).toEqual(["srv__echo", "srv__get-sum"]);
    expect(callOutputs(calls[1]!)).toEqual(["Echo: hello", "The sum of 2 and 3 is 5."]);
  });

  test("shows images to the model, and names what it cannot show", async () => {
    const { response, calls } = await run(
      {},
      {},
      call("srv__get-tiny-image"),
      call("srv__get-structured-content", { location: "New York" }),
      call("srv__get-resource-links", { count: 1 }),
    );
    const image = callOutputs(calls[1]!)[0];
    expect(image).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ type: "input_text" }),
        expect.objectContaining({ type: "input_image", image_url: expect.stringMatching(/^data:image\/png;base64,/) }),
      ]),
    );
    const texts = describeItems(response.output);
    expect(texts[1]).toContain("[image: image/png]");
    expect(texts[1]).not.toContain("base64");
    expect(texts[2]).toContain('"temperature"');
    expect(texts[3]).toContain("[link to ");
  });

  test("may take long while it reports progress", async () => {
    const { response } = await run(
      { allowed_tools: ["trigger-long-running-operation"] },
      { MCP_CALL_TIMEOUT_MS: "900" },
      call("srv__trigger-long-running-operation", { duration: 2, steps: 8 }),
    );
    expect(describeItems(response.output)[1]).toMatch(
      /^trigger-long-running-operation completed: Long running operation/,
    );
  });
});

test("a server process receives only its entry's environment", async () => {
  const { environment } = await overStdio();
  const request = { tools: [mcpTool({ allowed_tools: ["get-env"] })], metadata: scriptSteps(call("srv__get-env")) };
  const { response } = await runMcp(storage, request, { environment });
  const text = describeItems(response.output)[1]!;
  // The entry sets the first variable, whose value stays secret; the server does not know the second one.
  expect(text).toMatch(/ALLOWED.*<redacted>/);
  expect(text).not.toContain("only-the-servers");
  expect(text).not.toContain("KEPT");
  expect(text).not.toMatch(/"(PATH|HOME|USER)"/);
});
