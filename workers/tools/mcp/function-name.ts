/** How a model knows an MCP server's tool: providers allow letters, digits, _ and -, and at most 64 of them. */
import { createHash } from "node:crypto";

/** Leaves room for the number that a name gets if it is taken. */
const MAX_NAME_LENGTH = 60;
const DIGEST_DIGITS = 8;

/** The same for the same label and tool, in every response. */
export function toMcpFunctionName(label: string, tool: string): string {
  const name = `${label}__${tool}`.replaceAll(/[^a-zA-Z0-9_-]/g, "_");
  if (name.length <= MAX_NAME_LENGTH) return name;
  const digest = createHash("sha256").update(`${label}\n${tool}`).digest("hex").slice(0, DIGEST_DIGITS);
  return `${name.slice(0, MAX_NAME_LENGTH - DIGEST_DIGITS - 1)}_${digest}`;
}
