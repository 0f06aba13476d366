/**
 * A lock file, for what at most one process at a time may do.
 *
 * 1. The file appears with its content: it is written aside and linked into place, which fails if one is there.
 * 2. A holder that is dead holds nothing. A pid can be given out again, so the holder's start time counts too, where
 *    the system tells it (Linux).
 * 3. Only one of several processes that find the same dead holder takes its place: that is done under a lock of its
 *    own, named after the dead holder, and only if its file is still the one that was found. The file is replaced in one
 *    step, so there is no moment at which a latecomer finds the place free. A process that dies over it leaves a lock
 *    with a dead holder, which is taken over like any other.
 */
import { createHash, randomUUID } from "node:crypto";
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

export type LockHolder = z.infer<typeof holderSchema>;

export class LockHeldError extends Error {
  override readonly name = "LockHeldError";
  readonly holder: LockHolder;

  constructor(path: string, holder: LockHolder) {
    super(`${path} is held by process ${holder.pid}.`);
    this.holder = holder;
  }
}

const MAX_ATTEMPTS = 10;

/**
 * Held until it is disposed. Throws `LockHeldError` while another living process, or this one, holds `path` or is about
 * to take it over from a dead one.
 */
export async function acquireLockFile(path: string): Promise<AsyncDisposable> {
  const self = { pid: process.pid, startTime: await startTimeOf(process.pid), token: randomUUID() };
  const aside = `${path}.${self.token}`;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const found = await readIfThere(path);
    const isOurs = found === undefined ? await create(path, aside, self) : await takeOver(path, aside, self, found);
    if (isOurs) return { [Symbol.asyncDispose]: async () => await release(path, self.token) };
  }
  throw new Error(`${path} changes hands too often.`);
}

async function release(path: string, token: string): Promise<void> {
  const content = await readIfThere(path);
  const isOurs = content !== undefined && parseHolder(content)?.token === token;
  if (isOurs) await rm(path, { force: true });
}

async function create(path: string, aside: string, self: LockHolder): Promise<boolean> {
  await writeFile(aside, JSON.stringify(self));
  try {
    await link(aside, path);
    return true;
  } catch (error) {
    if (errorCodeOf(error) === "EEXIST") return false;
    throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

/** False if `path` changed hands meanwhile. */
async function takeOver(path: string, aside: string, self: LockHolder, found: string): Promise<boolean> {
  const holder = parseHolder(found);
  if (holder !== undefined && (await isAlive(holder))) throw new LockHeldError(path, holder);
  await using _takeover = await acquireLockFile(takeoverPathOf(path, found));
  if ((await readIfThere(path)) !== found) return false;
  await writeFile(aside, JSON.stringify(self));
  await rename(aside, path);
  return true;
}

/** By the whole content, as that of another program may name no holder. */
function takeoverPathOf(path: string, found: string): string {
  const digest = createHash("sha256").update(found).digest("hex").slice(0, 16);
  return `${path}.after-${digest}`;
}

async function isAlive(holder: LockHolder): Promise<boolean> {
  if (!(await isRunning(holder.pid))) return false;
  const startTime = await startTimeOf(holder.pid);
  return startTime === undefined || holder.startTime === undefined || startTime === holder.startTime;
}

function parseHolder(content: string): LockHolder | undefined {
  try {
    return holderSchema.safeParse(JSON.parse(content)).data;
  } catch {
    return undefined;
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (errorCodeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

function errorCodeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
