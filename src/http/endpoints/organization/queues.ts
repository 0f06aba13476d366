/** `GET /organization/queues`: what waits, and how many workers serve it (contract.md#workers-and-queues). */
import type { RequestHandler } from "express";
import type { QueueStates } from "../../../responses/reading/queue-states.ts";

export function listQueues(states: QueueStates): RequestHandler {
  return async (_request, response) => {
    response.json({ object: "list", data: await states.read() });
  };
}
