/** Ids of items that this server creates: like those of src/protocol/id.ts, but the same for the same position. */
import { createHash } from "node:crypto";

export interface ItemPosition {
  responseId: string;
  /** Counts all output items of the response, which makes ids unique within it. */
  absoluteIndex: number;
}

export interface OutputPosition extends ItemPosition {
  /** Counted from 0 in this call. */
  output_index: number;
}

export function deriveItemId(prefix: "rs" | "fc" | "ctc" | "ig" | "call" | "msg", position: ItemPosition): string {
  const digits = prefix === "call" ? 24 : 50;
  const hash = createHash("sha256").update(`${prefix} ${position.responseId} ${position.absoluteIndex}`).digest("hex");
  return `${prefix}_${hash.slice(0, digits)}`;
}
