import type { AttemptEnd } from "../../src/protocol/run.ts";
import type { ResponseError } from "../../src/protocol/response.ts";
import type { FinalFinish, PostponedFinish } from "../upstreams/upstream.ts";

/**
 * How an attempt ends. `ended`: it ended the response. `not-needed`: the response had ended, or was gone. `lost`: another
 * process has taken it over. `handed-over`: another worker can resume it now. `requeued`: another attempt follows after
 * `waitMs`; `end` says why.
 */
export type AttemptOutcome =
  | { kind: "ended" | "not-needed" | "lost" | "handed-over" }
  | { kind: "requeued"; waitMs: number; end: AttemptEnd };

/** Reports the lease of an attempt, so that its process can check it. */
export type OnLease = (lease: string) => void;

/** How the generation of a response ends. `unsupported`: this worker's configuration lacks something, and another worker's may have it. */
export type Generated =
  | { kind: "finished"; finish: FinalFinish }
  | { kind: "postponed"; finish: PostponedFinish }
  | { kind: "unsupported"; error: ResponseError };
