/** Item statuses. */
import { z } from "zod";

export const itemStatusSchema = z.enum(["in_progress", "completed", "incomplete"]);
export type ItemStatus = z.infer<typeof itemStatusSchema>;

/**
 * Some kinds have no status, or none for an interrupted item. An item of a lost worker still says `incomplete`, so that
 * the next worker and the client recognize it (contract.md#item-status).
 */
export const cutOff = { status: z.literal("incomplete").exactOptional() };
