import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FetchPolicy } from "../../../workers/net/fetch-policy.ts";
import { GuardedFetch, type GuardedFetchOptions, type GuardedReadOptions } from "../../../workers/net/guarded-fetch.ts";
import type { ResolvedAddress } from "../../../workers/net/guarded-connector.ts";

interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage["headers"];
  body: string;
}

/** Two origins on loopback: `a` is what the tests ask, `b` is another origin to be redirected to. */
let portA = 0;
let portB = 0;
const servers: Server[] = [];
const seen: Seen[] = [];
let closedConnections: Promise<unknown> = Promise.resolve();

const ROUTES: Record<string, (request: IncomingMessage, response: ServerResponse) => void> = {
  "/ok": (_, response) => void response.setHeader("Content-Type", "Text/HTML; Charset=UTF-8").end("hello"),
  "/status": (_, response) => void response.writeHead(503).end("busy"),
  "/odd-type": (_, response) => void response.setHeader("Content-Type", "nonsense").end("x"),
  "/gzip": (_, response) => void response.setHeader("Content-Encoding", "gzip").end(gzipSync("unpacked")),
  "/bomb": (_, response) =>
    void response.setHeader("Content-Encoding", "gzip").end(gzipSync(Buffer.alloc(200_000_000))),
  "/long": (_, response) => void response.setHeader("Content-Length", 1_000_000).write("x"),
  "/chunks": (_, response) => {
    const write = (): void => {
      while (!response.destroyed && response.write("x".repeat(10_000)));
    };
    response.on("drain", write);
    write();
  },
  "/hang": () => {},
  "/stall": (_, response) => void response.write("begin"),
  "/drip": (_, response) => {
    const timer = setInterval(() => response.write("x"), 20);
    response.on("close", () => clearInterval(timer));
  },
  "/cut": (_, response) => {
    response.setHeader("Content-Length", 10);
    response.write("x", () => response.destroy());
  },
};

function redirectTo(request: IncomingMessage, response: ServerResponse): void {
  const { searchParams } = new URL(request.url!, "http://a");
  const to = searchParams.get("to")!.replace("{b}", `http://127.0.0.1:${portB}`);
  response.writeHead(Number(searchParams.get("status") ?? 302), { Location: to }).end();
}

async function serve(): Promise<number> {
  const server = createServer((request, response) => {
    closedConnections = once(response, "close");
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url = "", headers } = request;
      seen.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
      const path = url.split("?")[0]!;
      if (path === "/redirect") redirectTo(request, response);
      else (ROUTES[path] ?? ROUTES["/ok"]!)(request, response);
    });
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

const open: GuardedFetch[] = [];
function guarded(options: Partial<GuardedFetchOptions> & { allowed?: string } = {}): GuardedFetch {
  const { allowed = "127.0.0.0/8", ...rest } = options;
  const made = new GuardedFetch({ policy: new FetchPolicy(allowed), ...rest });
  open.push(made);
  return made;
}
let free: GuardedFetch;
const a = (path: string): string => `http://127.0.0.1:${portA}${path}`;
const b = (path: string): string => `http://127.0.0.1:${portB}${path}`;
const LIMITS: GuardedReadOptions = { maxBytes: 100_000, timeoutMs: 30_000, signal: new AbortController().signal };

