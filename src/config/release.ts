/** The release of this program, from its package.json. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PACKAGE_FOLDER } from "../package-folder.ts";

export function readRelease(): string {
  const file = readFileSync(join(PACKAGE_FOLDER, "package.json"), "utf8");
  return (JSON.parse(file) as { version: string }).version;
}
