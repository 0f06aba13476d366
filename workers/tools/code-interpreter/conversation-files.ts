/** Collects the files in a conversation's messages for the container's working folder. */
import { posix, win32 } from "node:path";
import type { ContextItem } from "../../upstreams/upstream.ts";
import type { PythonFile } from "./python-sandbox.ts";

export interface ConversationFiles {
  files: PythonFile[];
  /** Names of files that do not fit. */
  omittedNames: string[];
}

const UNNAMED = "file";
const MAX_NAME_BYTES = 200;

/** The last file of each name counts. The newest files come first if there is not enough room. */
export function collectConversationFiles(
  context: readonly ContextItem[],
  limits: { files: number; fileBytes: number },
): ConversationFiles {
  const byName = new Map<string, string>();
  for (const item of context) {
    if (item.type !== "message" || typeof item.content === "string") continue;
    for (const part of item.content) {
      if (part.type !== "input_file" || part.file_data == null) continue;
      const name = safeName(part.filename ?? UNNAMED);
      byName.delete(name);
      byName.set(name, part.file_data);
    }
  }
  const files: PythonFile[] = [];
  const omittedNames: string[] = [];
  let left = limits.fileBytes;
  for (const [name, data] of [...byName].toReversed()) {
    const bytes = decode(data);
    if (bytes.length > left || files.length >= limits.files) {
      omittedNames.unshift(name);
      continue;
    }
    left -= bytes.length;
    files.unshift({ name, bytes });
  }
  return { files, omittedNames };
}

/** The last part of a path from any system. */
function safeName(filename: string): string {
  const base = posix.basename(win32.basename(filename)).replaceAll("\0", "");
  if (base === "" || base === "." || base === "..") return UNNAMED;
  let name = base;
  while (Buffer.byteLength(name) > MAX_NAME_BYTES) name = name.slice(1);
  return name;
}

/** Decodes base64, or a data URL with base64. */
function decode(data: string): Uint8Array {
  const base64 = data.startsWith("data:") ? data.slice(data.indexOf(",") + 1) : data;
  return new Uint8Array(Buffer.from(base64, "base64"));
}
