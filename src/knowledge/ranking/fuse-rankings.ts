/**
 * Fuses rankings by reciprocal rank: each adds `weight / (RANK_OFFSET + rank)` to the score of its entries. Scores are
 * divided by the best possible one: 1 is the score of an entry that leads every ranking.
 */

/** From the paper that introduced the method (Cormack, Clarke, Büttcher 2009). It flattens differences between top ranks. */
const RANK_OFFSET = 60;

export interface Ranking<T> {
  weight: number;
  /** Best first, each once. */
  entries: readonly T[];
}

/** Best first. Equal scores keep the order of the first ranking that has them. */
export function fuseRankings<T>(rankings: readonly Ranking<T>[]): { entry: T; score: number }[] {
  const best = rankings.reduce((sum, { weight }) => sum + weight / (RANK_OFFSET + 1), 0);
  if (best === 0) return [];
  const scores = new Map<T, number>();
  for (const { weight, entries } of rankings) {
    for (const [i, entry] of entries.entries()) {
      scores.set(entry, (scores.get(entry) ?? 0) + weight / (RANK_OFFSET + i + 1));
    }
  }
  return [...scores].map(([entry, score]) => ({ entry, score: score / best })).toSorted((a, b) => b.score - a.score);
}
