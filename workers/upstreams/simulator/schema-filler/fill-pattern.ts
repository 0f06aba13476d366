/**
 * Writes strings that match a simple regular expression: literals, classes, groups, alternatives and counts. They match by
 * construction. The expression is never run, because a client could send one that takes hours.
 */
import type { FillBudget } from "./fill-budget.ts";
import { quote, UnfillableSchemaError } from "./schema.ts";
import { parsePattern, type PatternNode } from "./parse-pattern.ts";
import type { SeededRandom } from "./seeded-random.ts";

const MAX_TRIES = 300;
/** Maximum repetitions that `*` and `+` add, unless a longer string is needed. */
const DEFAULT_STRETCH = 3;
const DEFAULT_STRETCH_ATTEMPTS = 10;
const MAX_LENGTH = 2_000;

export interface Lengths {
  minimum: number;
  maximum: number;
}

export function fillPattern(
  pattern: string,
  { minimum, maximum }: Lengths,
  random: SeededRandom,
  budget: FillBudget,
): string {
  const node = parsePattern(pattern, budget);
  // The attempts cover every length up to twice the wanted one, because both limits may be tight.
  const furthest = 2 * Math.max(DEFAULT_STRETCH, minimum);
  for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
    const stretch =
      attempt < DEFAULT_STRETCH_ATTEMPTS
        ? DEFAULT_STRETCH
        : Math.ceil((furthest * (attempt - DEFAULT_STRETCH_ATTEMPTS)) / MAX_TRIES);
    const written: string[] = [];
    const isWhole = writeNode(node, { random, stretch, written, budget, steps: { left: 10 * MAX_LENGTH } });
    // JSON Schema counts characters, not UTF-16 units. Each entry is one character.
    if (isWhole && written.length >= minimum && written.length <= maximum) return written.join("");
  }
  throw new UnfillableSchemaError(`no string of that length was found for the pattern ${quote(pattern)}.`);
}

interface PatternWriter {
  random: SeededRandom;
  stretch: number;
  written: string[];
  budget: FillBudget;
  steps: { left: number };
}

/** False if the string becomes too long. */
function writeNode(node: PatternNode, writing: PatternWriter): boolean {
  const { random, written, steps, budget } = writing;
  budget.spendSteps(1);
  if (written.length > MAX_LENGTH || steps.left-- <= 0) return false;
  switch (node.kind) {
    case "character":
      written.push(random.pick(node.from));
      return true;
    case "sequence":
      return node.nodes.every((each) => writeNode(each, writing));
    case "alternatives":
      return writeNode(random.pick(node.nodes), writing);
    case "repeat": {
      const times = Math.min(node.maximum, node.minimum + random.below(writing.stretch + 1));
      for (let time = 0; time < times; time++) if (!writeNode(node.node, writing)) return false;
      return true;
    }
  }
}
