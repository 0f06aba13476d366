/** The files that items name by id must exist when a request is accepted. They may be deleted before the run reads them. */
import { TimeSlice } from "../../concurrency/time-slice.ts";
import { fileNotFoundIn, inputFilesTooLarge, tooManyInputFiles } from "../../lifecycle/errors/files.ts";
import type { InputItem, OutputItem } from "../../protocol/item.ts";
import { isOwnFileId } from "../../protocol/id.ts";
import type { Storage } from "../storage.ts";

/** Different files that one request may name. */
const MAX_FILES = 200;

export interface FileCheck {
  /** The list that holds the items. */
  param: "input" | "items";
  /** Maximum bytes of all files together. */
  maxBytes: number;
  /** Whether ids of another form may be those of the model's provider. */
  allowsOtherIds: boolean;
}

/** Throws the contract's error for the first file that does not exist, or if they are too many or too large. */
export async function checkFiles(
  { files, clock }: Pick<Storage, "files" | "clock">,
  project: string,
  items: readonly (InputItem | OutputItem)[],
  { param, maxBytes, allowsOtherIds }: FileCheck,
): Promise<void> {
  const named = await findFileIds(items, param, allowsOtherIds);
  if (named.size > MAX_FILES) throw tooManyInputFiles(MAX_FILES, param);
  const nowMs = clock.nowMs();
  const entries = [...named];
  const found = await Promise.all(entries.map(([id]) => files.read(project, id, nowMs)));
  const missing = found.indexOf(undefined);
  if (missing !== -1) throw fileNotFoundIn(entries[missing]![0], entries[missing]![1]);
  const bytes = found.reduce((sum, file) => sum + file!.bytes, 0);
  if (bytes > maxBytes) throw inputFilesTooLarge(bytes, maxBytes, param);
}

/** The ids, each with the path of the parameter that names it first. */
async function findFileIds(
  items: readonly (InputItem | OutputItem)[],
  param: string,
  allowsOtherIds: boolean,
): Promise<Map<string, string>> {
  const named = new Map<string, string>();
  const slice = new TimeSlice();
  for (const [index, item] of items.entries()) {
    if (slice.isOver) await slice.yieldToOthers();
    const { field, parts } = partsOf(item);
    if (!Array.isArray(parts)) continue;
    for (const [i, part] of (parts as unknown[]).entries()) {
      const id = fileIdOf(part);
      if (id === undefined || named.has(id) || (allowsOtherIds && !isOwnFileId(id))) continue;
      named.set(id, `${param}[${index}].${field}[${i}].file_id`);
      if (named.size > MAX_FILES) return named;
    }
  }
  return named;
}

function partsOf(item: InputItem | OutputItem): { field: string; parts: unknown } {
  if ("content" in item) return { field: "content", parts: item.content };
  return { field: "output", parts: "output" in item ? item.output : undefined };
}

function fileIdOf(part: unknown): string | undefined {
  if (typeof part !== "object" || part === null || !("file_id" in part) || !("type" in part)) return undefined;
  const isFile = part.type === "input_file" || part.type === "input_image";
  return isFile && typeof part.file_id === "string" ? part.file_id : undefined;
}
