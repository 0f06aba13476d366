/** The request to each search engine, and the part of its answer that the model sees. */
import { LLMock } from "@copilotkit/aimock";
import { describe, expect, test } from "vitest";
import { openWebSearch } from "../../../support/web-search-calls.ts";
import { json, searchResults, startWebSite } from "../../../support/web-site.ts";

const BERLIN = {
  type: "approximate",
  country: "de",
  city: "Berlin",
  region: "Berlin",
  timezone: "Europe/Berlin",
} as const;

describe("SearXNG", () => {
  test("is asked for JSON, and its results are numbered", async () => {
    await using site = await startWebSite({
      "/searx/search": searchResults(
        { url: "https://a.example/1", title: "First\npage", content: "  What  it says. " },
        { url: "https://b.example/2", title: "" },
        { url: "ftp://c.example/3", title: "No page" },
      ),
    });
    const search = await openWebSearch({ SEARXNG_URL: `${site.url}/searx` });
    const { output, isError, details } = await search.call("web_search", { query: "moss" });
    expect(isError).toBe(false);
    expect(output).toContain(
      "Results for: moss\n\n1. First page\nURL: https://a.example/1\nWhat it says.\n\n2. https://b.example/2\nURL: https://b.example/2",
    );
    expect(output).not.toContain("c.example");
    expect(details).toEqual({
      sources: [
        { url: "https://a.example/1", title: "First page" },
        { url: "https://b.example/2", title: "" },
      ],
    });
    const asked = new URL(site.requests[0]!.path, site.url);
    expect(Object.fromEntries(asked.searchParams)).toEqual({ q: "moss", format: "json" });
  });

  test("may return results without an address, which are skipped", async () => {
    const results = [{ url: null, title: "A fact" }, { title: "Another" }, { url: "https://a.example/", title: "A" }];
    await using site = await startWebSite({ "/search": json({ results }) });
    const search = await openWebSearch({ SEARXNG_URL: site.url });
    const { isError, output, details } = await search.call("web_search", { query: "moss" });
    expect({ isError, details }).toEqual({
      isError: false,
      details: { sources: [{ url: "https://a.example/", title: "A" }] },
    });
    expect(output).toContain("1. A\nURL: https://a.example/");
  });

  test("gets parallel queries, and each page is listed once", async () => {
    await using site = await startWebSite({
      "/search": (response, { path }) => {
        const q = new URL(path, "http://x").searchParams.get("q")!;
        searchResults(
          { url: "https://both.example/", title: "Both" },
          { url: `https://${q}.example/`, title: q },
        )(response);
      },
    });
    const search = await openWebSearch({ SEARXNG_URL: site.url });
    const { output } = await search.call("web_search", { query: "one", queries: ["two", "one", " "] });
    expect(output.match(/^\d\. .*$/gm)).toEqual(["1. Both", "2. one", "3. two"]);
    expect(site.requests).toHaveLength(2);
  });

  test("may fail for one of several queries", async () => {
    await using site = await startWebSite({
      "/search": (response, { path }) => {
        const isBad = path.includes("q=bad");
        (isBad ? json({}, 400) : searchResults({ url: "https://a.example/", title: "Good" }))(response);
      },
    });
    const search = await openWebSearch({ SEARXNG_URL: site.url });
    const { output, isError } = await search.call("web_search", { query: "bad", queries: ["good"] });
    expect(isError).toBe(false);
    expect(output).toContain("Results for: bad\n\nThe search engine rejected the request with status 400.");
    expect(output).toContain("Results for: good\n\n1. Good");
    expect(await search.call("web_search", { query: "bad", queries: ["bad two"] })).toMatchObject({ isError: true });
  });

  test("receives allowed domains and location, and other results are dropped", async () => {
    await using site = await startWebSite({
      "/search": searchResults(
        { url: "https://sub.a.example/", title: "Below" },
        { url: "https://nota.example/", title: "Beside" },
        { url: "https://b.example/", title: "Other" },
      ),
    });
    const filters = { allowed_domains: ["https://A.example/path", "b.example"] };
    const search = await openWebSearch({ SEARXNG_URL: site.url }, { filters, user_location: BERLIN });
    const { output } = await search.call("web_search", { query: "moss" });
    expect(output.match(/^\d\. .*$/gm)).toEqual(["1. Below", "2. Other"]);
    const asked = new URL(site.requests[0]!.path, site.url).searchParams;
    expect(asked.get("q")).toBe("moss (site:a.example OR site:b.example)");
    expect(asked.get("language")).toBe("de-DE");
    const [fn] = search.functions;
    expect(fn!.definition.description).toContain("a.example, b.example");
    expect(fn!.definition.description).toContain("Berlin, Berlin, Germany (time zone Europe/Berlin)");
  });

  test("receives blocked domains, and results below them are dropped", async () => {
    await using site = await startWebSite({
      "/search": searchResults(
        { url: "https://sub.a.example/", title: "Below" },
        { url: "https://a.example/", title: "Allowed" },
        { url: "https://b.example/", title: "Blocked" },
      ),
    });
    const titlesWith = async (filters: { allowed_domains?: string[]; blocked_domains: string[] }) => {
      const search = await openWebSearch({ SEARXNG_URL: site.url }, { filters });
      expect(search.functions[0]!.definition.description).toMatch(/No pages of these domains can be found: [a-z.]+\./);
      const { output } = await search.call("web_search", { query: "moss" });
      return output.match(/^\d\. .*$/gm);
    };
    expect(await titlesWith({ blocked_domains: ["b.example"] })).toEqual(["1. Below", "2. Allowed"]);
    const both = { allowed_domains: ["a.example"], blocked_domains: ["https://SUB.a.example/path"] };
    expect(await titlesWith(both)).toEqual(["1. Allowed"]);
  });

  test.each([
    ["low", 5, 300],
    ["medium", 10, 700],
    ["high", 20, 2000],
  ] as const)("search_context_size %s shows %i results of %i characters", async (size, count, length) => {
    const results = Array.from({ length: 30 }, (_, i) => ({
      url: `https://${i}.example/`,
      title: `T${i}`,
      content: "x".repeat(5_000),
    }));
    await using site = await startWebSite({ "/search": searchResults(...results) });
    const search = await openWebSearch({ SEARXNG_URL: site.url }, { search_context_size: size });
    const { output } = await search.call("web_search", { query: "moss" });
    expect(output.match(/^\d+\. T/gm)).toHaveLength(count);
    expect(new Set(output.match(/x{10,}/g)!.map((text) => text.length))).toEqual(new Set([length]));
  });

  test("is retried when busy, and not on a rejection", async () => {
    let tries = 0;
    await using site = await startWebSite({
      "/search": (response) => {
        tries += 1;
        if (tries === 1) response.writeHead(429, { "retry-after": "0" }).end();
        else if (tries === 2) response.destroy();
        else searchResults({ url: "https://a.example/", title: "At last" })(response);
      },
    });
    const search = await openWebSearch({ SEARXNG_URL: site.url });
    expect((await search.call("web_search", { query: "moss" })).output).toContain("1. At last");
    expect(tries).toBe(3);
    site.pages["/search"] = json({}, 403);
    const rejected = await search.call("web_search", { query: "moss" });
    expect(rejected).toMatchObject({
      isError: true,
      output: "The search engine rejected the request with status 403.",
    });
    expect(site.requests).toHaveLength(4);
  });

  test.each([
    ["that is always busy", json({}, 503), "The search engine answered with status 503."],
    [
      "that requires a long wait",
      (response: { writeHead: Function }) => response.writeHead(429, { "retry-after": "3600" }).end(),
      "The search engine received too many requests.",
    ],
    ["that answers with something else", json({ hits: [] }), "The search engine's answer could not be read."],
    [
      "that answers with other results",
      json({ results: [{ link: "https://a.example/" }] }),
      "The search engine's answer could not be read.",
    ],
    ["that never answers", () => {}, "The search engine did not answer in time."],
    [
      "that answers without end",
      (response: { write: Function; destroyed: boolean; on: Function }) => {
        const write = (): void => {
          while (!response.destroyed && response.write("x".repeat(100_000)));
        };
        response.on("drain", write);
        write();
      },
      "The search engine's answer is too long.",
    ],
    [
      "that redirects elsewhere",
      (response: { writeHead: Function }) => response.writeHead(302, { location: "/other" }).end(),
      "The search engine could not be reached.",
    ],
  ])("%s fails the call", async (_, content, message) => {
    await using site = await startWebSite({ "/search": content as never, "/other": searchResults() });
    const search = await openWebSearch({ SEARXNG_URL: site.url, WEB_SEARCH_TIMEOUT_MS: "2000" });
    expect(await search.call("web_search", { query: "moss" })).toEqual({
      isError: true,
      output: message,
      details: null,
    });
    expect(site.countOf("/other")).toBe(0);
  });

  test("stops with the run", async () => {
    const stop = new AbortController();
    await using site = await startWebSite({ "/search": () => stop.abort(new Error("cancelled")) });
    const search = await openWebSearch({ SEARXNG_URL: site.url });
    await expect(search.call("web_search", { query: "moss" }, stop.signal)).rejects.toThrow("cancelled");
  });
});

