import { Agent, fetch as undiciFetch } from "undici";

const AGENT_WITHOUT_TIMEOUTS = new Agent({ headersTimeout: 0, bodyTimeout: 0 });

/** Node's fetch fails after 300 s without a byte, but a model may think for longer. Connection has its own timeouts. */
export const fetchWithoutTimeouts = ((url: string, init: object) =>
  undiciFetch(url, { ...init, dispatcher: AGENT_WITHOUT_TIMEOUTS })) as unknown as typeof globalThis.fetch;
