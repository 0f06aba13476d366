/** A Chromium for tests that need a browser: an installed one, or the distribution's package. */
import { execFile } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { type Browser, chromium } from "playwright-core";
import { type DebianPackage, installDebianPackage, isDebianRoot } from "../../src/local/redis/debian-package.ts";

const run = promisify(execFile);

/** Chrome counts as one. */
const PROGRAMS = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
const VERSION_TIMEOUT_MS = 30_000;
const PACKAGE: DebianPackage = {
  name: "chromium",
  title: "Chromium",
  isInstalled: async (environment) => (await findChromium(environment)) !== undefined,
};

/** It resolves no name and requests nothing: it reaches only addresses of this machine. */
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

export class NoChromiumError extends Error {
  override readonly name = "NoChromiumError";
  constructor(finding: string, options?: ErrorOptions) {
    const names = PROGRAMS.join(", ");
    super(`No Chromium was found (${finding}). Install one, so that the PATH has one of ${names}.`, options);
  }
}

/** Headless, with its own profile, which is removed with it. */
export async function launchChromium(): Promise<Browser> {
  const executablePath = await ensureChromium(process.env, (line) => void process.stderr.write(`${line}\n`));
  return await chromium.launch({ executablePath, headless: true, args: ARGUMENTS });
}

/** The program's path. */
export async function ensureChromium(environment: NodeJS.ProcessEnv, log: (line: string) => void): Promise<string> {
  const found = await findChromium(environment);
  if (found !== undefined) return found;
  if (!(await isDebianRoot(environment))) throw new NoChromiumError("and only root on Debian may install one");
  try {
    await installDebianPackage(PACKAGE, environment, log);
  } catch (error) {
    throw new NoChromiumError(`apt-get could not install ${PACKAGE.name}`, { cause: error });
  }
  const installed = await findChromium(environment);
  if (installed === undefined) throw new NoChromiumError(`the distribution's package ${PACKAGE.name} brings none`);
  return installed;
}

/** The first that runs: without snap, Ubuntu's `chromium-browser` only prints a hint. */
async function findChromium(environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  const folders = (environment["PATH"] ?? "").split(delimiter);
  for (const path of PROGRAMS.flatMap((program) => folders.map((folder) => join(folder, program)))) {
    if (await canRun(path, environment)) return path;
  }
  return undefined;
}

async function canRun(path: string, environment: NodeJS.ProcessEnv): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    await run(path, ["--version"], { env: environment, timeout: VERSION_TIMEOUT_MS });
    return true;
  } catch {
    return false;
  }
}
