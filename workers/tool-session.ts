/** What the tools of a response are told when a run opens them. */
import type { Conversation } from "../src/responses/conversation.ts";
import type { Storage } from "../src/responses/storage.ts";
import type { Run } from "./run.ts";
import type { ToolSession } from "./tool.ts";

export function openSession(
  storage: Storage,
  run: Run,
  { project, request }: Conversation,
  context: ToolSession["context"],
): ToolSession {
  return {
    responseId: run.id,
    project,
    request,
    context,
    signal: run.control.generating,
    logger: storage.logger.child({ responseId: run.id }),
    nextIndex: () => run.writer.state.response.output.length,
    show: (...events) => run.writer.write(...events),
  };
}
