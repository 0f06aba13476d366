/** Ids of items that this server makes up: as src/protocol/id.ts writes them, but the same ones each time for the same place. */
import { createHash } from "node:crypto";

export interface ItemPosition {
  responseId: string;
  /** Counted over everything the response produced; makes the ids its own. */
  absoluteIndex: number;
}

export function deriveItemId(prefix: "rs" | "fc" | "ctc" | "ig" | "call" | "msg", position: ItemPosition): string {
  const digits = prefix === "call" ? 24 : 50;
  const hash = createHash("sha256").update(`${prefix} ${position.responseId} ${position.absoluteIndex}`).digest("hex");
  return `${prefix}_${hash.slice(0, digits)}`;
}
