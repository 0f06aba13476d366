/** The relationships of a part of an Office document to other parts (ECMA-376 part 2 §6.5). */
import { readXml } from "./xml-events.ts";
import type { ZipArchive } from "./zip-archive.ts";

export interface Relationship {
  /** The last word of its type: `slide`, `notesSlide`, `worksheet`. */
  type: string;
  /** The name of the other part in the archive. */
  target: string;
}

export function relationshipsName(part: string): string {
  const at = part.lastIndexOf("/") + 1;
  return `${part.slice(0, at)}_rels/${part.slice(at)}.rels`;
}

/** By id. Empty if the part has none. */
export function readRelationships(archive: ZipArchive, part: string): Map<string, Relationship> {
  const relationships = new Map<string, Relationship>();
  const bytes = archive.take(relationshipsName(part));
  if (bytes === undefined) return relationships;
  readXml(bytes, {
    open: ({ name, attributes: { Id: id, Type: type, Target: target, TargetMode: mode } }) => {
      if (name !== "Relationship" || id === undefined || target === undefined || mode === "External") return;
      relationships.set(id, { type: type?.split("/").at(-1) ?? "", target: resolveName(part, target) });
    },
  });
  return relationships;
}

/** Resolves a path in an archive. Paths that leave the archive end at its top. */
export function resolveName(base: string, target: string): string {
  const path = target.startsWith("/") ? [] : base.split("/").slice(0, -1);
  for (const step of target.split("/")) {
    if (step === "..") path.pop();
    else if (step !== "" && step !== ".") path.push(step);
  }
  return path.join("/");
}

/** The part that the whole document begins with. */
export function findMainPart(archive: ZipArchive, fallback: string): string {
  const main = readRelationships(archive, "")
    .values()
    .find(({ type }) => type === "officeDocument");
  return main !== undefined && archive.has(main.target) ? main.target : fallback;
}
