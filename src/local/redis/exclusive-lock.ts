/**
 * A lock file for work that at most one process at a time may do.
 *
 * 1. The file appears with its content: it is written elsewhere and linked into place, which fails if it exists.
 * 2. A dead process holds nothing. Pids are reused, so the holder's start time is compared too, where the system
 * reports it (Linux).
 * 3. If several processes find the same dead holder, only one replaces it: it holds a second lock, named after the dead
 * holder, and checks that the file is still the one it found. The file is replaced atomically, so no latecomer ever
 * finds it missing. If a process crashes during the replacement, its own lock is replaced in the same way.
 */
import { createHash, randomUUID } from "node:crypto";
import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { z } from "zod";
import { isRunning, startTimeOf } from "./process-state.ts";

const holderSchema = z.object({
  pid: z.number().int(),
  /** Absent where the system does not report it. */
  startTime: z.string().optional(),
  /** Distinguishes two holders with the same pid. */
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
 * Held until disposed. Throws `LockHeldError` while this or another living process holds `path` or is replacing a dead
 * holder.
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

/** Returns false if another process took `path` in the meantime. */
async function takeOver(path: string, aside: string, self: LockHolder, found: string): Promise<boolean> {
  const holder = parseHolder(found);
  if (holder !== undefined && (await isAlive(holder))) throw new LockHeldError(path, holder);
  await using _takeover = await acquireLockFile(takeoverPathOf(path, found));
  if ((await readIfThere(path)) !== found) return false;
  await writeFile(aside, JSON.stringify(self));
  await rename(aside, path);
  return true;
}

/** Derived from the whole content, because a foreign program's file may name no holder. */
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
