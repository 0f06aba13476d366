/** Containers of the code interpreter, in the form of openai 7.59.0 (`ContainerRetrieveResponse`). */
import { z } from "zod";
import { bounded } from "./bounded.ts";
import { listQuerySchema } from "./list.ts";

/** Every container belongs to a response, so none has a name of its own. */
export const CONTAINER_NAME = "auto";

export const containerSchema = z.object({
  id: z.string(),
  object: z.literal("container"),
  /** Unix seconds. */
  created_at: z.int(),
  name: z.string(),
  status: z.literal("running"),
  last_active_at: z.int(),
  expires_after: z.object({ anchor: z.literal("last_active_at"), minutes: z.int() }),
  network_policy: z.object({ type: z.literal("disabled") }),
});
export type Container = z.infer<typeof containerSchema>;

export const deletedContainerSchema = z.object({
  id: z.string(),
  object: z.literal("container.deleted"),
  deleted: z.literal(true),
});

const { limit, order, after } = listQuerySchema.shape;
export const containerListQuerySchema = z.object({ limit, order, after, name: bounded.name.optional() });
export type ContainerListQuery = z.infer<typeof containerListQuerySchema>;
