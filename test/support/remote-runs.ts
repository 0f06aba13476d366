/** A provider of the tests' own that runs two messages in its background, and runs of responses over it. */
import type { OutputItem } from "../../src/protocol/item.ts";
import { silentLogger } from "./storage.ts";
import type { Storage } from "../../src/responses/storage.ts";
import { RemoteRunTracker } from "../../workers/remote/remote-run-tracker.ts";
import { countingTool } from "./counting-tool.ts";
import { openUpstream } from "./openai-responses.ts";
import {
  type Answer,
  completed,
  created,
  type Frame,
  message,
  answerError,
  type UpstreamServer,
} from "./upstream-server.ts";

const ONE = message(0, "msg_1", ["One ", "and ", "all."]);
const TWO = message(1, "msg_2", ["Two."]);
export const ALL_FRAMES = [created(), ...ONE, ...TWO, completed()].map((frame, sequence_number) => ({
  ...frame,
  sequence_number,
}));
/** Where the first message is done. */
export const FIRST_DONE_INDEX = ONE.length;
export const FIRST_DONE: Frame = ALL_FRAMES[FIRST_DONE_INDEX]!;

export const framesFrom = (number: number, to = ALL_FRAMES.length): Frame[] => ALL_FRAMES.slice(number, to);
export const json =
  (body: object): Answer =>
  (response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  };
export const NOT_FOUND = answerError(404, { message: "Not found" });
export const SERVER_ERROR = answerError(500, { message: "Oops" });
export const SNAPSHOT = {
  id: "resp_1",
  object: "response",
  output: ALL_FRAMES.flatMap((frame: Frame) => (frame.type === "response.output_item.done" ? [frame["item"]] : [])),
};

export interface RemoteRunSetup {
  keeps?: boolean;
}

export function setUpRemoteRuns(storage: Storage, server: UpstreamServer, { keeps = true }: RemoteRunSetup = {}) {
  const upstream = openUpstream(server, {}, { background: true, keep_responses: keeps });
  const remoteRuns = new RemoteRunTracker(
    storage,
    { findBackground: () => ({ upstream, isEnabled: true }) },
    silentLogger,
  );
  const tool = countingTool();
  return { remoteRuns, run: { storage, kinds: [tool.kind], upstream, remoteRuns }, tool };
}

export const listRequests = ({ requests }: UpstreamServer) => requests.map(({ method, path }) => `${method} ${path}`);
export const itemText = (item: OutputItem) =>
  item.type === "message" ? item.content.map((part) => "text" in part && part.text).join("") : item.type;
export const doneItems = (log: readonly string[]) =>
  log
    .map((data) => JSON.parse(data) as { type: string; item: OutputItem })
    .filter(({ type }) => type === "response.output_item.done")
    .map(({ item }) => `${itemText(item)} ${item.status}`);

export const resumeRequest = (number: number) => `GET /v1/responses/resp_1?stream=true&starting_after=${number}`;
export const BOTH_TEXTS = ["One and all.", "Two."];