beforeAll(async () => {
  [portA, portB] = [await serve(), await serve()];
  free = guarded();
});
afterAll(async () => {
  for (const each of open) await each[Symbol.asyncDispose]();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

describe("what is read", () => {
  test("has its status, type, charset and body", async () => {
    const read = await free.read(a("/ok"), LIMITS);
    expect(read).toMatchObject({ url: a("/ok"), status: 200, contentType: "text/html", charset: "utf-8" });
    expect(Buffer.from(read.body).toString()).toBe("hello");
  });

  test("may have any status, no type that is one, and be compressed", async () => {
    expect(await free.read(a("/status"), LIMITS)).toMatchObject({ status: 503 });
    expect(await free.read(a("/odd-type"), LIMITS)).toMatchObject({ contentType: undefined, charset: undefined });
    expect(Buffer.from((await free.read(a("/gzip"), LIMITS)).body).toString()).toBe("unpacked");
  });

  test("is asked for with a method, headers and a body", async () => {
    await free.read(a("/posted"), { ...LIMITS, method: "POST", headers: { "X-Key": "k" }, body: "sent" });
    expect(seen.at(-1)).toMatchObject({ method: "POST", url: "/posted", body: "sent", headers: { "x-key": "k" } });
  });
});

describe("an address that is not public", () => {
  const closed = { allowed: "" };
  const answer = (...addresses: string[]): ResolvedAddress[] =>
    addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));

  test("is not connected to by its literal", async () => {
    const before = seen.length;
    await expect(guarded(closed).read(a("/ok"), LIMITS)).rejects.toMatchObject({
      name: "BlockedUrlError",
      reason: "host",
    });
    expect(seen.length).toBe(before);
  });

  test.each([["127.0.0.1"], ["::1"], ["10.0.0.1", "fd00::1"], ["::ffff:127.0.0.1"], ["169.254.169.254"]])(
    "is not connected to by a name: %j",
    async (...addresses) => {
      const before = seen.length;
      const guard = guarded({ ...closed, resolve: async () => answer(...addresses) });
      const read = guard.read(`http://rebind.test:${portA}/ok`, LIMITS);
      await expect(read).rejects.toMatchObject({ name: "BlockedUrlError", reason: "host" });
      expect(seen.length).toBe(before);
    },
  );

  test("is not connected to by a name that was public a moment ago", async () => {
    const before = seen.length;
    const asked: string[] = [];
    const answers = [answer("192.0.3.1"), answer("127.0.0.1")];
    const guard = guarded({
      ...closed,
      connectTimeoutMs: 200,
      resolve: async (name) => {
        asked.push(name);
        return answers.shift() ?? answer("127.0.0.1");
      },
    });
    const url = `http://rebind.test:${portA}/ok`;
    await expect(guard.read(url, LIMITS)).rejects.not.toMatchObject({ name: "BlockedUrlError" });
    expect(asked).toEqual(["rebind.test"]);
    await expect(guard.read(url, LIMITS)).rejects.toMatchObject({ name: "BlockedUrlError" });
    expect(seen.length).toBe(before);
  });

  test("is connected to by a name that the operator allows, on that port", async () => {
    const resolve = async (): Promise<ResolvedAddress[]> => answer("127.0.0.1");
    const guard = guarded({ allowed: `inside.test:${portA}`, resolve });
    expect(await guard.read(`http://inside.test:${portA}/ok`, LIMITS)).toMatchObject({ status: 200 });
    const other = guard.read(`http://inside.test:${portB}/ok`, LIMITS);
    await expect(other).rejects.toMatchObject({ name: "BlockedUrlError" });
  });

  test("is left out where a name has a good one as well", async () => {
    const resolve = async (): Promise<ResolvedAddress[]> => answer("10.255.255.1", "127.0.0.1");
    const guard = guarded({ allowed: "127.0.0.1/32", resolve });
    expect(await guard.read(`http://mixed.test:${portA}/ok`, LIMITS)).toMatchObject({ status: 200 });
  });

  test.each([
    "http://10.0.0.1/",
    "http://localhost/",
    "file:///etc/passwd",
    "http://u:p@example.com/",
    "http://[::1]/",
  ])("is not reached by a redirect to %s", async (to) => {
    const guard = guarded({ allowed: "127.0.0.1/32" });
    const read = guard.read(a(`/redirect?to=${encodeURIComponent(to)}`), LIMITS);
    await expect(read).rejects.toMatchObject({ name: "BlockedUrlError" });
  });
});

describe("a redirect", () => {
  const SECRETS = { Authorization: "Bearer s", Cookie: "c=1", "X-Api-Key": "k", Accept: "text/html" };

  test("is followed, relative ones too", async () => {
    expect(await free.read(a("/redirect?to=/ok"), LIMITS)).toMatchObject({ url: a("/ok"), status: 200 });
  });

  test("within an origin keeps the headers, to another one only the harmless", async () => {
    await free.read(a("/redirect?to=/same"), { ...LIMITS, headers: SECRETS });
    expect(seen.at(-1)).toMatchObject({ url: "/same", headers: { authorization: "Bearer s", cookie: "c=1" } });
    await free.read(a("/redirect?to={b}/other"), { ...LIMITS, headers: SECRETS });
    const { headers, url } = seen.at(-1)!;
    expect(url).toBe("/other");
    expect(headers).toMatchObject({ accept: "text/html" });
    for (const name of ["authorization", "cookie", "x-api-key"]) expect(headers).not.toHaveProperty(name);
  });

  test.each([
    [301, "POST", "GET", ""],
    [302, "POST", "GET", ""],
    [303, "PUT", "GET", ""],
    [307, "POST", "POST", "sent"],
    [308, "PUT", "PUT", "sent"],
  ])("by %i of %s goes on as %s", async (status, method, expected, body) => {
    await free.read(a(`/redirect?status=${status}&to=/next`), { ...LIMITS, method, body: "sent" });
    expect(seen.at(-1)).toMatchObject({ method: expected, url: "/next", body });
  });

  test("without end is given up", async () => {
    const loop = `/redirect?to=${encodeURIComponent("/redirect?to=/ok")}`;
    expect(await free.read(a(loop), LIMITS)).toMatchObject({ status: 200 });
    ROUTES["/loop"] = (_, response) => void response.writeHead(302, { Location: "/loop" }).end();
    const before = seen.length;
    await expect(free.read(a("/loop"), LIMITS)).rejects.toMatchObject({ name: "TooManyRedirectsError" });
    expect(seen.length - before).toBe(6);
  });
});

