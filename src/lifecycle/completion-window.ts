/** Completion windows of background responses (contract.md#completion-windows) and their requirements. */
import type { CreateRequest } from "../protocol/create-request.ts";
import { windowUnsupported } from "./errors/requests.ts";

const HOUR_MS = 60 * 60_000;
const WINDOWS_MS = { "2h": 2 * HOUR_MS, "8h": 8 * HOUR_MS } as const;

type WindowParameters = Pick<CreateRequest, "background" | "background_options" | "service_tier" | "stream">;

/** The window's length in milliseconds; undefined for `soonest` and for foreground responses. */
export function windowMsOf({ background, background_options }: WindowParameters): number | undefined {
  const window = background_options?.completion_window ?? "soonest";
  return background !== true || window === "soonest" ? undefined : WINDOWS_MS[window];
}

/**
 * Throws the 400 for a `2h` or `8h` window whose requirements are not met, in the published order: `background`,
 * standard processing, no stream. `soonest` and `continuation_id` require nothing.
 */
export function checkCompletionWindow({
  background,
  background_options,
  service_tier,
  stream,
}: WindowParameters): void {
  const window = background_options?.completion_window ?? "soonest";
  if (window === "soonest") return;
  if (background !== true) throw windowUnsupported(window, "without 'background': true");
  if (service_tier != null && service_tier !== "auto" && service_tier !== "default") {
    throw windowUnsupported(window, `with 'service_tier': '${service_tier}'`);
  }
  if (stream === true) throw windowUnsupported(window, "with 'stream': true");
}
