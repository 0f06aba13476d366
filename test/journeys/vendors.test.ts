/**
 * Research of twenty calls at each vendor, and a change of vendor in the middle of a chain: real processes, fake
 * vendors.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Response } from "../../src/protocol/response.ts";
import { create, pollToEnd, RedisInspector } from "../support/api-client.ts";
import type { Script, ScriptedCall } from "../support/fake-vendor/script.ts";
import { type FakeVendor, startFakeVendor } from "../support/fake-vendor/server.ts";
import { FAKE_VENDOR_NAMES, type FakeVendorName } from "../support/fake-vendor/vendors.ts";
import { startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { expectLegal, expectOneTerminal } from "../support/subscriber.ts";
import { searchResults, startWebSite } from "../support/web-site.ts";
import { expectNoRejections } from "../support/vendor-runs.ts";

const stack = new AsyncDisposableStack();
const vendors = new Map<FakeVendorName, FakeVendor>();
let url = "";
let inspector: RedisInspector;
let origin = "";
/** Each vendor has its own addresses, so that it recognizes its own calls. */
const page = (n: number, name: FakeVendorName) => `${origin}/page/${n}?for=${name}`;

beforeAll(async () => {
  const site = stack.use(await startWebSite());
  origin = site.url;
  const pages = Array.from({ length: 15 }, (_, index) => index + 1);
  for (const n of pages) site.pages[`/page/${n}`] = `<title>Moss ${n}</title><p>Moss of kind ${n} is green.`;
  site.pages["/search"] = searchResults(...pages.map((n) => ({ url: `${origin}/page/${n}`, title: `Moss ${n}` })));
  for (const name of FAKE_VENDOR_NAMES)
    vendors.set(name, stack.use(await startFakeVendor(name, { script: script(name) })));
  const folder = await mkdtemp(join(tmpdir(), "background-responses-vendors-"));
  stack.defer(async () => await rm(folder, { recursive: true }));
  const PROVIDERS_FILE = join(folder, "providers.json");
  const providers = Object.fromEntries([...vendors].map(([name, { entry }]) => [name, entry]));
  await writeFile(PROVIDERS_FILE, JSON.stringify({ providers }));
  const KEY_PREFIX = uniquePrefix();
  const environment = {
    KEY_PREFIX,
    PROVIDERS_FILE,
    SEARXNG_URL: site.url,
    FETCH_ALLOWED_HOSTS: site.host,
    WEB_SEARCH_HONOUR_ROBOTS: "false",
  };
  inspector = stack.use(new RedisInspector(KEY_PREFIX));
  const [api] = await Promise.all([
    startApi(environment).then((process) => stack.use(process)),
    startWorker({ ...environment, STRICT_EVENTS: "true" }).then((process) => stack.use(process)),
  ]);
  url = api.url;
});
afterAll(() => stack.disposeAsync());

const search = (query: string): ScriptedCall => ({ name: "web_search", arguments: { query } });

/** Five rounds of one search and three pages at once: twenty calls. */
function script(name: FakeVendorName): Script {
  const open = (n: number): ScriptedCall => ({ name: "open_page", arguments: { url: page(n, name) } });
  const link = (n: number) => `[Moss ${n}](${page(n, name)})`;
  const rounds = [0, 1, 2, 3, 4].map((round) => ({
    thinks: `What is there to read of moss in round ${round}?`,
    calls: [search(`moss ${round} for ${name}`), ...[1, 2, 3].map((n) => open(3 * round + n))],
  }));
  return {
    "Research moss": [
      ...rounds,
      {
        thinks: "I know enough.",
        says: `Moss is green (${link(1)}, ${link(15)}, [other](${origin}/x)).`,
      },
    ],
    "Check the second": [
      { thinks: "I read it again.", says: "One moment.", calls: [open(2)] },
      { thinks: "It says so.", says: `It is right (${link(2)}).` },
    ],
    "Sum it up": [{ thinks: "Both are green.", says: "All moss is green." }],
  };
}

async function ask(name: FakeVendorName, input: string, previous?: Response): Promise<Response> {
  const { id } = await create(url, {
    model: vendors.get(name)!.model,
    input,
    background: true,
    reasoning: { effort: "low" },
    tools: [{ type: "web_search" }],
    ...(previous && { previous_response_id: previous.id }),
  });
  const response = await pollToEnd(url, id);
  expect({ name, status: response.status, error: response.error }).toEqual({ name, status: "completed", error: null });
  const log = await inspector.log(id);
  expectLegal(log);
  expect(expectOneTerminal(log).output).toEqual(response.output);
  return response;
}

function citationsOf({ output }: Response): string[] {
  const last = output.at(-1);
  if (last?.type !== "message") throw new Error(`The last item is of type ${last?.type}.`);
  return last.content.flatMap((part) => {
    if (part.type !== "output_text") return [];
    return part.annotations.flatMap((each) => (each.type === "url_citation" ? [each.url] : []));
  });
}

const callsOf = ({ output }: Response) => output.filter(({ type }) => type === "web_search_call");

/** All at the same time; each test reports its own failure. */
const chains = new Map<FakeVendorName, Promise<Response[] | Error>>();

async function chainAt(name: FakeVendorName): Promise<Response[]> {
  for (const first of FAKE_VENDOR_NAMES) {
    if (!chains.has(first))
      chains.set(
        first,
        research(first, nextOf(first)).catch((error: Error) => error),
      );
  }
  const chain = await chains.get(name)!;
  if (chain instanceof Error) throw chain;
  return chain;
}

function nextOf(name: FakeVendorName): FakeVendorName {
  return FAKE_VENDOR_NAMES[(FAKE_VENDOR_NAMES.indexOf(name) + 1) % FAKE_VENDOR_NAMES.length]!;
}

async function research(first: FakeVendorName, second: FakeVendorName): Promise<Response[]> {
  const one = await ask(first, "Research moss");
  const two = await ask(second, "Check the second", one);
  return [one, two, await ask(first, "Sum it up", two)];
}

test.each(FAKE_VENDOR_NAMES)(
  "%s: twenty calls end with a cited answer, and another vendor continues the chain",
  async (name) => {
    const [one, two, three] = await chainAt(name);
    for (const each of [name, nextOf(name)]) expectNoRejections(vendors.get(each)!);
    expect(callsOf(one!)).toHaveLength(20);
    expect(callsOf(one!).every(({ status }) => status === "completed")).toBe(true);
    expect(citationsOf(one!)).toEqual([page(1, name), page(15, name)]);
    expect(callsOf(two!)).toHaveLength(1);
    expect(citationsOf(two!)).toEqual([page(2, nextOf(name))]);
    expect(three!.output.at(-1)).toMatchObject({ content: [{ text: "All moss is green." }] });
  },
);
