/** Odd lists of real servers' tools: a flaw costs only the tool or field that has it, and the list names it. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { McpTool } from "../../../../workers/tools/mcp/tool-filter.ts";
import { call, mcpTool, offeredToolNames, runMcp, describeItems } from "../../../support/mcp-runs.ts";
import { interceptWith, startMcpServer, textResult } from "../../../support/mcp-server.ts";
import { openTestStorage, type TestStorage } from "../../../support/storage.ts";
import { scriptSteps } from "../../../support/tool-runs.ts";

let storage: TestStorage;
beforeAll(async () => {
  storage = await openTestStorage();
});
afterAll(async () => await storage[Symbol.asyncDispose]());

const OBJECT = { type: "object", properties: { x: {} } };
const sound = (name: string) => ({ name, description: "Sound.", inputSchema: OBJECT });
const nested = (levels: number) => {
  let schema: object = { type: "string" };
  for (let i = 0; i < levels; i++) schema = { type: "object", properties: { deeper: schema } };
  return schema;
};

/** A response with a server whose list has this tool between two valid ones. */
async function listedWith(tools: readonly unknown[], fields: Partial<McpTool> = {}) {
  const list = { tools: [sound("first"), ...tools, sound("last")] };
  await using server = await startMcpServer({ intercept: interceptWith({ "tools/list": list }) });
  const tool = mcpTool({ server_url: server.url, ...fields });
  const run = await runMcp(storage, { tools: [tool] });
  const [item, answer] = run.response.output;
  expect(answer?.type).toBe("message");
  if (item?.type !== "mcp_list_tools") throw new Error("The first item is no list.");
  expect(run.log.filter((event) => event.includes('"response.mcp_list_tools.completed"'))).toHaveLength(1);
  return { ...run, item, names: item.tools.map(({ name }) => name), functions: offeredToolNames(run.calls[0]!), tool };
}

const NOT_OBJECTS = [null, true, false, 7, "x", [], ["x"]];

/** Flaws that cost the tool, by the reason that the list names. */
const FLAWED: [string, unknown, RegExp][] = [
  ...NOT_OBJECTS.map((tool): [string, unknown, RegExp] => [
    `that is ${JSON.stringify(tool)}`,
    tool,
    /Tool 2 of the page is not/,
  ]),
  ...[...NOT_OBJECTS, "", " ", {}]
    .filter((name) => typeof name !== "string" || name.trim() === "")
    .map((name): [string, unknown, RegExp] => [
      `named ${JSON.stringify(name)}`,
      { ...sound("bad"), name },
      /Tool 2 of the page has no name/,
    ]),
  ["named at length", sound("n".repeat(1_025)), /'n{100}' has a name of more than 1024/],
  ...NOT_OBJECTS.map((inputSchema): [string, unknown, RegExp] => [
    `whose inputSchema is ${JSON.stringify(inputSchema)}`,
    { name: "bad", inputSchema },
    /'bad' has an inputSchema that is (null|an array|a \w+), not an object/,
  ]),
  ["without inputSchema", { name: "bad" }, /'bad' has an inputSchema that is missing/],
  ...["string", null, 7, {}, ["string", "null"]]
    .filter((type) => type !== null)
    .map((type): [string, unknown, RegExp] => [
      `whose inputSchema has the type ${JSON.stringify(type)}`,
      { name: "bad", inputSchema: { type } },
      /'bad' has an inputSchema that is of type/,
    ]),
  ...["#/$defs/none", "#/properties/x/y", "#none", "Other", "https://schemas.example/x.json", "#/$defs/text"].map(
    ($ref): [string, unknown, RegExp] => [
      `with a $ref to ${$ref}`,
      {
        name: "bad",
        inputSchema: { type: "object", properties: { x: { anyOf: [{ $ref }] } }, $defs: { text: "no schema" } },
      },
      /'bad' has an inputSchema that (has a \$ref without a target|is not a JSON schema)/,
    ],
  ),
  ...[
    { properties: [] },
    { properties: "x" },
    { properties: { x: 7 } },
    { properties: { x: { type: "strng" } } },
    { required: "x" },
    { required: [1] },
    { anyOf: {} },
  ].map((fields): [string, unknown, RegExp] => [
    `whose inputSchema has ${JSON.stringify(fields)}`,
    { name: "bad", inputSchema: { type: "object", ...fields } },
    /'bad' has an inputSchema that is not a JSON schema/,
  ]),
  ["whose inputSchema nests deeply", { name: "bad", inputSchema: nested(200) }, /'bad' has an inputSchema that nests/],
  ["that is huge", { ...sound("bad"), description: "x".repeat(800_000) }, /'bad' is longer than a model can see/],
  ["whose name is taken", { ...sound("first"), description: "Another." }, /'first' is listed twice/],
];

