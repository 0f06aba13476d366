/** What the tools of a response are told when a run opens them. */
import type { OutputItem } from "../../src/protocol/item.ts";
import type { ModelInput } from "../../src/responses/conversations/model-input.ts";
import type { ResponseContext } from "../../src/responses/storage.ts";
import { openProjectContainers } from "./project-containers.ts";
import type { Run } from "../attempt/run.ts";
import type { ToolSession } from "./tool.ts";

export function openToolSession(
  { storage, logger }: Pick<ResponseContext, "storage" | "logger">,
  run: Run,
  { project, request, input, requestItems }: ModelInput,
  responseItems: () => readonly OutputItem[],
): ToolSession {
  return {
    responseId: run.id,
    project,
    request,
    get context() {
      return [...input, ...responseItems()];
    },
    requestItems,
    get responseItems() {
      return responseItems();
    },
    signal: run.control.generating,
    logger: logger.child({ responseId: run.id }),
    containers: openProjectContainers(storage, run, project),
    nextIndex: () => run.writer.state.response.output.length,
    writeEvents: (events) => run.writer.writeAll(events),
  };
}
