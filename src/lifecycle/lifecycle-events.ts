/**
 * The events that start and end a response. Each function consults the status table and returns the lifecycle event to
 * append. Terminal events carry the whole final response, which GET returns from then on (contract.md#snapshots).
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
import type { ServiceTier } from "../protocol/request-options.ts";
import { nextStatus, type Trigger } from "./status.ts";

/** Resets the fields that only a finished response has, so that a new state can be built from any other. */
const UNFINISHED = { completed_at: null, error: null, incomplete_details: null, usage: null } as const;

/** Consults the table and narrows the result to the status that the caller builds. */
function assertNextStatus<S extends ResponseStatus>(response: Response, trigger: Trigger, expected: S): S {
  const status = nextStatus(response.status, trigger);
  if (status !== expected) throw new Error(`The status table leads from ${response.status} to ${status}.`);
  return expected;
}

export function createInProgressEvent(response: Response): LifecycleEventDraft {
  const status = assertNextStatus(response, "start", "in_progress");
  return { type: "response.in_progress", response: { ...response, ...UNFINISHED, status } };
}

/** Facts about a response that a provider may report in addition to token usage. Unreported facts keep their value. */
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

/** `completedAt` is in Unix seconds. */
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

/**
 * There is no cancel event: `response.failed` with status `cancelled` passes every official client
 * (contract.md#cancelling).
 */
export function createCancelledEvent(response: Response): LifecycleEventDraft {
  const status = assertNextStatus(response, "cancel", "cancelled");
  return { type: "response.failed", response: { ...response, ...UNFINISHED, status } };
}

/** "auto" while running, the used tier at the end; `fast` is shown as `priority` (contract.md#response-object). */
function resolveServiceTier({ service_tier: asked }: Response): ServiceTier {
  if (asked === "auto") return "default";
  return asked === "fast" ? "priority" : asked;
}

/**
 * Closes open items: one `output_item.done` with status `incomplete` each, so that no client waits for their end
 * (contract.md#crash-recovery). `openIndices` are indices of `output`.
 */
export function createItemClosingEvents(response: Response, openIndices: ReadonlySet<number>): ItemEventDraft[] {
  return response.output.flatMap((item, output_index) => {
    if (!openIndices.has(output_index)) return [];
    const closed = { ...item, status: "incomplete" } as OutputItem;
    return [{ type: "response.output_item.done" as const, output_index, item: closed }];
  });
}

/** An error in the form that clients expect, with `type` always set (contract.md#failures). */
export function responseError(code: ResponseErrorCode, message: string, param: string | null = null): ResponseError {
  const type = code === "server_error" || code === "rate_limit_exceeded" ? code : "invalid_request_error";
  return { code, message, type, param };
}
