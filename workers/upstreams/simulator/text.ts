/** The simulator's prose, split into deltas. One delta is one token: a word with the space before it. */
import type { SeededRandom } from "./schema-filler/seeded-random.ts";
import type { CallOutput } from "./transcript.ts";

export const SELF_DESCRIPTION = "This is the simulator of background-responses, not a model.";

const SUBJECTS = [
  "A durable log",
  "The worker's lease",
  "Each cursor",
  "One quiet stream",
  "A patient subscriber",
  "The sweeper",
  "Every sequence number",
  "A long research run",
];
const VERBS = ["keeps", "waits for", "hands over", "guards", "follows", "remembers"];
const OBJECTS = [
  "the next event",
  "its place in the order",
  "the end of the run",
  "what was already said",
  "the last known number",
  "the work of the one before",
];
const ENDINGS = ["", " until somebody asks", " while the clock runs", " after a restart", " and nothing is lost"];

/** Without a requested length, the text ends with the first sentence that reaches this length. */
const DEFAULT_DELTAS = 40;
const QUOTED_CHARACTERS = 60;
const QUOTED_OUTPUTS = 3;
const SUMMARISED_TEXTS = 4;

export interface ProseShape {
  /** Undefined: as many as the sentences need. */
  deltas: number | undefined;
  /** Minimum bytes in each delta; 0 makes each word a delta. */
  deltaBytes: number;
}

/** `opening`, then filler. */
export function createProseDeltas(opening: string, { deltas, deltaBytes }: ProseShape, random: SeededRandom): string[] {
  const prose: string[] = [];
  let delta = "";
  if (deltas === 0) return prose;
  for (const word of endlessWords(opening, random)) {
    delta += word;
    if (delta.length < deltaBytes) continue;
    prose.push(delta);
    if (deltas === undefined ? prose.length >= DEFAULT_DELTAS && word.endsWith(".") : prose.length === deltas) break;
    delta = "";
  }
  return prose;
}

function* endlessWords(opening: string, random: SeededRandom): Generator<string, never> {
  yield* splitWords(opening);
  let isFirst = opening === "";
  while (true) {
    for (const word of fillerSentence(random).split(" ")) {
      yield isFirst ? word : ` ${word}`;
      isFirst = false;
    }
  }
}

function fillerSentence(random: SeededRandom): string {
  return `${random.pick(SUBJECTS)} ${random.pick(VERBS)} ${random.pick(OBJECTS)}${random.pick(ENDINGS)}.`;
}

/** Splits before spaces, so that the joined pieces equal the text. */
export function splitWords(text: string): string[] {
  return text.match(/\s*\S+|\s+$/g) ?? [];
}

/** Splits JSON between names, numbers and punctuation. */
export function splitJson(json: string): string[] {
  return json.match(/[\p{L}\p{N}_]+|[^\p{L}\p{N}_]+/gu) ?? [];
}

export function createAnswerOpening(userMessage: string | undefined, outputs: readonly CallOutput[]): string {
  const sentences = [SELF_DESCRIPTION];
  if (userMessage !== undefined && userMessage !== "") sentences.push(`The last message says ${quote(userMessage)}.`);
  for (const { name, text } of outputs.slice(0, QUOTED_OUTPUTS)) {
    sentences.push(`From the output of ${name ?? "a call"}: ${quote(text)}.`);
  }
  return sentences.join(" ");
}

/** Quotes the beginning and the end of the conversation, which is enough to recognize it. */
export function summarizeTexts(texts: readonly string[]): string {
  const said = texts.filter((each) => each.trim() !== "");
  const first = said.slice(0, SUMMARISED_TEXTS);
  const last = said.slice(Math.max(first.length, said.length - SUMMARISED_TEXTS));
  const left = said.length - first.length - last.length;
  const between = left === 0 ? "" : ` Then ${left} more.`;
  const quoted = (each: readonly string[]): string => each.map((one) => ` ${quote(one)}`).join("");
  return `${SELF_DESCRIPTION} It was asked to summarise ${said.length} texts:${quoted(first)}.${between}${quoted(last)}`;
}

export function createRefusalOpening(): string {
  return `${SELF_DESCRIPTION} It was asked to refuse, and so it refuses.`;
}

export function createReasoningOpening(): string {
  return "The simulator does not think; it only shows where reasoning would be.";
}

function quote(text: string): string {
  // Much more than is quoted, but not a whole message of megabytes.
  const characters = Array.from(
    text
      .slice(0, 10 * QUOTED_CHARACTERS)
      .trim()
      .replace(/\s+/g, " "),
  );
  const isCut = characters.length > QUOTED_CHARACTERS;
  return `“${characters.slice(0, QUOTED_CHARACTERS).join("").trimEnd()}${isCut ? "…" : ""}”`;
}
