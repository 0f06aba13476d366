/**
 * Vectors as 8-bit integers. A vector is divided by its length, so that a dot product is a cosine, and scaled so that its
 * largest component is 127. Rows are padded to a multiple of 16 components for the scan. docs/decisions/search.md has
 * the recall against 32-bit floats.
 */
const MAX_CODE = 127;
const LANES = 16;
/** As long as the vectors of any model in common use. */
export const MAX_DIMENSIONS = 4_096;

export const rowSizeOf = (dimensions: number): number => Math.ceil(dimensions / LANES) * LANES;

export interface QuantizedVectors {
  dimensions: number;
  /** One row of `rowSizeOf(dimensions)` after the other. */
  codes: Int8Array;
  /** By row: `code × scale` is the component of the vector of length 1. 0 for a vector of zeros. */
  scales: Float32Array;
}

export interface QuantizedQuery {
  dimensions: number;
  codes: Int16Array;
  scale: number;
}

export function quantizeVectors(vectors: readonly Float32Array[], dimensions: number): QuantizedVectors {
  const size = rowSizeOf(dimensions);
  const codes = new Int8Array(vectors.length * size);
  const scales = new Float32Array(vectors.length);
  for (const [row, vector] of vectors.entries()) {
    scales[row] = quantize(vector, MAX_CODE, codes.subarray(row * size, (row + 1) * size));
  }
  return { dimensions, codes, scales };
}

/** As precise as 32-bit sums allow: the product of a row and a query is at most 127 × the query's maximum × dimensions. */
export function quantizeQuery(vector: Float32Array): QuantizedQuery {
  const size = rowSizeOf(vector.length);
  const max = Math.min(2 ** 15 - 1, Math.floor((2 ** 31 - 1) / (MAX_CODE * size)));
  const codes = new Int16Array(size);
  const scale = quantize(vector, max, codes);
  return { dimensions: vector.length, codes, scale };
}

/** Returns the scale. */
function quantize(vector: Float32Array, max: number, codes: Int8Array | Int16Array): number {
  let largest = 0;
  let squares = 0;
  for (const value of vector) {
    largest = Math.max(largest, Math.abs(value));
    squares += value * value;
  }
  if (largest === 0) return 0;
  const factor = max / largest;
  for (let i = 0; i < vector.length; i += 1) codes[i] = Math.round(vector[i]! * factor);
  return 1 / (factor * Math.sqrt(squares));
}

/** The codes, the scales, and the number of dimensions as a Uint32. */
export function encodeVectors({ codes, scales, dimensions }: QuantizedVectors): Buffer {
  return Buffer.concat([
    Buffer.from(codes.buffer, codes.byteOffset, codes.byteLength),
    Buffer.from(scales.buffer, scales.byteOffset, scales.byteLength),
    Buffer.from(Uint32Array.of(dimensions).buffer),
  ]);
}

/** Copies, because the client of Redis returns parts of larger buffers, which would stay in memory. */
export function decodeVectors(encoded: Buffer, rows: number): QuantizedVectors {
  const dimensions = encoded.readUInt32LE(encoded.length - 4);
  const codeBytes = rows * rowSizeOf(dimensions);
  if (encoded.length !== codeBytes + rows * 4 + 4) throw new RangeError("The vectors have another size.");
  const codes = new Int8Array(new Uint8Array(encoded.subarray(0, codeBytes)).buffer);
  const scales = new Float32Array(new Uint8Array(encoded.subarray(codeBytes, -4)).buffer);
  return { dimensions, codes, scales };
}
