/** Cells of several responses in one container of a worker. */
import { expect, test } from "vitest";
import { containerIdFor, newId } from "../../../../src/protocol/id.ts";
import type { ProjectContainers } from "../../../../workers/tools/tool.ts";
import { LiveContainers } from "../../../../workers/tools/code-interpreter/live-containers.ts";
import { NEVER_ABORTED, usePython } from "../../../support/python.ts";

/** A store without containers that ignores writes. */
const NO_STATES: ProjectContainers = {
  readVersion: () => Promise.resolve(undefined),
  read: () => Promise.resolve(undefined),
  write: () => Promise.resolve(true),
};

test("a cancelled call stops waiting, and keeps its place for the running cell", async () => {
  const containers = new LiveContainers(usePython({ max: 2 }));
  const containerId = containerIdFor(newId("resp"));
  const cell = { project: "p", containerId, mayCreate: true, hasEarlierCells: false, files: [], timeoutMs: 3_000 };
  const ended: string[] = [];
  const run = async (name: string, code: string, signal: AbortSignal): Promise<void> => {
    await containers.run(NO_STATES, { ...cell, code }, signal).catch(() => {});
    ended.push(name);
  };
  const stop = new AbortController();
  const runs = [
    run("first", "while True: pass", NEVER_ABORTED),
    run("second", "1", stop.signal),
    run("third", "1", NEVER_ABORTED),
  ];
  stop.abort(new Error("cancelled"));
  await Promise.all(runs);
  expect(ended).toEqual(["second", "first", "third"]);
  await containers[Symbol.asyncDispose]();
});