describe("Brave", () => {
  const results = [
    {
      url: "https://a.example/",
      title: "Tom &amp; Jerry",
      description: "It&#x27;s a cat",
      extra_snippets: ["and a mouse"],
    },
  ];

  test("receives its key, the count and the location", async () => {
    await using site = await startWebSite({ "/res/v1/web/search": json({ web: { results } }) });
    const location = { ...BERLIN, city: "São Paulo", region: null };
    const search = await openWebSearch(
      { BRAVE_API_KEY: "secret", BRAVE_BASE_URL: `${site.url}/res/v1` },
      { user_location: location, search_context_size: "high" },
    );
    const { output } = await search.call("web_search", { query: "moss" });
    expect(output).toContain("1. Tom & Jerry\nURL: https://a.example/\nIt's a cat and a mouse");
    const { path, headers } = site.requests[0]!;
    expect(Object.fromEntries(new URL(path, site.url).searchParams)).toMatchObject({
      q: "moss",
      count: "20",
      country: "DE",
    });
    expect(headers).toMatchObject({
      "x-subscription-token": "secret",
      "x-loc-country": "DE",
      "x-loc-city": "Sao Paulo",
      "x-loc-timezone": "Europe/Berlin",
    });
    expect(headers).not.toHaveProperty("x-loc-state-name");
  });

  test("may return no results, and its key is in no output", async () => {
    await using site = await startWebSite({ "/web/search": json({ type: "search" }) });
    const search = await openWebSearch({ BRAVE_API_KEY: "secret", BRAVE_BASE_URL: site.url });
    expect((await search.call("web_search", { query: "moss" })).output).toContain("Nothing was found.");
    site.pages["/web/search"] = json({ key: "secret" }, 401);
    const rejected = await search.call("web_search", { query: "moss" });
    expect(rejected.isError).toBe(true);
    expect(JSON.stringify(rejected)).not.toContain("secret");
  });
});

