/** Derives a function name from an MCP tool's name. Providers allow at most 64 letters, digits, _ and -. */
import { createHash } from "node:crypto";

/** Leaves room for the number of a name that is taken. */
const MAX_NAME_LENGTH = 60;
const DIGEST_DIGITS = 8;

/** The same label and tool give the same name in every response. */
export function toMcpFunctionName(label: string, tool: string): string {
  const name = `${label}__${tool}`.replaceAll(/[^a-zA-Z0-9_-]/g, "_");
  if (name.length <= MAX_NAME_LENGTH) return name;
  const digest = createHash("sha256").update(`${label}\n${tool}`).digest("hex").slice(0, DIGEST_DIGITS);
  return `${name.slice(0, MAX_NAME_LENGTH - DIGEST_DIGITS - 1)}_${digest}`;
}
