/**
 * Reads one page of a server's tool list, tool by tool. A flaw drops only its tool, and an invalid optional field only
 * that field. Flaws are named in the log and to the client.
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
  /** A sentence for each dropped tool. */
  flaws: ListFlaw[];
  /** The length of all that the server sent, including dropped tools. */
  characters: number;
}

export interface ListFlaw {
  /** Undefined for a tool without a valid name. */
  name?: string | undefined;
  sentence: string;
  isTooLong?: boolean;
}

/** Maximum length of one tool. It leaves room for other tools in the list (tool-list-builder.ts). */
const MAX_TOOL_CHARACTERS = 768 * 1024;
/** Clients send list items back, and requests limit names to this length. */
const MAX_NAME_LENGTH = 1_024;
const MAX_SHOWN_NAME_LENGTH = 100;

const HINTS = {
  title: z.string(),
  readOnlyHint: z.boolean(),
  destructiveHint: z.boolean(),
  idempotentHint: z.boolean(),
  openWorldHint: z.boolean(),
} as const;

/** Throws if the answer is not a list. For an empty list, servers may omit the field or send null. */
export function readListedPage(answer: Readonly<Record<string, unknown>>, redact: Redact): ListedPage {
  const { tools = [] } = answer;
  if (tools !== null && !Array.isArray(tools)) throw new McpError(ErrorCode.InvalidRequest, PROTOCOL_VIOLATION);
  const page: ListedPage = { tools: [], flaws: [], characters: 0 };
  for (const [index, raw] of (tools ?? []).entries()) {
    const characters = lengthOf(raw);
    page.characters += characters;
    const read = characters > MAX_TOOL_CHARACTERS ? createLengthFlaw(raw, redact) : readTool(raw, redact);
    if (read.kind === "flaw") page.flaws.push(locateFlaw(index, read.flaw));
    else page.tools.push(read.tool);
  }
  return page;
}

type ReadTool = { kind: "tool"; tool: ListedTool } | { kind: "flaw"; flaw: ListFlaw };

/** Length as JSON. Zero for a value that nests too deeply; checking its schema then finds the flaw. */
function lengthOf(raw: unknown): number {
  try {
    return JSON.stringify(raw).length;
  } catch (error) {
    if (error instanceof RangeError) return 0;
    throw error;
  }
}

function createLengthFlaw(raw: unknown, redact: Redact): ReadTool {
  const name = isRecord(raw) ? raw["name"] : undefined;
  return { kind: "flaw", flaw: { ...describeFlaw(name, redact, "is longer than a model can see"), isTooLong: true } };
}

function readTool(raw: unknown, redact: Redact): ReadTool {
  const flaw = (sentence: string, name?: unknown): ReadTool => ({
    kind: "flaw",
    flaw: describeFlaw(name, redact, sentence),
  });
  if (!isRecord(raw)) return flaw("is not an object");
  const { name, description, inputSchema, annotations } = raw;
  if (typeof name !== "string" || name.trim() === "") return flaw("has no name");
  if (name.length > MAX_NAME_LENGTH) return flaw(`has a name of more than ${MAX_NAME_LENGTH} characters`, name);
  // The server must receive the name unchanged, so a name that contains a secret cannot be redacted.
  if (redact(name) !== name) return flaw("has a name that contains a secret");
  const checked = checkInputSchema(inputSchema);
  if (checked.kind === "flawed") return flaw(`has an inputSchema that ${checked.flaw}`, name);
  const tool = {
    name,
    input_schema: redactTexts(checked.schema, redact),
    ...(typeof description === "string" && { description: redact(description) }),
    ...(isRecord(annotations) && { annotations: redactTexts(validHints(annotations), redact) }),
  };
  return { kind: "tool", tool };
}

/** Drops hints that nothing here reads. They may nest endlessly. */
function validHints(annotations: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const valid = Object.entries(HINTS).filter(([key, schema]) => schema.safeParse(annotations[key]).success);
  return Object.fromEntries(valid.map(([key]) => [key, annotations[key]]));
}

function describeFlaw(name: unknown, redact: Redact, sentence: string): ListFlaw {
  if (typeof name !== "string" || name === "") return { sentence };
  return { name: redact(name).slice(0, MAX_SHOWN_NAME_LENGTH), sentence: redact(sentence) };
}

function locateFlaw(index: number, { name, sentence, ...rest }: ListFlaw): ListFlaw {
  const subject = name === undefined ? `Tool ${index + 1} of the page` : `The tool '${name}'`;
  return { ...rest, name, sentence: `${subject} ${sentence}.` };
}
