/** The package as npm installs it: packed, and installed with its dependencies into a folder of its own. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { PACKAGE_FOLDER } from "../../src/package-folder.ts";

const run = promisify(execFile);
const INSTALL = ["--omit=dev", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"];

interface LockFile {
  packages: Record<string, { dev?: boolean; link?: boolean; version?: string; dependencies?: Record<string, string> }>;
}

export interface InstalledPackage extends AsyncDisposable {
  /** The folder of the application that depends on the package. */
  folder: string;
  /** The program that npm linked. */
  program: string;
  /** Paths in the tarball. */
  files: string[];
}

export async function installPackage(): Promise<InstalledPackage> {
  const folder = await mkdtemp(join(tmpdir(), "package-"));
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", folder], {
    cwd: PACKAGE_FOLDER,
    maxBuffer: 1e8,
  });
  const packed = JSON.parse(stdout) as Record<string, PackedFile> | PackedFile[];
  const { filename, files } = Object.values(packed)[0]!;
  const app = join(folder, "app");
  await mkdir(app);
  await writeManifests(app, join(folder, filename));
  await run("npm", ["ci", ...INSTALL], { cwd: app });
  return {
    folder: app,
    program: join(app, "node_modules", ".bin", "background-responses"),
    files: files.map(({ path }) => path),
    [Symbol.asyncDispose]: async () => await rm(folder, { recursive: true, force: true }),
  };
}

interface PackedFile {
  filename: string;
  files: { path: string }[];
}

/** The dependencies are those of the project's lock file, which npm has in its cache: no version is looked up. */
async function writeManifests(app: string, tarball: string): Promise<void> {
  const read = async <T>(file: string): Promise<T> =>
    JSON.parse(await readFile(join(PACKAGE_FOLDER, file), "utf8")) as T;
  const [{ version, bin, dependencies }, { packages }] = await Promise.all([
    read<{ version: string; bin: object; dependencies: object }>("package.json"),
    read<LockFile>("package-lock.json"),
  ]);
  const others = Object.entries(packages).filter(
    ([path, { dev, link }]) => path.startsWith("node_modules/") && !dev && !link,
  );
  const manifest = {
    name: "app",
    version: "1.0.0",
    private: true,
    type: "module",
    dependencies: { "background-responses": `file:${tarball}` },
  };
  const installed = {
    "": manifest,
    "node_modules/background-responses": { version, resolved: `file:${tarball}`, bin, dependencies },
    ...Object.fromEntries(others),
  };
  await writeFile(join(app, "package.json"), JSON.stringify(manifest));
  const lock = { name: "app", version: "1.0.0", lockfileVersion: 3, requires: true, packages: installed };
  await writeFile(join(app, "package-lock.json"), JSON.stringify(lock));
}

/** The oldest Node that the package supports, as npm distributes it for this machine. */
export async function installOldestNode(folder: string): Promise<string> {
  const { engines } = JSON.parse(await readFile(join(PACKAGE_FOLDER, "package.json"), "utf8")) as {
    engines: { node: string };
  };
  const oldest = /^\^(\d+\.\d+\.\d+)/.exec(engines.node)![1]!;
  const name = `node-${process.platform}-${process.arch}`;
  await run("npm", ["install", "--prefix", folder, "--no-save", ...INSTALL, `${name}@${oldest}`]);
  return join(folder, "node_modules", name, "bin", "node");
}
