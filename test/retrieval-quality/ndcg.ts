/** nDCG@10 (Järvelin, Kekäläinen 2002), with the grade as gain. */
const DEPTH = 10;

const discount = (rank: number): number => 1 / Math.log2(rank + 2);

/** `ranked`: ids, best first. Between 0 and 1. */
export function ndcg(ranked: readonly string[], grades: Readonly<Record<string, number>>): number {
  const sum = (gains: readonly number[]): number =>
    gains.slice(0, DEPTH).reduce((total, gain, rank) => total + gain * discount(rank), 0);
  const ideal = sum(Object.values(grades).toSorted((a, b) => b - a));
  return sum(ranked.map((id) => grades[id] ?? 0)) / ideal;
}
