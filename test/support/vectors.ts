/** Vectors with clusters, as embeddings have them, and their exact neighbours. */
import { seededRandom } from "./random.ts";

interface VectorSetOptions {
  count: number;
  queries: number;
  dimensions: number;
  seed: number;
}

const CLUSTERS = 200;
/** Length of the part that is a vector's own, for a centre of length 1. */
const SPREAD = 0.7;

export function clusteredVectors({ count, queries, dimensions, seed }: VectorSetOptions): {
  vectors: Float32Array[];
  queries: Float32Array[];
} {
  const random = seededRandom(seed);
  const direction = (length: number): Float32Array => {
    const vector = new Float32Array(dimensions);
    for (let i = 0; i < dimensions; i += 1) vector[i] = random() - 0.5;
    return toLength(vector, length);
  };
  const centres = Array.from({ length: CLUSTERS }, () => direction(1));
  const vector = (): Float32Array => {
    const centre = centres[Math.floor(random() * CLUSTERS)]!;
    const sum = direction(SPREAD);
    for (let i = 0; i < dimensions; i += 1) sum[i] = sum[i]! + centre[i]!;
    return toLength(sum, 1);
  };
  return { vectors: Array.from({ length: count }, vector), queries: Array.from({ length: queries }, vector) };
}

export function cosine(a: Float32Array, b: Float32Array): number {
  let [product, squaresOfA, squaresOfB] = [0, 0, 0];
  for (let i = 0; i < a.length; i += 1) {
    product += a[i]! * b[i]!;
    squaresOfA += a[i]! * a[i]!;
    squaresOfB += b[i]! * b[i]!;
  }
  return product / Math.sqrt(squaresOfA * squaresOfB || 1);
}

/** Indexes of the vectors with the highest cosines, best first. */
export function exactNeighbours(vectors: readonly Float32Array[], query: Float32Array, count: number): number[] {
  return vectors
    .map((vector, index) => ({ index, score: cosine(vector, query) }))
    .toSorted((a, b) => b.score - a.score)
    .slice(0, count)
    .map(({ index }) => index);
}

function toLength(vector: Float32Array, length: number): Float32Array {
  let squares = 0;
  for (const value of vector) squares += value * value;
  const factor = length / Math.sqrt(squares);
  for (let i = 0; i < vector.length; i += 1) vector[i] = vector[i]! * factor;
  return vector;
}
