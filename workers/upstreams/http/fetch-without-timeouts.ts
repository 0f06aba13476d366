import { Agent, fetch as undiciFetch } from "undici";
import { withTraceContext } from "../../../src/telemetry/trace-context.ts";

const AGENT_WITHOUT_TIMEOUTS = new Agent({ headersTimeout: 0, bodyTimeout: 0 });

type Fetch = typeof globalThis.fetch;

/** Node's fetch fails after 300 s without a byte, but a model may think for longer. Connection has its own timeouts. */
const fetchPatiently = ((url: string, init: object) =>
  undiciFetch(url, { ...init, dispatcher: AGENT_WITHOUT_TIMEOUTS })) as unknown as Fetch;

/** The fetch of every provider's SDK. */
export const fetchWithoutTimeouts: Fetch = withTraceContext(fetchPatiently);
