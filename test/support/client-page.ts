/** A web page in a real browser that uses `background-responses/client` with the official client, without a build. */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { stripTypeScriptTypes } from "node:module";
import type { AddressInfo } from "node:net";
import type { Browser, Page } from "playwright-core";
import { launchChromium } from "./chromium.ts";

const ROOT = new URL("../../", import.meta.url);
const SERVED = /^\/(?:src\/client|node_modules\/(?:openai|eventsource-parser))\/[\w./-]+$/;

const IMPORTS = {
  openai: "/node_modules/openai/index.mjs",
  "eventsource-parser": "/node_modules/eventsource-parser/dist/index.js",
};
const SCRIPT = `
  import OpenAI from "openai";
  import { follow, waitFor } from "/src/client/index.ts";
  window.followToEnd = async (baseURL, apiKey, id, options) => {
    const client = new OpenAI({ baseURL, apiKey, dangerouslyAllowBrowser: true });
    const run = follow(client, id, options);
    const waiting = waitFor(client, id, options);
    const events = [];
    for await (const event of run) events.push(event);
    return { events, final: await run.finalResponse(), awaited: await waiting };
  };
  window.isLoaded = true;
`;
const HTML = `<!doctype html><meta charset="utf-8"><title>Client</title><link rel="icon" href="data:,">
<script type="importmap">${JSON.stringify({ imports: IMPORTS })}</script><script type="module">${SCRIPT}</script>`;

export interface Followed {
  events: { sequence_number: number }[];
  final: { id: string; status: string; output_text: string };
  awaited: unknown;
}

export class ClientPage implements AsyncDisposable {
  /** For `CORS_ORIGINS`. */
  readonly origin: string;
  /** Errors that the page reports, without those of connections, which are expected. */
  readonly errors: string[] = [];
  readonly #server: Server;
  readonly #browser: Browser;
  readonly #page: Page;

  private constructor(server: Server, browser: Browser, page: Page) {
    this.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.#server = server;
    this.#browser = browser;
    this.#page = page;
  }

  static async start(): Promise<ClientPage> {
    const server = createServer((request, response) => {
      void readPage(new URL(request.url!, "http://page").pathname).then(({ status, type, text }) =>
        response.writeHead(status, { "content-type": type }).end(text),
      );
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const browser = await launchChromium();
    const opened = new ClientPage(server, browser, await browser.newPage());
    opened.#page.on("pageerror", (error) => void opened.errors.push(String(error)));
    await opened.#page.goto(opened.origin);
    await opened.#page.waitForFunction("window.isLoaded === true");
    return opened;
  }

  /** Follows the response, and waits for its end beside that. */
  async followToEnd(baseUrl: string, apiKey: string, id: string, options: object): Promise<Followed> {
    const values = [baseUrl, apiKey, id, options].map((value) => JSON.stringify(value));
    return await this.#page.evaluate<Followed>(`followToEnd(${values.join(", ")})`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }
}

async function readPage(path: string): Promise<{ status: number; type: string; text: string }> {
  if (path === "/") return { status: 200, type: "text/html; charset=utf-8", text: HTML };
  if (!SERVED.test(path) || path.includes("..")) return { status: 404, type: "text/plain", text: "" };
  const source = await readFile(new URL(`.${path}`, ROOT), "utf8");
  const text = path.endsWith(".ts") ? stripTypeScriptTypes(source) : source;
  return { status: 200, type: "text/javascript; charset=utf-8", text };
}
