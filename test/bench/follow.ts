/** One subscriber that parses its stream. For measurements with few events. */
import { get, type IncomingMessage, request } from "node:http";
import { once } from "node:events";

export interface FollowedEvent {
  id: number;
  type: string;
  data: string;
}

export interface Followed {
  /** Resolves at the end of the stream, or once the subscriber leaves. */
  ended: Promise<void>;
  leave: () => void;
}

export type OnEvent = (event: FollowedEvent) => void;

/** Resolves once the stream has begun. */
export async function follow(port: number, path: string, onEvent: OnEvent): Promise<Followed> {
  return await read(get({ port, host: "127.0.0.1", path, agent: false }), onEvent);
}

export async function postAndFollow(
  port: number,
  body: object,
  onEvent: OnEvent,
  more: Record<string, string> = {},
): Promise<Followed> {
  const headers = { "content-type": "application/json", ...more };
  const sent = request({ port, host: "127.0.0.1", path: "/v1/responses", method: "POST", headers, agent: false });
  sent.end(JSON.stringify(body));
  return await read(sent, onEvent);
}

async function read(sent: ReturnType<typeof request>, onEvent: OnEvent): Promise<Followed> {
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  if (response.statusCode !== 200) throw new Error(`The stream was answered ${response.statusCode}.`);
  let text = "";
  response.setEncoding("utf8").on("data", (chunk: string) => {
    const frames = (text + chunk).split("\n\n");
    text = frames.pop()!;
    for (const frame of frames) {
      const event = parseFrame(frame);
      if (event !== undefined) onEvent(event);
    }
  });
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  response.once("close", resolve).on("error", () => resolve());
  return { ended, leave: () => void response.destroy() };
}

/** The server writes its frames in exactly this form (src/stream/fan-out/frame.ts); heartbeats are lines before one. */
function parseFrame(frame: string): FollowedEvent | undefined {
  const match = /^(?:: .+\n)*id: (\d+)\nevent: (.+)\ndata: (.+)$/.exec(frame);
  return match === null ? undefined : { id: Number(match[1]), type: match[2]!, data: match[3]! };
}
