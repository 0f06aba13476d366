/**
 * A lock file, for what at most one process at a time may do.
 *
 * 1. The file appears with its content: it is written aside and linked into place, which fails if one is there.
 * 2. A holder that is dead holds nothing. A pid can be given out again, so the holder's start time counts too, where
 *    the system tells it (Linux).
 * 3. Only one of several processes that find the same dead holder takes its place: the file is renamed away, and put
 *    back if it turns out to be somebody else's.
 */
import { randomUUID } from "node:crypto";
import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { z } from "zod";
import { isRunning, startTimeOf } from "./process-state.ts";

const holderSchema = z.object({
  pid: z.number().int(),
  /** Absent where the system does not tell. */
  startTime: z.string().optional(),
  /** Distinguishes two holders with one pid. */
  token: z.string(),
});

export type Holder = z.infer<typeof holderSchema>;

export class LockHeldError extends Error {
  override readonly name = "LockHeldError";
  readonly holder: Holder;

  constructor(path: string, holder: Holder) {
    super(`${path} is held by process ${holder.pid}.`);
    this.holder = holder;
  }
}

const TAKEOVER_ATTEMPTS = 10;

/** Held until it is disposed. Throws `LockHeldError` while another living process, or this one, holds `path`. */
export async function acquireLock(path: string): Promise<AsyncDisposable> {
  const self = { pid: process.pid, startTime: await startTimeOf(process.pid), token: randomUUID() };
  const aside = `${path}.${self.token}`;
  for (let attempt = 0; attempt < TAKEOVER_ATTEMPTS; attempt++) {
    if (await create(path, aside, JSON.stringify(self))) {
      return { [Symbol.asyncDispose]: async () => await release(path, self.token) };
    }
    const content = await readIfThere(path);
    if (content === undefined) continue;
    const holder = parseHolder(content);
    if (holder !== undefined && (await isAlive(holder))) throw new LockHeldError(path, holder);
    await removeStale(path, aside, content);
  }
  throw new Error(`${path} changes hands too often.`);
}

async function release(path: string, token: string): Promise<void> {
  const content = await readIfThere(path);
  const isOurs = content !== undefined && parseHolder(content)?.token === token;
  if (isOurs) await rm(path, { force: true });
}

async function create(path: string, aside: string, content: string): Promise<boolean> {
  await writeFile(aside, content);
  try {
    await link(aside, path);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

async function removeStale(path: string, aside: string, expected: string): Promise<void> {
  try {
    await rename(path, aside);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    throw error;
  }
  const removed = await readIfThere(aside);
  if (removed !== undefined && removed !== expected) await create(path, `${aside}.back`, removed);
  await rm(aside, { force: true });
}

async function isAlive(holder: Holder): Promise<boolean> {
  if (!(await isRunning(holder.pid))) return false;
  const startTime = await startTimeOf(holder.pid);
  return startTime === undefined || holder.startTime === undefined || startTime === holder.startTime;
}

function parseHolder(content: string): Holder | undefined {
  try {
    return holderSchema.safeParse(JSON.parse(content)).data;
  } catch {
    return undefined;
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return undefined;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
