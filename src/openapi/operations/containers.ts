/** Containers. */
import { containerListQuerySchema, containerSchema, deletedContainerSchema } from "../../protocol/container.ts";
import { parseContainerListQuery } from "../../http/validation/validate.ts";
import { type Endpoint, pathParameter, queryParameter } from "../endpoint.ts";
import { faultsOf } from "../refusals.ts";
import { z } from "zod";
import type { JsonSchema } from "../spec.ts";
import { containerListSchema } from "../wire.ts";

const CONTAINER_ID = "cntr_0123456789abcdef0123456789abcdef0123456789abcdef01";
const NOT_THERE = ["malformedContainerId", "containerNotFound", "storeUnavailable"] as const;

const containerId = pathParameter("container_id", "The container's id. Another project's is an unknown one.");
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
    queryParameter("limit", "How many containers to answer.", limit!),
    queryParameter("order", "`desc`: the newest first.", order!),
    queryParameter("after", "Only containers behind the one with this id: the `last_id` of the page before.", after!),
    queryParameter("name", "Only containers of this name. All are called `auto`.", name!),
  ],
  answers: {
    200: {
      description: "A page of containers.",
      content: { "application/json": { schema: containerListSchema, examples: { "One container": page } } },
    },
  },
  refusals: [
    ...faultsOf(parseContainerListQuery as (value: unknown) => unknown, {
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
      description: "The container. What is in it is not shown.",
      content: { "application/json": { schema: containerSchema, examples: { "A container": container } } },
    },
  },
  refusals: NOT_THERE,
};

export const deleteContainer: Endpoint = {
  id: "deleteContainer",
  tag: "Containers",
  summary: "Delete a container",
  description:
    "Its variables, files and history are gone. A response that names it fails at its next call; one with an `auto` container gets a new one.",
  parameters: [containerId],
  answers: {
    200: {
      description: "It is gone.",
      content: {
        "application/json": {
          schema: deletedContainerSchema,
          examples: { Deleted: { id: CONTAINER_ID, object: "container.deleted", deleted: true } },
        },
      },
    },
  },
  refusals: NOT_THERE,
};
