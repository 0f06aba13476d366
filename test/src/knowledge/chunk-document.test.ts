import { expect, test } from "vitest";
import { chunkDocument } from "../../../src/knowledge/chunks/chunk-document.ts";
import { chunkingStrategySchema, DEFAULT_CHUNKING } from "../../../src/protocol/chunking-strategy.ts";

const SMALL = { max_chunk_size_tokens: 100, chunk_overlap_tokens: 30 };
const numbered = (count: number, part: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => part(i)).join("");
const sentences = (count: number): string =>
  numbered(count, (i) => `This is the sentence with number ${i}, which says little. `);

/** Every character that is not white space is in a chunk, in order. */
function expectCovered(text: string, chunks: readonly { text: string }[]): void {
  let covered = 0;
  let from = 0;
  for (const chunk of chunks) {
    const at = text.indexOf(chunk.text, from);
    expect(at).toBeGreaterThanOrEqual(0);
    expect(text.slice(covered, Math.max(covered, at)).trim()).toBe("");
    covered = at + chunk.text.length;
    from = at + 1;
  }
  expect(text.slice(covered).trim()).toBe("");
}

test.each([
  ["sentences", sentences(200)],
  ["paragraphs", Array.from({ length: 60 }, (_, i) => sentences((i % 4) + 1)).join("\n\n")],
  ["one endless word", numbered(4_000, (i) => `x${i}`)],
  ["lines", Array.from({ length: 500 }, (_, i) => `row ${i};${i * 7};value`).join("\n")],
  ["Japanese", numbered(60, (i) => `吾輩は猫である。名前はまだ無い。${i}回どこで生れたかとんと見当がつかぬ。`)],
  ["Thai", numbered(80, (i) => `ภาษาไทยเป็นภาษาที่ไม่มีการเว้นวรรคระหว่างคำ ${i} `)],
  ["emoji", numbered(500, (i) => `👩‍👩‍👧‍👦${i}🏳️‍🌈`)],
])("%s are cut into overlapping chunks that miss nothing", async (_name, text) => {
  for (const strategy of [SMALL, { ...SMALL, chunk_overlap_tokens: 0 }, { ...SMALL, chunk_overlap_tokens: 50 }]) {
    const chunks = await chunkDocument({ text }, strategy);
    expect(chunks.length).toBeGreaterThan(5);
    expectCovered(text, chunks);
    expect(chunks.map(({ index }) => index)).toEqual(chunks.keys().toArray());
    for (const { tokens, text: cut } of chunks) {
      expect(tokens).toBeLessThanOrEqual(strategy.max_chunk_size_tokens);
      expect(cut.isWellFormed()).toBe(true);
    }
    const total = chunks.reduce((sum, { text: { length } }) => sum + length, 0);
    const overlap = total / text.length - 1;
    expect(overlap).toBeLessThan(strategy.chunk_overlap_tokens === 0 ? 0.01 : 1.6);
    if (strategy.chunk_overlap_tokens === 50) expect(overlap).toBeGreaterThan(0.2);
  }
});

test("a chunk begins at a heading if one is near", async () => {
  const parts = Array.from({ length: 8 }, (_, i) => `## Part ${i}\n\n${sentences(5)}`);
  const text = parts.join("\n\n");
  const headings = parts.map((_, i) => ({ level: 2, text: `Part ${i}`, start: text.indexOf(`## Part ${i}`) }));
  const chunks = await chunkDocument({ text, headings }, { ...SMALL, chunk_overlap_tokens: 0 });
  expect(chunks.length).toBeGreaterThanOrEqual(8);
  expect(chunks.filter(({ text: cut }) => cut.startsWith("##"))).toHaveLength(8);
});

test("chunks name their page and the headings above them", async () => {
  const [one, two] = [`# Guide\n\n${sentences(10)}`, `## Install\n\n${sentences(10)}`];
  const text = `${one}\n\n${two}`;
  const second = text.indexOf("## Install");
  const pages = [
    { number: 1, start: 0 },
    { number: 2, start: second },
  ];
  const headings = [
    { level: 1, text: "Guide", start: 0 },
    { level: 2, text: "Install", start: second },
  ];
  const chunks = await chunkDocument({ text, pages, headings }, { ...SMALL, chunk_overlap_tokens: 0 });
  expect(chunks[0]).toMatchObject({ page: 1, heading: "Guide" });
  expect(chunks.at(-1)).toMatchObject({ page: 2, heading: "Guide > Install" });
});

test("a document without text has no chunks", async () => {
  for (const text of ["", " \n\n \t"]) expect(await chunkDocument({ text }, DEFAULT_CHUNKING)).toEqual([]);
});

test("an aborted signal stops the cutting", async () => {
  const aborted = AbortSignal.abort(new Error("stopped"));
  await expect(chunkDocument({ text: sentences(10) }, DEFAULT_CHUNKING, aborted)).rejects.toThrow("stopped");
});

test("a chunk has between 100 and 4096 tokens, and at most half of them overlap", () => {
  const isValid = (max_chunk_size_tokens: number, chunk_overlap_tokens: number): boolean =>
    chunkingStrategySchema.safeParse({ type: "static", static: { max_chunk_size_tokens, chunk_overlap_tokens } })
      .success;
  expect([isValid(100, 50), isValid(4096, 2048), isValid(800, 0)]).toEqual([true, true, true]);
  expect([isValid(99, 0), isValid(4097, 0), isValid(800, 401), isValid(800, -1)]).toEqual([false, false, false, false]);
});
