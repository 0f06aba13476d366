/** Popular clients after a worker crash: each text appears once, and each call is executed once and whole. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FollowingPage } from "../support/following-page.ts";
import { recordOutsideConnections } from "../support/outside-connections.ts";
import { uniquePrefix } from "../support/redis.ts";
import { AMOUNT, ANNOUNCEMENT } from "../support/stopping-vendor.ts";
import { allRuns } from "./clients/runs/all.ts";
import { type Experience, type Experiences, type Loss, LosingServer, payeeOf } from "./clients/worker-loss.ts";

const outside = recordOutsideConnections();
let page: FollowingPage;
let server: LosingServer;
const runs = allRuns(() => page);
const names = [...runs.keys()];

beforeAll(async () => {
  page = await FollowingPage.start();
  server = await LosingServer.start(runs, uniquePrefix(), page.origin);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await page[Symbol.asyncDispose]();
});

/** Otherwise nothing was lost, and the test would prove nothing. */
function expectTakenOver({ record, lost }: Experience, loss: Loss): void {
  expect(record["worker"]).not.toMatch(new RegExp(`:${lost.child.pid}$`));
  expect(record["attempts"]).toBe(loss === "SIGKILL" ? "2" : "1");
}

describe.each<Loss>(["SIGKILL", "SIGTERM"])("%s of the worker", (loss) => {
  describe("in the middle of a text", () => {
    let experiences: Experiences;
    beforeAll(async () => {
      experiences = await server.inText(loss);
    });

    test.each(names)("%s: the shown text is the response's", async (name) => {
      const experience = (await experiences.get(name))!;
      const { deltas, text, responseId } = experience;
      expectTakenOver(experience, loss);
      expect(deltas.join("")).toBe(await server.textOf(responseId));
      expect(text).toBe(deltas.join(""));
    });
  });

  describe("in the middle of a call", () => {
    let experiences: Experiences;
    beforeAll(async () => {
      experiences = await server.inCall(loss);
    });

    test.each(names)("%s: the call is executed once with all arguments", async (name) => {
      const experience = (await experiences.get(name))!;
      const { deltas, payments, text } = experience;
      expectTakenOver(experience, loss);
      const payee = payeeOf(name, loss);
      const paid = `Paid ${AMOUNT} to ${payee}.`;
      expect(payments).toEqual([{ payee, amount: AMOUNT }]);
      expect(text).toBe(paid);
      expect(deltas.join("")).toBe(ANNOUNCEMENT + paid);
    });
  });
});

test("no client connects to anything but the server", () => {
  expect(outside).toEqual([]);
});
