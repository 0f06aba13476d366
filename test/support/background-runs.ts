/** A provider of the tests' own that runs two messages in its background, and runs of responses over it. */
import type { OutputItem } from "../../src/protocol/item.ts";
import type { Storage } from "../../src/responses/storage.ts";
import { BackgroundUpstreams } from "../../workers/remote/background-upstreams.ts";
import { countingTool } from "./counting-tool.ts";
import { openUpstream } from "./openai-responses.ts";
import {
  type Answer,
  completed,
  created,
  type Frame,
  message,
  refuse,
  type UpstreamServer,
} from "./upstream-server.ts";

const ONE = message(0, "msg_1", ["One ", "and ", "all."]);
const TWO = message(1, "msg_2", ["Two."]);
export const WHOLE = [created(), ...ONE, ...TWO, completed()].map((frame, sequence_number) => ({
  ...frame,
  sequence_number,
}));
/** Where the first message is done. */
export const DONE_ONE = ONE.length;
export const DONE: Frame = WHOLE[DONE_ONE]!;

export const from = (number: number, to = WHOLE.length): Frame[] => WHOLE.slice(number, to);
export const json =
  (body: object): Answer =>
  (response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  };
export const GONE = refuse(404, { message: "Not found" });
export const AWAY = refuse(500, { message: "Oops" });
export const SNAPSHOT = {
  id: "resp_1",
  object: "response",
  output: WHOLE.flatMap((frame: Frame) => (frame.type === "response.output_item.done" ? [frame["item"]] : [])),
};

export interface Setup {
  keeps?: boolean;
}

export function setUp(storage: Storage, server: UpstreamServer, { keeps = true }: Setup = {}) {
  const upstream = openUpstream(server, {}, { background: true, keep_responses: keeps });
  const background = new BackgroundUpstreams(storage, { inBackground: () => ({ upstream, isEnabled: true }) });
  const tool = countingTool();
  return { background, run: { storage, kinds: [tool.kind], upstream, background }, tool };
}

export const asked = ({ requests }: UpstreamServer) => requests.map(({ method, path }) => `${method} ${path}`);
export const textOf = (item: OutputItem) =>
  item.type === "message" ? item.content.map((part) => "text" in part && part.text).join("") : item.type;
export const doneItems = (log: readonly string[]) =>
  log
    .map((data) => JSON.parse(data) as { type: string; item: OutputItem })
    .filter(({ type }) => type === "response.output_item.done")
    .map(({ item }) => `${textOf(item)} ${item.status}`);

export const resumed = (number: number) => `GET /v1/responses/resp_1?stream=true&starting_after=${number}`;
export const BOTH = ["One and all.", "Two."];
