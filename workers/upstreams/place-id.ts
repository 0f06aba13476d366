/** Ids of items that this server makes up: as src/protocol/id.ts writes them, but the same ones each time for the same place. */
import { createHash } from "node:crypto";

export interface ItemPlace {
  responseId: string;
  /** Counted over everything the response produced; makes the ids its own. */
  absoluteIndex: number;
}

export function placeId(prefix: "rs" | "fc" | "ctc" | "ig" | "call" | "msg", place: ItemPlace): string {
  const digits = prefix === "call" ? 24 : 50;
  const hash = createHash("sha256").update(`${prefix} ${place.responseId} ${place.absoluteIndex}`).digest("hex");
  return `${prefix}_${hash.slice(0, digits)}`;
}
