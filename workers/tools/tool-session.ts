/** What the tools of a response are told when a run opens them. */
import type { OutputItem } from "../../src/protocol/item.ts";
import type { Conversation } from "../../src/responses/conversations/conversation.ts";
import type { Storage } from "../../src/responses/storage.ts";
import { containersOf } from "./containers-of.ts";
import type { Run } from "../attempt/run.ts";
import type { ToolSession } from "./tool.ts";

export function openSession(
  storage: Storage,
  run: Run,
  { project, request, input, own }: Conversation,
  produced: () => readonly OutputItem[],
): ToolSession {
  return {
    responseId: run.id,
    project,
    request,
    get context() {
      return [...input, ...produced()];
    },
    own,
    get produced() {
      return produced();
    },
    signal: run.control.generating,
    logger: storage.logger.child({ responseId: run.id }),
    containers: containersOf(storage, run, project),
    nextIndex: () => run.writer.state.response.output.length,
    show: (events) => run.writer.writeAll(events),
  };
}
