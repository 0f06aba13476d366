/** A body equals the bytes of its chunks, and its memory is released. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { BodyBytes, releaseBytes } from "../../../../src/http/middleware/body-bytes.ts";

const SEED = 20_261_128;

function read(chunks: readonly Buffer[]): Buffer {
  const bytes = new BodyBytes();
  for (const chunk of chunks) bytes.add(chunk);
  return bytes.toBuffer();
}

test("equals its chunks, of every size", () => {
  const size = fc.oneof(
    fc.integer({ min: 0, max: 64 }),
    fc.integer({ min: 60_000, max: 70_000 }),
    fc.constant(300_000),
  );
  const check = (sizes: number[]): void => {
    const chunks = sizes.map((length, index) => Buffer.alloc(length, index + 1));
    const whole = read(chunks);
    expect(whole.length).toBe(sizes.reduce((sum, each) => sum + each, 0));
    expect(whole.equals(Buffer.concat(chunks))).toBe(true);
  };
  fc.assert(fc.property(fc.array(size, { maxLength: 12 }), check), { seed: SEED, numRuns: 200 });
});

test("that is large releases its memory and leaves its chunks alone", () => {
  const chunk = Buffer.alloc(100_000, 7);
  const whole = read([chunk, chunk]);
  releaseBytes(whole);
  expect(whole.buffer.byteLength).toBe(0);
  expect(chunk.equals(Buffer.alloc(100_000, 7))).toBe(true);
});

test("that is small may share memory with other reads", () => {
  const chunk = Buffer.from("a part of Node's own pool");
  releaseBytes(read([chunk]));
  expect(chunk.toString()).toBe("a part of Node's own pool");
});