describe("a flawed tool is skipped and named", () => {
  test.each(FLAWED)("%s", async (_, flawed, reason) => {
    const { names, functions, item } = await listedWith([flawed]);
    expect(names).toEqual(["first", "last"]);
    expect(functions).toEqual(["srv__first", "srv__last"]);
    expect(item.error).toMatch(/^Left out of the list: /);
    expect(item.error).toMatch(reason);
  });

  test("and the next response requests no list again", async () => {
    const list = { tools: [sound("first"), { name: "bad", inputSchema: null }] };
    await using server = await startMcpServer({ intercept: interceptWith({ "tools/list": list }) });
    const tool = mcpTool({ server_url: server.url });
    const first = await runMcp(storage, { tools: [tool] });
    const second = await runMcp(storage, { tools: [tool] }, { ancestors: [first.id] });
    expect(describeItems(second.response.output)).toEqual(["message"]);
    expect(offeredToolNames(second.calls[0]!)).toEqual(["srv__first"]);
  });

  test("unless the request does not allow it", async () => {
    const { item, names } = await listedWith([{ name: "bad" }], { allowed_tools: ["last"] });
    expect(names).toEqual(["last"]);
    expect(item.error).toBeUndefined();
    const named = await listedWith([{ name: "bad" }], { allowed_tools: ["last", "bad"] });
    expect(named.item.error).toContain("'bad'");
  });

  test("among many, of which some are named and the others counted", async () => {
    const { item, names } = await listedWith(Array.from({ length: 200_000 }, () => 7));
    expect(names).toEqual(["first", "last"]);
    expect(item.error).toMatch(/ 199980 more\.$/);
  });
});

describe("a flawed field is skipped", () => {
  const values = [...NOT_OBJECTS, {}, { readOnlyHint: "yes" }];
  const optional = ["description", "annotations", "outputSchema", "icons", "_meta", "title", "execution"];
  const odd = optional.flatMap((field) => values.map((value) => [field, value] as const));

  test.each(odd)("%s: %j", async (field, value) => {
    const { names, functions, item } = await listedWith([{ name: "odd", inputSchema: OBJECT, [field]: value }]);
    expect(names).toEqual(["first", "odd", "last"]);
    expect(functions).toContain("srv__odd");
    expect(item.error).toBeUndefined();
    const { description, annotations } = item.tools[1]!;
    expect(["string", "undefined"]).toContain(typeof description);
    expect(annotations ?? {}).toEqual({});
  });

  test("a flawed hint affects no other hint", async () => {
    const annotations = { readOnlyHint: true, destructiveHint: "no", title: 7, more: "x" };
    const { item } = await listedWith([{ ...sound("odd"), annotations }]);
    expect(item.tools[1]!.annotations).toEqual({ readOnlyHint: true });
  });

  test.each([
    [{}, { type: "object" }],
    [{ properties: { x: {} } }, OBJECT],
    [{ type: ["object", "null"], properties: null, required: null }, { type: "object" }],
    [
      { type: "object", properties: { x: { type: "string", default: null, enum: null } } },
      { type: "object", properties: { x: { type: "string", default: null } } },
    ],
    [
      { $ref: "#/$defs/in", $defs: { in: OBJECT } },
      { $ref: "#/$defs/in", $defs: { in: OBJECT }, type: "object" },
    ],
  ])("the schema %j is readable", async (inputSchema, read) => {
    const { item, calls } = await listedWith([{ name: "odd", inputSchema }]);
    expect(item.error).toBeUndefined();
    expect(item.tools[1]!.input_schema).toEqual(read);
    expect(calls[0]!.request.tools![1]).toMatchObject({ parameters: read });
  });

  test.each(["with space", "a.b/c", "ünïcödé 工具", "x".repeat(200), "line\nbreak"])(
    "the tool named %j is offered under a valid name and called by its own",
    async (name) => {
      await using server = await startMcpServer({ tools: { [name]: { run: () => textResult("called") } } });
      const tool = mcpTool({ server_url: server.url });
      const [fn] = offeredToolNames((await runMcp(storage, { tools: [tool] })).calls[0]!);
      expect(fn).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
      const { response } = await runMcp(storage, { tools: [tool], metadata: scriptSteps(call(fn!)) });
      expect(describeItems(response.output)[1]).toBe(`${name} completed: called`);
    },
  );
});

