/** A folder of prompt templates that is removed with its test. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export class PromptFolder implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async create(files: Record<string, unknown> = {}): Promise<PromptFolder> {
    const folder = new PromptFolder(await mkdtemp(join(tmpdir(), "background-responses-prompts-")));
    for (const [path, content] of Object.entries(files)) await folder.write(path, content);
    return folder;
  }

  /** `path` is inside the folder. Values other than strings are written as JSON. */
  async write(path: string, content: unknown): Promise<void> {
    const file = join(this.path, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, typeof content === "string" ? content : JSON.stringify(content));
  }

  async remove(path: string): Promise<void> {
    await rm(join(this.path, path), { recursive: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}