describe("a limit", () => {
  test.each(["/long", "/chunks", "/bomb"])("of size stops %s", async (path) => {
    const rss = process.memoryUsage().rss;
    await expect(free.read(a(path), LIMITS)).rejects.toMatchObject({ name: "TooLargeError" });
    await closedConnections;
    expect(process.memoryUsage().rss - rss).toBeLessThan(150_000_000);
  });

  test.each(["/hang", "/stall", "/drip"])("of time stops %s", async (path) => {
    await expect(free.read(a(path), { ...LIMITS, timeoutMs: 300 })).rejects.toMatchObject({
      name: "FetchTimeoutError",
    });
    await closedConnections;
  });

  test("of time does not run while a redirect is looked at, and runs on after it", async () => {
    const options = { ...LIMITS, timeoutMs: 1_000, checkRedirect: async () => await delay(1_500, undefined) };
    const to = (path: string) => a(`/redirect?to=${encodeURIComponent(path)}`);
    expect((await free.read(to("/ok"), options)).status).toBe(200);
    await expect(free.read(to("/hang"), options)).rejects.toMatchObject({ name: "FetchTimeoutError" });
    await closedConnections;
  });

  test.each(["/hang", "/stall"])("of silence stops %s", async (path) => {
    const guard = guarded({ idleTimeoutMs: 300 });
    await expect(guard.read(a(path), LIMITS)).rejects.toMatchObject({ name: "FetchTimeoutError" });
  });

  test("set by the caller's signal rejects with its reason", async () => {
    const reason = new Error("cancelled");
    const aborter = new AbortController();
    const before = seen.length;
    const failure = free.read(a("/stall"), { ...LIMITS, signal: aborter.signal }).catch((error: unknown) => error);
    await expect.poll(() => seen.length).toBe(before + 1);
    aborter.abort(reason);
    expect(await failure).toBe(reason);
    await closedConnections;
    await expect(free.read(a("/ok"), { ...LIMITS, signal: aborter.signal })).rejects.toBe(reason);
  });
});

describe("a failure", () => {
  test("to resolve, to connect or to go on is told without what is inside", async () => {
    const unresolved = guarded({
      resolve: async (name) => await Promise.reject(new Error(`ENOTFOUND ${name} at 10.0.0.53`)),
    });
    const closedPort = createServer().listen(0, "127.0.0.1");
    await once(closedPort, "listening");
    const { port } = closedPort.address() as AddressInfo;
    closedPort.close();
    await once(closedPort, "close");
    const message = "The server could not be reached, or the connection was lost.";
    const failing = [
      unresolved.read("http://nowhere.test/", LIMITS),
      free.read(`http://127.0.0.1:${port}/`, LIMITS),
      free.read(a("/cut"), LIMITS),
    ];
    for (const read of failing) await expect(read).rejects.toMatchObject({ name: "UnreachableError", message });
  });

  test("of a port that is not for HTTP is one of the URL", async () => {
    await expect(free.read("http://127.0.0.1:6000/", LIMITS)).rejects.toMatchObject({
      name: "BlockedUrlError",
      reason: "port",
    });
  });
});

describe("fetch", () => {
  test("streams, and takes what fetch takes", async () => {
    const response = await free.fetch(new URL(a("/posted")), { method: "POST", body: new URLSearchParams({ a: "1" }) });
    expect(await response.text()).toBe("hello");
    expect(seen.at(-1)).toMatchObject({
      body: "a=1",
      headers: { "content-type": "application/x-www-form-urlencoded;charset=UTF-8" },
    });
    const form = new FormData();
    form.set("file", new Blob(["content"]), "a.txt");
    await free.fetch(new Request(a("/posted"), { method: "POST", body: form }));
    expect(seen.at(-1)!.body).toContain("content");

    const dripping = await free.fetch(a("/drip"));
    const reader = dripping.body!.getReader();
    expect((await reader.read()).value!.length).toBeGreaterThan(0);
    await reader.cancel();
    await closedConnections;
  });

  test("is guarded like the rest", async () => {
    await expect(guarded({ allowed: "" }).fetch(a("/ok"))).rejects.toMatchObject({ name: "BlockedUrlError" });
    await expect(free.fetch("http://u:p@127.0.0.1/")).rejects.toMatchObject({ reason: "credentials" });
    const guard = guarded({ allowed: `127.0.0.1:${portA}` });
    const redirected = guard.fetch(a("/redirect?to={b}/ok"), { headers: { Authorization: "s" } });
    await expect(redirected).rejects.toMatchObject({ name: "BlockedUrlError" });
    const manual = await guard.fetch(a("/redirect?to={b}/ok"), { redirect: "manual" });
    expect([manual.status, manual.headers.get("location")]).toEqual([302, b("/ok")]);
    await expect(guard.fetch(a("/redirect?to=/ok"), { redirect: "error" })).rejects.toMatchObject({
      name: "UnreachableError",
    });
  });

  test("is ended by its signal, with the signal's reason", async () => {
    const reason = new Error("cancelled");
    await expect(free.fetch(a("/ok"), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});
