/**
 * The previous release from the repository's own history, with the packages of this one. When a release is made,
 * PREVIOUS_RELEASE becomes its commit, and packages that only an older release needs leave the development dependencies
 * (rate-limiter-flexible).
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const PREVIOUS_RELEASE = "a4a0d9f66bae5ee709ed64bb6752b79bf2c1b9bd";
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const run = promisify(execFile);

export interface PreviousRelease extends AsyncDisposable {
  folder: string;
}

/** Why the previous release is unavailable here; undefined if it is available. */
export async function findReasonForNoPreviousRelease(): Promise<string | undefined> {
  try {
    await run("git", ["cat-file", "-e", `${PREVIOUS_RELEASE}^{commit}`], { cwd: ROOT });
    return undefined;
  } catch {
    return `NOT TESTED: the previous release (${PREVIOUS_RELEASE}) is not in the history of this checkout. Fetch it (git fetch --unshallow).`;
  }
}

export async function checkOutPreviousRelease(): Promise<PreviousRelease> {
  const folder = await mkdtemp(join(tmpdir(), "background-responses-previous-"));
  const archive = join(folder, "release.tar");
  await run("git", ["archive", "--output", archive, PREVIOUS_RELEASE, "package.json", "src", "workers"], { cwd: ROOT });
  await run("tar", ["-xf", archive, "-C", folder]);
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  return {
    folder,
    [Symbol.asyncDispose]: async () => await rm(folder, { recursive: true, force: true }),
  };
}
