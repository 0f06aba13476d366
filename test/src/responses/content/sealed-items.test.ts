/** Input items that this server sealed. */
import { randomBytes } from "node:crypto";
import { pino } from "pino";
import { describe, expect, test } from "vitest";
import type { InputItem } from "../../../../src/protocol/item.ts";
import { unsealReasoning, sealReasoning, verifySealedItems } from "../../../../src/responses/content/sealed-items.ts";
import { ContentSealer } from "../../../../src/sealing/content-sealer.ts";

const KEY = randomBytes(32);
const sealer = new ContentSealer([KEY]);
const PROJECT = "alpha";

type Reasoning = Extract<InputItem, { type: "reasoning" }>;
const reasoning = (fields: Partial<Reasoning>): Reasoning => ({
  type: "reasoning",
  id: "rs_1",
  summary: [],
  ...fields,
});
const sealed = (texts: { summary: string[]; content: string[] }) => sealReasoning(sealer, PROJECT, texts);
const summaryOf = (text: string): Reasoning["summary"] => [{ type: "summary_text", text }];

async function open(items: readonly InputItem[], keys = [KEY]) {
  const lines: string[] = [];
  const logger = pino({}, { write: (line: string) => void lines.push(line) });
  return { items: await unsealReasoning({ sealer: new ContentSealer(keys, logger) }, PROJECT, items), lines };
}

describe("sealed reasoning, for the model,", () => {
  test("is text again, without its seal", async () => {
    const item = reasoning({ encrypted_content: sealed({ summary: [], content: ["At length."] }) });
    expect((await open([item])).items).toEqual([
      reasoning({ content: [{ type: "reasoning_text", text: "At length." }] }),
    ]);
  });

  test("has its sealed summary, even if the client changed it", async () => {
    const encrypted_content = sealed({ summary: ["In short."], content: [] });
    for (const summary of [[], summaryOf("Something else.")]) {
      expect((await open([reasoning({ summary, encrypted_content })])).items).toEqual([
        reasoning({ summary: summaryOf("In short.") }),
      ]);
    }
  });

  test("keeps its shown text if it was sealed before it began", async () => {
    const item = reasoning({ summary: summaryOf("In sh"), encrypted_content: sealed({ summary: [], content: [] }) });
    expect((await open([item])).items).toEqual([reasoning({ summary: summaryOf("In sh") })]);
  });

  test("without its key keeps its shown summary, and says so", async () => {
    const text = sealed({ summary: [], content: ["At length."] });
    const item = reasoning({ summary: summaryOf("In short."), encrypted_content: text });
    const { items, lines } = await open([item], [randomBytes(32)]);
    expect(items).toEqual([reasoning({ summary: summaryOf("In short.") })]);
    expect(lines).toEqual([expect.stringContaining("rs_1")]);
    expect(lines[0]).not.toContain(text);
  });
});

test.each<InputItem>([
  reasoning({ encrypted_content: "gAAA" }),
  reasoning({ encrypted_content: null }),
  reasoning({}),
  { type: "compaction", encrypted_content: "gAAA" },
  { type: "message", role: "user", content: "brs1. is not a seal here" },
])("content sealed elsewhere passes unchanged: %#", async (item) => {
  await expect(verifySealedItems(sealer, PROJECT, [item], "input")).resolves.toBeUndefined();
  expect((await open([item])).items).toEqual([item]);
});

test("a sealed item is opened as a compaction only if it is one", async () => {
  const item = (encrypted_content: string): InputItem => ({ type: "compaction", id: "cmp_1", encrypted_content });
  const verify = (text: string) => verifySealedItems(sealer, PROJECT, [item(text)], "input");
  await expect(verify(sealer.seal(PROJECT, "compaction", []))).resolves.toBeUndefined();
  await expect(verify(sealer.seal(PROJECT, "reasoning", []))).rejects.toThrow("item cmp_1 could not be verified");
});