describe("a list", () => {
  async function listOf(result: unknown) {
    await using server = await startMcpServer({ intercept: interceptWith({ "tools/list": result }) });
    const { response } = await runMcp(storage, { tools: [mcpTool({ server_url: server.url })] });
    const [list, answer] = describeItems(response.output);
    expect(answer).toBe("message");
    return list;
  }

  test.each([{}, { tools: null }, { tools: [] }, { tools: [], nextCursor: null }])("%j is empty", async (result) => {
    expect(await listOf(result)).toBe("list ");
  });

  test.each(["x", 7, {}, true])("with the tools %j is invalid", async (tools) => {
    expect(await listOf({ tools })).toContain("violates the protocol");
  });

  test("with flawed tools only has failed", async () => {
    expect(await listOf({ tools: [{ name: "bad" }] })).toMatch(/^list {2}! Left out of the list: The tool 'bad'/);
  });

  /** Pages by the cursor of the request. */
  async function pagesOf(pageAt: (cursor: unknown, n: number) => object | "fail") {
    const cursors: unknown[] = [];
    await using server = await startMcpServer({
      intercept: async (request, response, body) => {
        const message = JSON.parse(body === "" ? "{}" : body) as { method?: string; params?: { cursor?: unknown } };
        if (message.method !== "tools/list") return false;
        const page = pageAt(message.params?.cursor, cursors.push(message.params?.cursor));
        if (page !== "fail") return await interceptWith({ "tools/list": page })(request, response, body);
        response.writeHead(500).end();
        return true;
      },
    });
    const tool = mcpTool({ server_url: server.url });
    const run = await runMcp(storage, { tools: [tool] });
    return { list: describeItems(run.response.output)[0], cursors, run, tool };
  }

  test("ends at a repeated cursor", async () => {
    const same = await pagesOf(() => ({ tools: [sound("a")], nextCursor: "same" }));
    expect(same).toMatchObject({ list: "list a", cursors: [undefined, "same"] });
    const circle = await pagesOf((_, n) => ({ tools: [sound(`t${n}`)], nextCursor: `${n % 3}` }));
    expect(circle).toMatchObject({ list: "list t1,t2,t3,t4", cursors: [undefined, "1", "2", "0"] });
  });

  test.each(["", null, {}])("with the cursor %j has no more pages", async (nextCursor) => {
    const { list, cursors } = await pagesOf(() => ({ tools: [sound("a")], nextCursor }));
    expect({ list, cursors }).toEqual({ list: "list a", cursors: [undefined] });
  });

  test("without an end is cut, and its tools work", async () => {
    const { list, cursors } = await pagesOf((_, n) => ({ tools: [sound("a")], nextCursor: `${n}` }));
    expect(list).toMatch(/^list a ! The list of tools ends early: .* more than 50 pages/);
    expect(cursors).toHaveLength(50);
  });

  test("that fails after its first page keeps that page, and the next response retries", async () => {
    const { list, run, tool } = await pagesOf((cursor) =>
      cursor === undefined ? { tools: [sound("a")], nextCursor: "next" } : "fail",
    );
    expect(list).toMatch(/^list a ! The list of tools ends early: .*HTTP status 500/);
    expect(offeredToolNames(run.calls[0]!)).toEqual(["srv__a"]);
    const again = await runMcp(storage, { tools: [tool] }, { ancestors: [run.id] });
    expect(describeItems(again.response.output)[0]).toMatch(/^list/);
  });
});
