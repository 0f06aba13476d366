/** Blocks of a document, run one after the other in one shell. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { RunBlock } from "./code-blocks.ts";

/** Inside the project, where Node finds `openai`; Git knows nothing of it. */
const FOLDERS = fileURLToPath(new URL("../../.data", import.meta.url));
const TIMEOUT_MS = 120_000;
/** curl's, when `-m` has ended it. */
const TIME_LIMIT_REACHED = "28";

export interface Server {
  /** Of the API, without a path. */
  origin: string;
  redisUrl: string;
}

export interface BlockResult {
  output: string;
  /** Of commands that failed. A curl that its own time limit ended has not. */
  exitCodes: string[];
}

/** As many results as blocks came to their end. */
export async function runBlocks(blocks: readonly RunBlock[], server: Server): Promise<BlockResult[]> {
  await mkdir(FOLDERS, { recursive: true });
  const folder = await mkdtemp(join(FOLDERS, "docs-"));
  try {
    const commands = await Promise.all(
      blocks.map(async ({ source, extension }, i) => {
        const addressed = withAddresses(source, server);
        if (extension === undefined) return addressed;
        await writeFile(join(folder, `block-${i}.${extension}`), addressed);
        return `node block-${i}.${extension}`;
      }),
    );
    const marker = `end of block ${folder}`;
    const script = join(folder, "session.sh");
    await writeFile(script, sessionOf(commands, marker));
    return resultsIn(await runShell(script, folder, server), marker);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The documents name the addresses of a server that is started without settings. */
function withAddresses(source: string, { origin, redisUrl }: Server): string {
  return source
    .replaceAll(/http:\/\/(?:127\.0\.0\.1|localhost):8080/g, origin)
    .replaceAll(/redis:\/\/(?:127\.0\.0\.1|localhost):6379/g, redisUrl);
}

function sessionOf(commands: readonly string[], marker: string): string {
  const start = [
    "exec 2>&1",
    'redis-cli() { command redis-cli -u "$REDIS_URL" "$@"; }',
    "codes=",
    "trap 'codes+=\" $?\"' ERR",
  ];
  const blocks = commands.map((command) => `${command}\nprintf '\\n%s%s\\n' "${marker}" "$codes"; codes=`);
  return [...start, ...blocks, ""].join("\n");
}

async function runShell(script: string, cwd: string, { redisUrl }: Server): Promise<string> {
  const { PATH = "", HOME } = process.env;
  const env = { PATH: `${dirname(process.execPath)}:${PATH}`, HOME, REDIS_URL: redisUrl };
  const child = spawn("bash", [script], { cwd, env, stdio: ["ignore", "pipe", "inherit"], detached: true });
  const output = text(child.stdout);
  // A group of its own, so that nothing that a block starts outlives it.
  const end = (): void => void process.kill(-child.pid!, "SIGKILL");
  const timeout = setTimeout(end, TIMEOUT_MS);
  await once(child, "exit");
  clearTimeout(timeout);
  try {
    end();
  } catch {
    // Nothing was left.
  }
  return await output;
}

function resultsIn(printed: string, marker: string): BlockResult[] {
  const parts = printed.split(new RegExp(`\\n${RegExp.escape(marker)}(.*)\\n`));
  const ended = Array.from({ length: (parts.length - 1) / 2 }, (_, i) => parts.slice(2 * i, 2 * i + 2));
  return ended.map(([output = "", codes = ""]) => ({
    output,
    exitCodes: codes.split(" ").filter((code) => code !== "" && code !== TIME_LIMIT_REACHED),
  }));
}
