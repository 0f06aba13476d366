/** From the rankings of one or more stores to the chunks that a search returns, with their scores. */
import { fuseRankings } from "./ranking/fuse-rankings.ts";
import type { SearchQuery } from "./search-index.ts";
import type { FoundChunk, StoreRankings } from "./search-store.ts";

const EQUAL_WEIGHTS = { embedding: 1, text: 1 };

export interface ScoredChunk {
  found: FoundChunk;
  score: number;
}

/**
 * Rankings of several stores are merged by what they rank by, which is comparable between stores. With both kinds, the
 * score is that of the fused ranks. With one kind, it is the cosine or the share of the query's words: ranks alone would
 * not say whether even the best chunk has to do with the query.
 */
export function fuseStores(
  rankings: readonly StoreRankings[],
  { weights = EQUAL_WEIGHTS, maxResults, scoreThreshold = 0 }: SearchQuery,
): ScoredChunk[] {
  const byWords = merge(rankings, "byWords", wordScoreOf);
  const byVectors = merge(rankings, "byVectors", cosineOf);
  const isHybrid = weights.embedding > 0 && weights.text > 0 && rankings.some(({ byVectors: some }) => some.length > 0);
  const scored = isHybrid
    ? fuseRankings([
        { weight: weights.text, entries: byWords },
        { weight: weights.embedding, entries: byVectors },
      ]).map(({ entry, score }) => ({ found: entry, score }))
    : chooseRanking(byWords, byVectors, weights.embedding > 0);
  return scored.filter(({ score }) => score >= scoreThreshold).slice(0, maxResults);
}

const wordScoreOf = ({ wordScore = 0 }: FoundChunk): number => wordScore;
/** Vectors that point away from the query are as unrelated as those at a right angle. */
const cosineOf = ({ cosine = 0 }: FoundChunk): number => Math.min(1, Math.max(0, cosine));

function merge(
  rankings: readonly StoreRankings[],
  kind: keyof StoreRankings,
  scoreOf: (found: FoundChunk) => number,
): FoundChunk[] {
  const [only] = rankings;
  if (rankings.length === 1) return only![kind];
  return rankings.flatMap((each) => each[kind]).toSorted((a, b) => scoreOf(b) - scoreOf(a));
}

/** Words, unless the query wants vectors alone and there are some. */
function chooseRanking(byWords: FoundChunk[], byVectors: FoundChunk[], prefersVectors: boolean): ScoredChunk[] {
  if (prefersVectors && byVectors.length > 0) return byVectors.map((found) => ({ found, score: cosineOf(found) }));
  return byWords.map((found) => ({ found, score: wordScoreOf(found) }));
}
