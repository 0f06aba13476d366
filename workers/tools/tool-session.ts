/** Describes a response to the tools that a run opens for it. */
import type { OutputItem } from "../../src/protocol/item.ts";
import type { ModelInput } from "../../src/responses/conversations/model-input.ts";
import type { ResponseContext } from "../../src/responses/storage.ts";
import { openProjectContainers } from "./project-containers.ts";
import type { Attempt } from "../attempt/attempt.ts";
import type { ToolSession } from "./tool.ts";

export function openToolSession(
  { storage, logger }: Pick<ResponseContext, "storage" | "logger">,
  attempt: Attempt,
  { project, request, input, requestItems }: ModelInput,
  responseItems: () => readonly OutputItem[],
): ToolSession {
  return {
    responseId: attempt.id,
    project,
    request,
    get context() {
      return [...input, ...responseItems()];
    },
    requestItems,
    get responseItems() {
      return responseItems();
    },
    signal: attempt.control.generating,
    logger: logger.child({ responseId: attempt.id }),
    trackListing: (type, server, run) => attempt.progress.trackListing(type, server, run),
    containers: openProjectContainers(storage, attempt),
    nextIndex: () => attempt.writer.state.response.output.length,
    writeEvents: (events) => attempt.writer.writeAll(events),
  };
}
