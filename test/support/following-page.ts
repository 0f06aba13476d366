/** A web page in a real browser that follows responses with `EventSource`, as an application's page would. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, Page } from "playwright-core";
import { TERMINAL_EVENT_TYPES } from "../../src/protocol/event.ts";
import { launchChromium } from "./chromium.ts";
import type { ReceivedEvent } from "./subscriber.ts";

/**
 * How an EventSource ended: `stopped` by the server for good; `reconnected` after the terminal event, as it would
 * forever; `refused` before there was one; `closed` by the page at the terminal event.
 */
export type FollowingEnd = "stopped" | "reconnected" | "refused" | "closed";

/** A page that knows only the event types and which of them are terminal. */
const SCRIPT = `
  function follow({ key, url, types, terminal, closesAtTheEnd }) {
    return new Promise((resolve) => {
      let isOver = false;
      const source = new EventSource(url);
      const end = (how) => (source.close(), resolve(how));
      for (const type of types) {
        source.addEventListener(type, async ({ lastEventId, data }) => {
          isOver ||= terminal.includes(type);
          await received(key, { id: Number(lastEventId), type, data });
          if (isOver && closesAtTheEnd) end("closed");
        });
      }
      source.addEventListener("open", () => isOver && end("reconnected"));
      source.addEventListener("error", () => {
        if (source.readyState === EventSource.CLOSED) end(isOver ? "stopped" : "refused");
      });
    });
  }
`;
const HTML = `<!doctype html><meta charset="utf-8"><title>Follower</title><script>${SCRIPT}</script>`;

export interface FollowOptions {
  types: readonly string[];
  onEvent: (event: ReceivedEvent) => void;
  /** Whether the page closes it at the terminal event. Otherwise the server has to. */
  closesAtTheEnd?: boolean;
}

export class FollowingPage implements AsyncDisposable {
  /** For `CORS_ORIGINS`. */
  readonly origin: string;
  readonly #server: Server;
  readonly #browser: Browser;
  readonly #page: Page;
  readonly #listeners = new Map<number, (event: ReceivedEvent) => void>();

  private constructor(server: Server, browser: Browser, page: Page) {
    this.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.#server = server;
    this.#browser = browser;
    this.#page = page;
  }

  static async start(): Promise<FollowingPage> {
    const server = createServer((_request, response) => {
      response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
      response.end(HTML);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const browser = await launchChromium();
    const page = new FollowingPage(server, browser, await browser.newPage());
    await page.#open();
    return page;
  }

  async #open(): Promise<void> {
    const received = (key: number, event: ReceivedEvent): void => this.#listeners.get(key)!(event);
    await this.#page.exposeFunction("received", received);
    await this.#page.goto(this.origin);
  }

  /** Resolves when the EventSource has ended. */
  async follow(url: string, { types, onEvent, closesAtTheEnd = false }: FollowOptions): Promise<FollowingEnd> {
    const key = this.#listeners.size;
    this.#listeners.set(key, onEvent);
    const options = { key, url, types, terminal: TERMINAL_EVENT_TYPES, closesAtTheEnd };
    return await this.#page.evaluate<FollowingEnd>(`follow(${JSON.stringify(options)})`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }
}
