/** Multiplies a query with the rows of blocks, in the memory of one WebAssembly module. */
import { createDotProductModule } from "./dot-product-module.ts";
import { MAX_DIMENSIONS, type QuantizedQuery, type QuantizedVectors } from "./quantize.ts";
import { MAX_BLOCK_CHUNKS } from "../words/word-block.ts";

const PAGE_BYTES = 64 * 1024;
const QUERY_AT = 0;
const PRODUCTS_AT = MAX_DIMENSIONS * 2;
const ROWS_AT = PRODUCTS_AT + MAX_BLOCK_CHUNKS * 4;
const PAGES = Math.ceil((ROWS_AT + MAX_BLOCK_CHUNKS * MAX_DIMENSIONS) / PAGE_BYTES);

type DotProducts = (query: number, rows: number, count: number, size: number, products: number) => void;

interface Exports {
  memory: WebAssembly.Memory;
  dotProducts: DotProducts;
}

let exports: Exports | undefined;

function openModule(): Exports {
  // The module declares both exports.
  return new WebAssembly.Instance(createDotProductModule(PAGES)).exports as unknown as Exports;
}

/** One product for each row. The next call overwrites them. */
export function multiplyRows({ codes: query }: QuantizedQuery, { codes, scales }: QuantizedVectors): Int32Array {
  exports ??= openModule();
  const { buffer } = exports.memory;
  const products = new Int32Array(buffer, PRODUCTS_AT, scales.length);
  if (scales.length === 0) return products;
  new Int16Array(buffer, QUERY_AT, query.length).set(query);
  new Int8Array(buffer, ROWS_AT, codes.length).set(codes);
  exports.dotProducts(QUERY_AT, ROWS_AT, scales.length, query.length, PRODUCTS_AT);
  return products;
}
