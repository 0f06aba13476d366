/** Every event and item through the AI SDK, which checks each against its own schema. */
import { jsonSchema, type ToolSet } from "ai";
import { beforeAll, expect, test } from "vitest";
import { send } from "../../support/api-client.ts";
import { EVERY_KIND, type Kind } from "../../support/every-item.ts";
import type { Line } from "../ai-sdk/lines.ts";
import { type Fixture, KEY } from "../clients/clients.ts";
import { errorOf } from "../clients/requests.ts";
import { NEVER_SENT, ofType, SENT, type Typed } from "./event-types.ts";
import { modelOf, SPARSE_MODEL } from "./provider.ts";

/** The SDK looks up a call when its output arrives. */
const WITH_ITS_CALL: Partial<Record<Kind, Kind>> = {
  shell_call_output: "shell_call",
  tool_search_output: "tool_search_call",
  program_output: "program",
};

/** The SDK skips a streamed item without a schema, and rejects a whole answer that contains one. */
const REJECTED_BY_ALL: Kind[] = [
  "function_call_output",
  "custom_tool_call_output",
  "computer_call_output",
  "local_shell_call_output",
  "apply_patch_call_output",
  "mcp_approval_response",
  "additional_tools",
];
const REJECTED_BY_3: Kind[] = [...REJECTED_BY_ALL, "compaction", "program", "program_output"];

interface Recording {
  raw: Typed[];
  /** The error, and the event before it. */
  errors: { after: string | undefined; problem: string }[];
  finishReason: string;
}

export function testAiSdk(name: string, line: Line, fixture: Fixture): void {
  const { generateText, streamText } = line.ai;
  const rejected = name.includes("ai 6") ? REJECTED_BY_3 : REJECTED_BY_ALL;
  let recordings: Recording[];

  const openProvider = (body: object) =>
    line.createOpenAI({
      baseURL: fixture.api.url,
      apiKey: KEY,
      // The SDK has no option for `background`, and without it there is no `response.queued`.
      fetch: async (url, init) =>
        await fetch(url, { ...init, body: JSON.stringify({ ...JSON.parse(init!.body as string), ...body }) }),
    });

  async function record(model: string): Promise<Recording> {
    const provider = openProvider({ background: true });
    const raw: Typed[] = [];
    const errors: Recording["errors"] = [];
    const result = streamText({
      model: provider.responses(model),
      prompt: "Hello",
      tools: hostedTools(provider),
      maxRetries: 0,
      includeRawChunks: true,
      onError: () => {},
    });
    let finishReason = "none";
    for await (const part of result.fullStream) {
      if (part.type === "raw") raw.push(part.rawValue as Typed);
      if (part.type === "finish") finishReason = part.finishReason;
      if (part.type === "error" || part.type === "tool-error")
        errors.push({ after: raw.at(-1)?.type, problem: firstLine(part.error) });
    }
    return { raw, errors, finishReason };
  }

  beforeAll(async () => {
    recordings = await Promise.all([
      record(modelOf()),
      record(modelOf(["message"], "incomplete")),
      record(modelOf(["message"], "failed")),
      record(modelOf(["message"], "error")),
    ]);
  });

  const read = (type: string) =>
    ofType(
      recordings.flatMap(({ raw }) => raw),
      type,
    );
  const errorsAfter = (type: string) =>
    recordings.flatMap(({ errors }) => errors.filter(({ after }) => after === type));

  test.each(SENT.filter((type) => type !== "response.failed"))("event %s: passes the SDK's checks", (type) => {
    expect(read(type).length).toBeGreaterThan(0);
    expect(errorsAfter(type)).toEqual([]);
  });

  test("event response.failed: is the only event of a failed run", () => {
    expect(recordings.map(({ finishReason }) => finishReason)).toEqual([
      "tool-calls",
      "content-filter",
      "error",
      "error",
    ]);
    expect(errorsAfter("response.failed")).toMatchObject([
      { problem: expect.stringContaining("It broke.") },
      { problem: expect.stringContaining("It broke.") },
    ]);
    expect(recordings.flatMap(({ errors }) => errors)).toHaveLength(2);
  });

  test.each(NEVER_SENT)("event %s: is dropped, though the provider sends it", (type) => {
    expect(read(type)).toEqual([]);
  });

  async function generate(model: string) {
    const provider = openProvider({});
    const tools = hostedTools(provider);
    return await generateText({ model: provider.responses(model), prompt: "Hello", tools, maxRetries: 0 });
  }

  async function generateItem(kind: Kind) {
    const first = WITH_ITS_CALL[kind];
    return await generate(modelOf(first === undefined ? [kind] : [first, kind]));
  }

  test("fields that published types let a provider omit pass the checks", async () => {
    const { errors, finishReason } = await record(SPARSE_MODEL);
    expect(errors).toEqual([]);
    expect(finishReason).not.toBe("error");
    expect((await generate(SPARSE_MODEL)).text).toBe("Hi");
  });

  test.each(EVERY_KIND.filter((kind) => !rejected.includes(kind)))("output item %s: is in one answer", async (kind) => {
    const { response } = await generateItem(kind);
    const url = `${fixture.api.url}/responses/${response.id}`;
    const { body } = await send("GET", url, undefined, { authorization: `Bearer ${KEY}` });
    expect(body.output.at(-1)!.type).toBe(kind);
  });

  test.each(rejected)("output item %s: is skipped in a stream; the SDK rejects an answer with it", async (kind) => {
    const items = read("response.output_item.done") as (Typed & { item: Typed })[];
    expect(items.filter(({ item }) => item.type === kind)).not.toEqual([]);
    expect(errorsAfter("response.output_item.done")).toEqual([]);
    expect(await errorOf(generateItem(kind))).toMatchObject({ message: "Invalid JSON response", statusCode: 200 });
  });
}

/** The head of an SDK error: the rest is the whole schema that did not match. */
function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : JSON.stringify(error)).split("\n")[0]!;
}

/** Under the provider's names, so that no call is to an unknown tool. */
function hostedTools({ tools }: ReturnType<Line["createOpenAI"]>): ToolSet {
  const anything = jsonSchema<Record<string, unknown>>({ type: "object" });
  return {
    look: { inputSchema: anything },
    // Version 3 takes the name from here, version 4 from the key.
    note: tools.customTool({ name: "note" } as object),
    web_search: tools.webSearch({}),
    file_search: tools.fileSearch({ vectorStoreIds: ["vs_1"] }),
    code_interpreter: tools.codeInterpreter({}),
    image_generation: tools.imageGeneration({}),
    mcp: tools.mcp({ serverLabel: "wetlands", serverUrl: "https://example.org" }),
    local_shell: tools.localShell({}),
    shell: tools.shell({}),
    apply_patch: tools.applyPatch({}),
    tool_search: tools.toolSearch({}),
    // Version 3 has neither.
    ...("computer" in tools && { computer: tools.computer({}) }),
    ...("programmaticToolCalling" in tools && { programmatic_tool_calling: tools.programmaticToolCalling() }),
  };
}
