/** The release of this program, from its package.json. */
import { readFileSync } from "node:fs";

export function readRelease(): string {
  const file = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(file) as { version: string }).version;
}