describe("Tavily", () => {
  test("gets requests that another project's mock accepts", async () => {
    const mock = new LLMock({ port: 0 });
    mock.onSearch("moss", [{ title: "Moss", url: "https://moss.example/", content: "Green." }]);
    await mock.start();
    try {
      const environment = { TAVILY_API_KEY: "tvly-secret", TAVILY_BASE_URL: mock.url };
      const search = await openWebSearch(environment);
      const { output } = await search.call("web_search", { query: "moss" });
      expect(output).toContain("1. Moss\nURL: https://moss.example/\nGreen.");
    } finally {
      await mock.stop();
    }
  });

  test("receives its key, domains and country, and no unknown country", async () => {
    await using site = await startWebSite({
      "/search": (response, { body }) => {
        if ("country" in (JSON.parse(body) as object)) json({ detail: "country" }, 400)(response);
        else searchResults({ url: "https://a.example/", title: "Found" })(response);
      },
    });
    const search = await openWebSearch(
      { TAVILY_API_KEY: "tvly-secret", TAVILY_BASE_URL: site.url },
      { user_location: BERLIN, filters: { allowed_domains: ["a.example"] }, search_context_size: "low" },
    );
    const { output } = await search.call("web_search", { query: "moss" });
    expect(output).toContain("1. Found");
    expect(site.requests.map(({ body }) => JSON.parse(body))).toEqual([
      { query: "moss", max_results: 5, search_depth: "basic", include_domains: ["a.example"], country: "germany" },
      { query: "moss", max_results: 5, search_depth: "basic", include_domains: ["a.example"] },
    ]);
    expect(site.requests[0]!.headers.authorization).toBe("Bearer tvly-secret");
  });
});

test("the first configured engine is used", async () => {
  await using site = await startWebSite({ "/search": searchResults() });
  const search = await openWebSearch({ SEARXNG_URL: site.url, BRAVE_API_KEY: "k", TAVILY_API_KEY: "k" });
  await search.call("web_search", { query: "moss" });
  expect(site.countOf("/search")).toBe(1);
});

test("without an engine there are no functions", async () => {
  expect((await openWebSearch({})).functions).toEqual([]);
});

test.each([{}, { query: "" }, { query: 7 }, { queries: [] }])(
  "a call with %j gets an error that names the missing part",
  async (args) => {
    const search = await openWebSearch({ SEARXNG_URL: "http://127.0.0.1:1" });
    expect(await search.call("web_search", args)).toMatchObject({
      isError: true,
      output: "The argument 'query' is missing.",
    });
  },
);
