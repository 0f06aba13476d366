/** The queues on bull-board, without its actions and without the list of Redis's clients, which is as long as it likes. */
import { createBullBoard } from "@bull-board/api";
import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import type { IServerAdapter } from "@bull-board/api/typings/app";
import type { Queue } from "bullmq";

export function showQueues(queues: readonly Queue[], serverAdapter: IServerAdapter): void {
  createBullBoard({
    queues: queues.map((queue) => new BullMQAdapter(queue, { readOnlyMode: true })),
    serverAdapter,
    options: { uiConfig: { boardTitle: "background-responses", showWorkers: false } },
  });
}
