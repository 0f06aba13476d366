/** Where an item stands. */
import { z } from "zod";

export const itemStatusSchema = z.enum(["in_progress", "completed", "incomplete"]);
export type ItemStatus = z.infer<typeof itemStatusSchema>;

/**
 * Some kinds have no status, or no word for an item that was cut off. An item that a lost worker left behind says
 * `incomplete` all the same: it is how the next worker and the client know it (contract.md#item-status).
 */
export const cutOff = { status: z.literal("incomplete").exactOptional() };
