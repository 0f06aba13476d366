/** The console in a real browser. It notes whatever goes wrong there, and measures what people need to use a page. */
import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { launchChromium } from "./chromium.ts";

const require = createRequire(import.meta.url);
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
/** Set to a folder, each look at a page is also kept there as an image. */
const IMAGES = process.env["CONSOLE_IMAGES"];

export const WIDE = { width: 1440, height: 900 };
export const NARROW = { width: 390, height: 844 };

export interface ConsoleOptions {
  viewport?: { width: number; height: number };
  colorScheme?: "light" | "dark";
}

export interface OpenConsole extends AsyncDisposable {
  page: Page;
  /** Errors and warnings of scripts and of the content security policy. */
  problems: string[];
}

export class ConsoleBrowser implements AsyncDisposable {
  readonly #browser: Browser;

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async start(): Promise<ConsoleBrowser> {
    return new ConsoleBrowser(await launchChromium());
  }

  /** `url` is the API's, which ends with `/v1`. Each console is a tab without any state of another. */
  async open(
    url: string,
    path = "",
    { viewport = WIDE, colorScheme = "light" }: ConsoleOptions = {},
  ): Promise<OpenConsole> {
    const context = await this.#browser.newContext({ viewport, colorScheme, reducedMotion: "reduce" });
    const page = await context.newPage();
    // The limit of the test is the only one.
    page.setDefaultTimeout(0);
    const problems = noteProblems(page);
    await page.goto(`${url.replace(/v1$/, "")}${path}`);
    return { page, problems, [Symbol.asyncDispose]: async () => await closeContext(context) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
  }
}

async function closeContext(context: BrowserContext): Promise<void> {
  await context.close();
}

/** A browser also reports answers like 404, which are no fault of the page. */
function noteProblems(page: Page): string[] {
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => {
    if (message.type() !== "error" && message.type() !== "warning") return;
    if (message.text().startsWith("Failed to load resource:")) return;
    problems.push(message.text());
  });
  return problems;
}

export interface Usability {
  /** What axe finds, with the elements. */
  violations: string[];
  /** Pixels by which the page is wider than the screen. */
  overflow: number;
}

/** `name` is that of the image. */
export async function examine(page: Page, name: string): Promise<Usability> {
  await page.evaluate(() => document.fonts.ready.then(() => undefined));
  if (IMAGES !== undefined) {
    await mkdir(IMAGES, { recursive: true });
    await page.screenshot({ path: join(IMAGES, `${name}.png`), fullPage: true });
  }
  // The policy of the page allows no script but its own; a test may run one beside it.
  if (!(await page.evaluate("'axe' in globalThis"))) await page.evaluate(`${AXE};void 0`);
  const violations = await page.evaluate<string[]>(`axe.run().then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => id + " " + target.join(" ") + ": " + failureSummary)))`);
  const overflow = await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
  return { violations, overflow };
}

export const USABLE: Usability = { violations: [], overflow: 0 };
