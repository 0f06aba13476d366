/** Rules of sites that cost too much: their thread is ended, and the process is not blocked. */
import { setImmediate as immediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { RobotsEvaluator } from "../../../../workers/tools/web-search/robots/robots-evaluator.ts";

const NEVER = new AbortController().signal;

describe("a robots.txt that costs too much", () => {
  const A = "a".repeat(8_000);
  test.each([
    ["by its wildcards", `User-agent: *\n${`Disallow: /*${"a*".repeat(1_000)}b\n`.repeat(250)}`],
    ["by its agents", `${"User-agent: a\n".repeat(18_000)}${"Disallow:/a\n".repeat(18_000)}`],
  ])("%s, times out without blocking the process", async (_name, text) => {
    const evaluator = new RobotsEvaluator({ threads: 1, timeoutMs: 2_000 });
    const question = { source: "https://a.example/robots.txt", text, url: `https://a.example/${A}`, agent: "us" };
    const rules = evaluator.isAllowed("p", question, NEVER).catch((error: unknown) => error);
    const process = (async () => {
      for (let turn = 0; turn < 1_000; turn++) await immediate();
      return "process";
    })();
    expect(await Promise.race([rules, process])).toBe("process");
    expect(await rules).toMatchObject({ message: "The site's robots.txt is too complex to read." });
  });
});
