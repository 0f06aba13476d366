/**
 * A WebAssembly module with one function, written out instruction by instruction: `dotProducts(query, rows, count, size,
 * products)` multiplies a query with each of `count` rows, 16 components at a time. In the module's memory,
 *
 *   query     has `size` Int16
 *   rows      have `size` Int8 each, one row behind the other
 *   products  get one Int32 for each row
 *
 * `size` is a multiple of 16. The caller chooses a query so small that no product overflows (quantize.ts). JavaScript
 * needs many times as long (docs/decisions/search.md). Encoding: WebAssembly Core Specification 2.0, chapter 5.
 */
const I32 = 0x7f;
const V128 = 0x7b;
const VOID = 0x40;
const SIMD = 0xfd;

const [QUERY, ROW, COUNT, SIZE, PRODUCT, ROWS_LEFT, COMPONENTS_LEFT, AT, SUM, CODES] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const tee = (local: number): number[] => [0x22, local];
const constant = (value: number): number[] => [0x41, value];
const ADD = [0x6a];
const SUBTRACT = [0x6b];
const loop = (...body: number[][]): number[] => [0x03, VOID, ...body.flat(), 0x0b];
/** Repeats the innermost loop if the value on the stack is not 0. */
const REPEAT_IF = [0x0d, 0];
const storeI32 = [0x36, 2, 0];
/** Loads 16 bytes, whose address need not be aligned. */
const loadV128 = (offset: number): number[] => [SIMD, 0x00, 0, offset];
const ZERO_V128 = [SIMD, 0x0c, ...Array<number>(16).fill(0)];
/** The first and the last eight of 16 Int8 as Int16. */
const EXTEND_LOW = [SIMD, 0x87, 0x01];
const EXTEND_HIGH = [SIMD, 0x88, 0x01];
/** Multiplies eight pairs of Int16, and adds neighbours to four Int32. */
const DOT = [SIMD, 0xba, 0x01];
const ADD_I32X4 = [SIMD, 0xae, 0x01];
const lane = (index: number): number[] => [SIMD, 0x1b, index];
const END = 0x0b;

const increase = (local: number, by: number): number[] => [...get(local), ...constant(by), ...ADD, ...set(local)];
const decrease = (local: number, by: number): number[] => [...get(local), ...constant(by), ...SUBTRACT, ...tee(local)];

const multiply = (half: number[], offset: number): number[] => [
  ...get(CODES),
  ...half,
  ...get(AT),
  ...loadV128(offset),
  ...DOT,
];

const componentLoop = loop(
  [...get(ROW), ...loadV128(0), ...set(CODES)],
  [...get(SUM), ...multiply(EXTEND_LOW, 0), ...ADD_I32X4],
  [...multiply(EXTEND_HIGH, 16), ...ADD_I32X4, ...set(SUM)],
  increase(ROW, 16),
  increase(AT, 32),
  [...decrease(COMPONENTS_LEFT, 16), ...REPEAT_IF],
);

const sumOfLanes = [0, 1, 2, 3].flatMap((index) => [...get(SUM), ...lane(index), ...(index === 0 ? [] : ADD)]);

const rowLoop = loop(
  [...get(QUERY), ...set(AT)],
  [...get(SIZE), ...set(COMPONENTS_LEFT)],
  [...ZERO_V128, ...set(SUM)],
  componentLoop,
  [...get(PRODUCT), ...sumOfLanes, ...storeI32],
  increase(PRODUCT, 4),
  [...decrease(ROWS_LEFT, 1), ...REPEAT_IF],
);

/** Three Int32 and two vectors, in addition to the parameters. */
const locals = [2, 3, I32, 2, V128];
const code = [...locals, ...get(COUNT), ...set(ROWS_LEFT), ...rowLoop, END];

/** LEB128 of an unsigned number below 2^14. */
const unsigned = (value: number): number[] => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, value >> 7]);
const named = (name: string, kind: number): number[] => [name.length, ...Buffer.from(name), kind, 0];
const section = (id: number, content: readonly number[]): number[] => [id, ...unsigned(content.length), ...content];

const MAGIC_AND_VERSION = [...Buffer.from("\0asm"), 1, 0, 0, 0];

/** `pages`: size of the memory in units of 64 KiB, below 128. */
export function createDotProductModule(pages: number): WebAssembly.Module {
  return new WebAssembly.Module(
    new Uint8Array([
      ...MAGIC_AND_VERSION,
      // Type 0: five Int32, no result.
      ...section(1, [1, 0x60, 5, I32, I32, I32, I32, I32, 0]),
      ...section(3, [1, 0]),
      ...section(5, [1, 0, pages]),
      ...section(7, [2, ...named("memory", 2), ...named("dotProducts", 0)]),
      ...section(10, [1, ...unsigned(code.length), ...code]),
    ]),
  );
}
