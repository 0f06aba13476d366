/** The port of the API: free, or served by an API process that is ready. */
import { once } from "node:events";
import { createServer } from "node:net";
import { z } from "zod";
import type { Config } from "../../config/config.ts";
import { reachableHost } from "../../local/reachable-host.ts";
import { type Finding, messageOf, ok, problem } from "./finding.ts";

const TIMEOUT_MS = 5_000;
/** The answer of `/readyz`. */
export const readinessSchema = z.looseObject({
  status: z.enum(["ready", "unavailable"]),
  checks: z.record(z.string(), z.boolean()),
  workers: z.record(z.string(), z.number()).optional(),
});

export async function checkPort({ HOST, PORT }: Config): Promise<Finding> {
  if (PORT === 0) return ok("API", "It will listen on any free port.");
  const where = `${HOST}:${PORT}`;
  const error = await tryToListen(HOST, PORT);
  if (error === undefined) return ok("API", `None runs here, and ${where} is free for one.`);
  if (!("code" in error) || error.code !== "EADDRINUSE") {
    return problem("API", `Nothing can listen on ${where}: ${error.message}.`, "Change HOST or PORT.");
  }
  return await askServer(`http://${reachableHost(HOST)}:${PORT}`, where);
}

async function tryToListen(host: string, port: number): Promise<Error | undefined> {
  const probe = createServer();
  try {
    await once(probe.listen(port, host), "listening");
    await new Promise((resolve) => probe.close(resolve));
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

async function askServer(url: string, where: string): Promise<Finding> {
  const other = problem("API", `Another program uses ${where}.`, "Stop it, or set PORT to another port.");
  try {
    const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const parsed = readinessSchema.safeParse(await answer.json());
    if (!parsed.success) return other;
    const { status, checks, workers = {} } = parsed.data;
    const served = Object.entries(workers).map(([queue, count]) => `${count} for the ${queue} queue`);
    if (status === "ready" && served.length === 0) return ok("API", `It is ready at ${url}/v1.`);
    if (status === "ready") return ok("API", `It is ready at ${url}/v1, with workers: ${served.join(", ")}.`);
    const failed = Object.keys(checks).filter((name) => checks[name] === false);
    return problem(
      "API",
      `It runs at ${where} but is not ready: ${failed.join(", ")} fail.`,
      "Correct the errors here first.",
    );
  } catch (error) {
    if (error instanceof SyntaxError) return other;
    return problem(
      "API",
      `What uses ${where} does not answer: ${messageOf(error)}.`,
      "Stop it, or set PORT to another.",
    );
  }
}
