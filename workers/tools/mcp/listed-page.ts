/**
 * One page of a server's list of tools, each of its tools read by itself: a flaw costs the tool that has it, and an optional
 * field that is not what it should be costs that field. The flaws are named, for the log and for the client.
 */
import { z } from "zod";
import { ErrorCode, McpError } from "@modelcontextprotocol/sdk/types.js";
import { type Redact, redactTexts } from "../../../src/logging/redaction.ts";
import { PROTOCOL_VIOLATION } from "./errors.ts";
import { checkInputSchema } from "./input-schema.ts";
import { isRecord } from "./is-record.ts";
import type { ListedTool } from "./tool-filter.ts";

export interface ListedPage {
  tools: ListedTool[];
  /** A sentence for each tool that is left out. */
  flaws: ListFlaw[];
  /** Of all that the server sent, what is of no use included. */
  characters: number;
}

export interface ListFlaw {
  /** Of a tool that has one. */
  name?: string | undefined;
  sentence: string;
  isTooLong?: boolean;
}

/** Of one tool: it leaves room for others in what a list may have (tool-list.ts). */
const MAX_TOOL_CHARACTERS = 768 * 1024;
/** An item of a list is sent back by clients, and its names may be no longer. */
const MAX_NAME_LENGTH = 1_024;
const MAX_SHOWN_NAME_LENGTH = 100;

const HINTS = {
  title: z.string(),
  readOnlyHint: z.boolean(),
  destructiveHint: z.boolean(),
  idempotentHint: z.boolean(),
  openWorldHint: z.boolean(),
} as const;

/** Throws for what is no list at all. Of an empty one, servers may leave out the field or write null. */
export function readListedPage(answer: Readonly<Record<string, unknown>>, redact: Redact): ListedPage {
  const { tools = [] } = answer;
  if (tools !== null && !Array.isArray(tools)) throw new McpError(ErrorCode.InvalidRequest, PROTOCOL_VIOLATION);
  const page: ListedPage = { tools: [], flaws: [], characters: 0 };
  for (const [place, raw] of (tools ?? []).entries()) {
    const characters = lengthOf(raw);
    page.characters += characters;
    const read = characters > MAX_TOOL_CHARACTERS ? createLengthFlaw(raw, redact) : readTool(raw, redact);
    if ("sentence" in read) page.flaws.push(locateFlaw(place, read));
    else page.tools.push(read);
  }
  return page;
}

/** As JSON. What nests too deeply to be written again is left to be found flawed. */
function lengthOf(raw: unknown): number {
  try {
    return JSON.stringify(raw).length;
  } catch (error) {
    if (error instanceof RangeError) return 0;
    throw error;
  }
}

function createLengthFlaw(raw: unknown, redact: Redact): ListFlaw {
  const name = isRecord(raw) ? raw["name"] : undefined;
  return { ...createFlaw(name, redact, "is longer than can be shown to a model"), isTooLong: true };
}

function readTool(raw: unknown, redact: Redact): ListedTool | ListFlaw {
  if (!isRecord(raw)) return { sentence: "is not an object" };
  const { name, description, inputSchema, annotations } = raw;
  if (typeof name !== "string" || name.trim() === "") return { sentence: "has no name" };
  if (name.length > MAX_NAME_LENGTH)
    return createFlaw(name, redact, `has a name of more than ${MAX_NAME_LENGTH} characters`);
  // A tool's name is said back to the server as it is: one that repeats a secret is no name to keep.
  if (redact(name) !== name) return { sentence: "has a name that repeats a secret" };
  const checked = checkInputSchema(inputSchema);
  if ("flaw" in checked) return createFlaw(name, redact, `has an inputSchema that ${checked.flaw}`);
  return {
    name,
    input_schema: redactTexts(checked.schema, redact),
    ...(typeof description === "string" && { description: redact(description) }),
    ...(isRecord(annotations) && { annotations: redactTexts(validHints(annotations), redact) }),
  };
}

/** The others are no hints that anything here reads, and may be nested without end. */
function validHints(annotations: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const sound = Object.entries(HINTS).filter(([key, schema]) => schema.safeParse(annotations[key]).success);
  return Object.fromEntries(sound.map(([key]) => [key, annotations[key]]));
}

function createFlaw(name: unknown, redact: Redact, sentence: string): ListFlaw {
  if (typeof name !== "string" || name === "") return { sentence };
  return { name: redact(name).slice(0, MAX_SHOWN_NAME_LENGTH), sentence: redact(sentence) };
}

function locateFlaw(place: number, { name, sentence, ...rest }: ListFlaw): ListFlaw {
  const which = name === undefined ? `Tool ${place + 1} of the page` : `The tool '${name}'`;
  return { ...rest, name, sentence: `${which} ${sentence}.` };
}
