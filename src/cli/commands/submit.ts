/** `submit`: creates a response, and follows it if asked to. */
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import type OpenAI from "openai";
import type { ClientCli, JsonFlag } from "../cli.ts";
import { exitCodeOf, UsageError } from "../exit-codes.ts";
import { followRun } from "../follow-run.ts";

export interface SubmitFlags extends JsonFlag {
  model: string;
  input?: string;
  file?: string;
  instructions?: string;
  tool?: string[];
  metadata?: string[];
  previous?: string;
  conversation?: string;
  background: boolean;
  follow?: boolean;
}

type Tool = OpenAI.Responses.Tool;
type Request = OpenAI.Responses.ResponseCreateParamsNonStreaming;

export async function submit(cli: ClientCli, words: readonly string[], flags: SubmitFlags): Promise<number> {
  const { client, terminal } = cli;
  if (flags.follow && !flags.background) throw new UsageError("--follow needs a background response.");
  const input = await readInput(words, flags);
  if (input.trim() === "") throw new UsageError("The input is empty.");
  const request = { ...buildRequest(flags), input };
  // The client repeats a request whose answer was lost: the key keeps it from starting a second run.
  const response = await client.responses.create(request, { idempotencyKey: randomUUID() });
  if (flags.follow) {
    if (!flags.json) terminal.note(response.id);
    return await followRun(cli, response.id, flags);
  }
  if (flags.json) terminal.print(JSON.stringify(response));
  else terminal.print(flags.background ? response.id : response.output_text);
  if (flags.background) return 0;
  const reason = response.error?.message ?? response.incomplete_details?.reason;
  if (!flags.json && reason !== undefined) terminal.note(`${response.id} ${response.status}: ${reason}`, "red");
  return exitCodeOf(response.status);
}

function buildRequest({
  model,
  instructions,
  tool = [],
  metadata = [],
  previous,
  conversation,
  background,
}: SubmitFlags) {
  const request: Request = { model, background };
  if (instructions !== undefined) request.instructions = instructions;
  if (tool.length > 0) request.tools = tool.map(parseTool);
  if (metadata.length > 0) request.metadata = Object.fromEntries(metadata.map(parsePair));
  if (previous !== undefined) request.previous_response_id = previous;
  if (conversation !== undefined) request.conversation = conversation;
  return request;
}

/** A tool's type, such as `web_search`, or its JSON. */
function parseTool(value: string): Tool {
  if (!value.trimStart().startsWith("{")) {
    // The interpreter alone has no default for its container.
    const container = value === "code_interpreter" ? { container: { type: "auto" } } : {};
    return { type: value, ...container } as Tool;
  }
  try {
    return JSON.parse(value) as Tool;
  } catch {
    throw new UsageError(`--tool ${value} is not JSON.`);
  }
}

export function parsePair(value: string): [key: string, value: string] {
  const equals = value.indexOf("=");
  if (equals <= 0) throw new UsageError(`--metadata ${value} is not key=value.`);
  return [value.slice(0, equals), value.slice(equals + 1)];
}

/** The words of the command line, `--input`, `--file` or stdin; `-` is stdin. */
async function readInput(words: readonly string[], { input, file }: SubmitFlags): Promise<string> {
  const given = [words.length > 0 ? words.join(" ") : undefined, input, file].filter((each) => each !== undefined);
  if (given.length > 1) throw new UsageError("Give the input once: as words, with --input or with --file.");
  const [value] = given;
  if (value !== undefined && value !== "-") return file === undefined ? value : await readInputFile(file);
  if (value === undefined && process.stdin.isTTY) {
    throw new UsageError("There is no input: give it as words, with --input, with --file, or on stdin.");
  }
  return await text(process.stdin);
}

async function readInputFile(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new UsageError(`--file ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}.`);
  }
}
