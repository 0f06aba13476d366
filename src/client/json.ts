/** JSON of the wire: only the fields that this client reads are checked. */

export interface ReceivedEvent {
  type: string;
  sequence_number: number;
}

export interface ReceivedResponse {
  status: string;
}

const TERMINAL_EVENTS: ReadonlySet<string> = new Set(["response.completed", "response.incomplete", "response.failed"]);
const ENDED_STATUSES: ReadonlySet<string> = new Set(["completed", "incomplete", "failed", "cancelled"]);

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

export function isReceivedEvent(value: unknown): value is ReceivedEvent {
  return isRecord(value) && typeof value["type"] === "string" && typeof value["sequence_number"] === "number";
}

/** The final response, if the event is the last one of its stream. */
export function terminalResponseOf(event: ReceivedEvent): ReceivedResponse | undefined {
  if (!TERMINAL_EVENTS.has(event.type) || !("response" in event)) return undefined;
  return isReceivedResponse(event.response) ? event.response : undefined;
}

export function isReceivedResponse(value: unknown): value is ReceivedResponse {
  return isRecord(value) && typeof value["status"] === "string";
}

export function hasEnded({ status }: ReceivedResponse): boolean {
  return ENDED_STATUSES.has(status);
}

/** A copy with `output_text`, which the official client adds to what it retrieves. */
export function withOutputText(response: ReceivedResponse): ReceivedResponse {
  const output = "output" in response && Array.isArray(response.output) ? (response.output as unknown[]) : [];
  const text = { output_text: output.flatMap(textsOf).join("") };
  return { ...response, ...text };
}

function textsOf(item: unknown): string[] {
  if (!isRecord(item) || item["type"] !== "message" || !Array.isArray(item["content"])) return [];
  return (item["content"] as unknown[]).flatMap((part) =>
    isRecord(part) && part["type"] === "output_text" && typeof part["text"] === "string" ? [part["text"]] : [],
  );
}
