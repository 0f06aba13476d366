/** The script of a fake vendor's model: its turns for each question that it knows. */

export interface ScriptedCall {
  name: string;
  arguments: Readonly<Record<string, unknown>>;
}

/** `stop` also ends a turn with calls, under the vendor's own name for it. */
export type Ending = "stop" | "length" | "refusal";

/** One answer of the model: reasoning, a text and parallel calls. */
export interface ScriptedTurn {
  thinks?: string;
  says?: string;
  calls?: readonly ScriptedCall[];
  ends?: Ending;
}

/** By question: a text in the user's message. Turn n is the answer after n answered rounds of calls. */
export type Script = Readonly<Record<string, readonly ScriptedTurn[]>>;

/** A conversation as every protocol has it. Parallel calls are one step. */
export type Step = { kind: "user"; text: string } | { kind: "calls" };

export interface PlannedTurn {
  turn: ScriptedTurn;
  /** Equal for each try of the same turn. */
  key: string;
}

/**
 * The model finds its position from the history alone, so repeated tries and other vendors' turns do not mislead it.
 */
export function planTurn(script: Script, steps: readonly Step[]): PlannedTurn {
  const known = (step: Step) =>
    Object.keys(script).find((question) => step.kind === "user" && step.text.includes(question));
  const index = steps.findLastIndex((step) => known(step) !== undefined);
  if (index < 0) return improvise(steps);
  const question = known(steps[index]!)!;
  const round = steps.slice(index).filter(({ kind }) => kind === "calls").length;
  const turn = script[question]![round];
  if (turn === undefined) throw new Error(`The script for '${question}' has no turn ${round}.`);
  return { turn, key: `${question} ${round} ${index}` };
}

const ORDER = /^call (\S+)(?: (\{.*\}))?$/gm;

/** Without a script: each user line `call name {"argument":1}` is a call, and any other line is repeated. */
function improvise(steps: readonly Step[]): PlannedTurn {
  const index = steps.findLastIndex(({ kind }) => kind === "user");
  const step = steps[index];
  const text = step?.kind === "user" ? step.text : "";
  const hasCalled = steps.slice(index + 1).some(({ kind }) => kind === "calls");
  const calls = [...text.matchAll(ORDER)].map(([, name = "", json = "{}"]) => ({ name, arguments: JSON.parse(json) }));
  const key = `${text} ${hasCalled} ${index}`;
  if (calls.length > 0 && !hasCalled) return { turn: { thinks: "I am to make calls.", calls }, key };
  return { turn: { thinks: "I am to answer.", says: hasCalled ? "The calls are made." : `You said: ${text}` }, key };
}

/** Pieces of a text as a model writes them. */
export function words(text: string): string[] {
  return text.match(/\s*\S+\s*$|\s*\S+/g) ?? [];
}
