/**
 * Installs a program from the distribution: only as root on Debian and its derivatives, and only after announcing it.
 */
import { execFile } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { acquireLockFile, LockHeldError } from "./exclusive-lock.ts";

const run = promisify(execFile);

export interface DebianPackage {
  /** The package's name. */
  name: string;
  /** The program's name for people. */
  title: string;
  isInstalled: (environment: NodeJS.ProcessEnv) => Promise<boolean>;
}

const APT_TIMEOUT_MS = 300_000;
/** Time for which apt-get waits for another package manager. */
const APT_LOCK_OPTION = "DPkg::Lock::Timeout=120";
/** Writable only by root, and cleared at boot. */
const INSTALL_LOCK = "/run/background-responses-install.lock";
const LOCK_CHECK_MS = 250;

export async function isDebianRoot(environment: NodeJS.ProcessEnv, uid = process.getuid?.()): Promise<boolean> {
  if (uid !== 0) return false;
  try {
    const release = await readFile("/etc/os-release", "utf8");
    if (!/^ID(_LIKE)?=.*\bdebian\b/m.test(release)) return false;
    await run("apt-get", ["--version"], { env: environment });
    return true;
  } catch {
    return false;
  }
}

export async function installDebianPackage(
  { name, title, isInstalled }: DebianPackage,
  environment: NodeJS.ProcessEnv,
  log: (line: string) => void,
): Promise<void> {
  await using _lock = await waitForInstallLock(log);
  // Another process may have installed it in the meantime.
  if (await isInstalled(environment)) return;
  log(`${title} was not found; installing the Debian package ${name} (apt-get, as root)…`);
  await using _noService = await preventServiceStart();
  try {
    await aptGet(["install", "--yes", "--no-install-recommends", name], environment);
  } catch {
    // The package lists may be missing or outdated. If they are not, the second attempt reports the error.
    await aptGet(["update"], environment);
    await aptGet(["install", "--yes", "--no-install-recommends", name], environment);
  }
  log(`Installed ${name}.`);
}

/** Tests, the demo and a server may start at the same time and would all install it. */
async function waitForInstallLock(log: (line: string) => void): Promise<AsyncDisposable> {
  const end = performance.now() + APT_TIMEOUT_MS;
  let isWaiting = false;
  for (;;) {
    try {
      return await acquireLockFile(INSTALL_LOCK);
    } catch (error) {
      if (!(error instanceof LockHeldError) || performance.now() > end) throw error;
      if (!isWaiting) log(`Process ${error.holder.pid} is installing a package; waiting for it.`);
      isWaiting = true;
    }
    await delay(LOCK_CHECK_MS);
  }
}

const SERVICE_POLICY = "/usr/sbin/policy-rc.d";
const NO_SERVICES =
  "#!/bin/sh\n# Written by background-responses while it installs a package; safe to remove.\nexit 101\n";

/**
 * A server package would start a system service (Redis on port 6379). Debian consults this program first; exit code 101
 * forbids the start. An existing program belongs to the administrator and stays.
 */
async function preventServiceStart(): Promise<AsyncDisposable> {
  try {
    await writeFile(SERVICE_POLICY, NO_SERVICES, { flag: "wx", mode: 0o755 });
  } catch {
    const present = await readFile(SERVICE_POLICY, "utf8").catch(() => undefined);
    const isLeftover = present === NO_SERVICES;
    if (!isLeftover) return { [Symbol.asyncDispose]: async () => undefined };
  }
  return { [Symbol.asyncDispose]: async () => await rm(SERVICE_POLICY, { force: true }) };
}

async function aptGet(args: string[], environment: NodeJS.ProcessEnv): Promise<void> {
  const env = { ...environment, DEBIAN_FRONTEND: "noninteractive" };
  await run("apt-get", ["-o", APT_LOCK_OPTION, ...args], { env, timeout: APT_TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024 });
}
