/**
 * How a response starts and ends. Each function checks the status table and answers the lifecycle event to append; the
 * terminal ones carry the whole final response, which is what GET answers from then on (contract.md#snapshots).
 */
import type { ItemEventDraft, LifecycleEventDraft } from "../protocol/event.ts";
import type { OutputItem } from "../protocol/item.ts";
import type {
  IncompleteDetails,
  Response,
  ResponseError,
  ResponseErrorCode,
  ResponseModeration,
  ResponseStatus,
  ToolUsage,
  Usage,
} from "../protocol/response.ts";
import type { ServiceTier } from "../protocol/settings.ts";
import { nextStatus, type Trigger } from "./status.ts";

/** What only a finished response has, taken off again so that a state can be built from any other. */
const UNFINISHED = { completed_at: null, error: null, incomplete_details: null, usage: null } as const;

/** Asks the table, and narrows its answer to the one status that the caller is about to build. */
function assertNextStatus<S extends ResponseStatus>(response: Response, trigger: Trigger, expected: S): S {
  const status = nextStatus(response.status, trigger);
  if (status !== expected) throw new Error(`The status table leads from ${response.status} to ${status}.`);
  return expected;
}

export function createInProgressEvent(response: Response): LifecycleEventDraft {
  const status = assertNextStatus(response, "start", "in_progress");
  return { type: "response.in_progress", response: { ...response, ...UNFINISHED, status } };
}

/** What a provider may say of a response besides its usage of tokens; what it does not say stays as it was. */
export interface ProviderReport {
  toolUsage?: Partial<ToolUsage>;
  moderation?: ResponseModeration;
}

interface ResponseEnding {
  output: OutputItem[];
  usage: Usage;
  serviceTier?: ServiceTier | undefined;
  report?: ProviderReport | undefined;
}

function applyReport({ tool_usage, moderation }: Response, report: ProviderReport = {}) {
  return { tool_usage: { ...tool_usage, ...report.toolUsage }, moderation: report.moderation ?? moderation };
}

/** `completedAt` is in unix seconds. */
export function createCompletedEvent(
  response: Response,
  ending: ResponseEnding,
  completedAt: number,
): LifecycleEventDraft {
  const status = assertNextStatus(response, "complete", "completed");
  const { output, usage } = ending;
  const service_tier = ending.serviceTier ?? resolveServiceTier(response);
  const extras = applyReport(response, ending.report);
  return {
    type: "response.completed",
    response: { ...response, ...UNFINISHED, status, completed_at: completedAt, output, usage, service_tier, ...extras },
  };
}

export function createIncompleteEvent(
  response: Response,
  ending: ResponseEnding,
  details: IncompleteDetails,
): LifecycleEventDraft {
  const status = assertNextStatus(response, "stop", "incomplete");
  const { output, usage } = ending;
  const service_tier = ending.serviceTier ?? resolveServiceTier(response);
  const extras = applyReport(response, ending.report);
  return {
    type: "response.incomplete",
    response: {
      ...response,
      ...UNFINISHED,
      status,
      incomplete_details: details,
      output,
      usage,
      service_tier,
      ...extras,
    },
  };
}

export function createFailedEvent(
  response: Response,
  error: ResponseError,
  usage: Usage | null = null,
  report?: ProviderReport,
): LifecycleEventDraft {
  const status = assertNextStatus(response, "fail", "failed");
  const extras = applyReport(response, report);
  return { type: "response.failed", response: { ...response, ...UNFINISHED, status, error, usage, ...extras } };
}

/** There is no cancel event: `response.failed` with status `cancelled` passes every official client (contract.md#cancelling). */
export function createCancelledEvent(response: Response): LifecycleEventDraft {
  const status = assertNextStatus(response, "cancel", "cancelled");
  return { type: "response.failed", response: { ...response, ...UNFINISHED, status } };
}

/** "auto" while running, what was used in the end; `fast` is shown as `priority` (contract.md#response-object). */
function resolveServiceTier({ service_tier: asked }: Response): ServiceTier {
  if (asked === "auto") return "default";
  return asked === "fast" ? "priority" : asked;
}

/**
 * Closes what was left open: one `output_item.done` with status `incomplete` for each item still in progress, so that no
 * client waits for its end (contract.md#crash-recovery). `openIndices` are places in `output`.
 */
export function createItemClosingEvents(response: Response, openIndices: ReadonlySet<number>): ItemEventDraft[] {
  return response.output.flatMap((item, output_index) => {
    if (!openIndices.has(output_index)) return [];
    const closed = { ...item, status: "incomplete" } as OutputItem;
    return [{ type: "response.output_item.done" as const, output_index, item: closed }];
  });
}

/** A failure in the form clients expect: `type` is always there (contract.md#failures). */
export function responseError(code: ResponseErrorCode, message: string, param: string | null = null): ResponseError {
  const type = code === "server_error" || code === "rate_limit_exceeded" ? code : "invalid_request_error";
  return { code, message, type, param };
}
