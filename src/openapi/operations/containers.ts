/** Containers. */
import { containerListQuerySchema, containerSchema, deletedContainerSchema } from "../../protocol/container.ts";
import { parseContainerListQuery } from "../../http/validation/queries.ts";
import { type Endpoint, pathParameter, queryParameter } from "../endpoint.ts";
import { CONTAINER_ID } from "../example-ids.ts";
import { documentErrorsOf } from "../documented-errors.ts";
import { z } from "zod";
import type { JsonSchema } from "../spec.ts";
import { containerListSchema } from "../wire.ts";

const NOT_FOUND_ERRORS = ["malformedContainerId", "containerNotFound", "storeUnavailable"] as const;

const containerId = pathParameter("container_id", "Container id. Ids of other projects count as unknown.");
const container = {
  id: CONTAINER_ID,
  object: "container",
  created_at: 1_775_000_000,
  name: "auto",
  status: "running",
  last_active_at: 1_775_000_060,
  expires_after: { anchor: "last_active_at", minutes: 1_440 },
  network_policy: { type: "disabled" },
};
const page = { object: "list", data: [container], first_id: CONTAINER_ID, last_id: CONTAINER_ID, has_more: false };

const { limit, order, after, name } = z.toJSONSchema(containerListQuerySchema).properties as Record<string, JsonSchema>;

export const listContainers: Endpoint = {
  id: "listContainers",
  tag: "Containers",
  summary: "List the project's containers",
  parameters: [
    queryParameter("limit", "Maximum number of containers per page.", limit!),
    queryParameter("order", "`desc` lists the newest first.", order!),
    queryParameter("after", "List containers after this id. Pass the `last_id` of the previous page.", after!),
    queryParameter("name", "List containers with this name. Every container is named `auto`.", name!),
  ],
  answers: {
    200: {
      description: "A page of containers.",
      content: { "application/json": { schema: containerListSchema, examples: { "One container": page } } },
    },
  },
  errors: [
    ...documentErrorsOf(parseContainerListQuery as (value: unknown) => unknown, {
      "`limit` is below 1.": { limit: "0" },
      "`limit` is above 100.": { limit: "101" },
      "`order` is neither `asc` nor `desc`.": { order: "up" },
    }),
    "listCursorNotFound",
    "storeUnavailable",
  ],
};

export const retrieveContainer: Endpoint = {
  id: "retrieveContainer",
  tag: "Containers",
  summary: "Get a container",
  parameters: [containerId],
  answers: {
    200: {
      description: "The container, without its contents.",
      content: { "application/json": { schema: containerSchema, examples: { "A container": container } } },
    },
  },
  errors: NOT_FOUND_ERRORS,
};

export const deleteContainer: Endpoint = {
  id: "deleteContainer",
  tag: "Containers",
  summary: "Delete a container",
  description:
    "Deletes the variables, files and history of the container. A response that names the container fails at its next call. A response with an `auto` container gets a new one.",
  parameters: [containerId],
  answers: {
    200: {
      description: "The container is deleted.",
      content: {
        "application/json": {
          schema: deletedContainerSchema,
          examples: { Deleted: { id: CONTAINER_ID, object: "container.deleted", deleted: true } },
        },
      },
    },
  },
  errors: NOT_FOUND_ERRORS,
};
