/** What the description of a run reads beside its record. */
import type { ApiContext } from "../../context.ts";
import type { RunReading } from "../../responses/reading/read-run.ts";

export function runReadingOf({ storage, preflight }: ApiContext): RunReading {
  return { storage, findRefusal: () => preflight.findRefusal() };
}
