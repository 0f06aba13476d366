/** Workers and queues. */
import type { Endpoint } from "../endpoint.ts";
import { queueListSchema, workerListSchema } from "../wire.ts";
import { WITHOUT_ADMINS } from "./organization/endpoint.ts";

const worker = {
  object: "organization.worker",
  id: "worker-1:42",
  version: "0.1.0",
  started_at_ms: 1_775_000_000_000,
  seen_at_ms: 1_775_000_600_000,
  queues: { foreground: { slots: 50, used: 0 }, background: { slots: 50, used: 12 } },
};
const none = { waiting: 0, oldest_waiting_ms: null };
const queue = {
  object: "organization.queue",
  name: "background",
  waiting: 3,
  delayed: 1,
  active: 12,
  oldest_waiting_ms: 4_200,
  by_class: {
    first: none,
    priority: none,
    default: { waiting: 2, oldest_waiting_ms: 4_200 },
    flex: none,
    related: none,
    window: { waiting: 1, oldest_waiting_ms: 900_000 },
  },
  workers: 1,
};

const webhooks = {
  object: "organization.queue",
  name: "webhooks",
  waiting: 2,
  delayed: 5,
  active: 1,
  oldest_waiting_ms: 310,
  outbox: 0,
  workers: 1,
};

export const listWorkers: Endpoint = {
  id: "listWorkers",
  tag: "Organization",
  summary: "List the live workers",
  description: "For administrators. A worker that stops answering vanishes within eight seconds.",
  answers: {
    200: {
      description: "All live workers, by name, on one page.",
      content: {
        "application/json": {
          schema: workerListSchema,
          examples: { "One worker": { object: "list", data: [worker] } },
        },
      },
    },
  },
  errors: [WITHOUT_ADMINS, "notAnAdmin", "storeUnavailable"],
};

export const listQueues: Endpoint = {
  id: "listQueues",
  tag: "Organization",
  summary: "Show what waits in the queues",
  description: "For administrators. The answer is at most two seconds old.",
  answers: {
    200: {
      description: "The two queues of responses, and the queue of webhooks.",
      content: {
        "application/json": {
          schema: queueListSchema,
          examples: { "Two queues": { object: "list", data: [queue, webhooks] } },
        },
      },
    },
  },
  errors: [WITHOUT_ADMINS, "notAnAdmin", "storeUnavailable"],
};
