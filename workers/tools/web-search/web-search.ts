/**
 * Web search by this server. The model has three functions: to search, to open a page, and to find passages in it. Each
 * call is a `web_search_call` in the log. All are read-only, so that a call is repeated after a crash.
 */
import type { Config } from "../../../src/config/config.ts";
import { isOffline } from "../../../src/providers/unavailable-tools.ts";
import { DocumentError, type DocumentFailure } from "../../documents/document.ts";
import { openDocumentReader } from "../../documents/document-reader.ts";
import { FetchPolicy } from "../../net/fetch-policy.ts";
import { GuardedFetch } from "../../net/guarded-fetch.ts";
import {
  createOpenTool,
  createToolError,
  type ToolDefinition,
  type ToolRunOptions,
  type ServerFunction,
  type ToolCall,
  type ToolKind,
  type ToolResult,
  type ToolSession,
} from "../tool.ts";
import { createFindInPageFunction, createOpenPageFunction } from "./page-functions.ts";
import { PageError, PageReader } from "./page-reader.ts";
import { RobotsError, RobotsEvaluator } from "./robots/robots-evaluator.ts";
import { RobotsPolicy } from "./robots/robots-policy.ts";
import { createSearchFunction } from "./search-function.ts";
import { SearchFailedError } from "./search-providers/search-provider.ts";
import { openSearchProvider } from "./search-providers/registry.ts";
import { isIndexedOnly, readSearchSettings, WEB_SEARCH_TYPES, type WebSearchTool } from "./search-settings.ts";
import { webSearchItems } from "./web-search-items.ts";

/** Named as the user's choice, so that the model does not treat it as an error to work around. */
const OFFLINE_NOTE =
  "Web search is turned off for this request: you cannot search the web or open pages. Answer from your knowledge and this conversation, and say where that may be out of date.";

const isWebSearch = (type: unknown): boolean => WEB_SEARCH_TYPES.some((each) => each === type);

export const webSearch: ToolDefinition = {
  items: webSearchItems,
  openKind: (config, documents) => openWebSearchKind(config, documents),
  // The tool has several type names. The published type of a choice has only those of the preview.
  matchesChoice: (choice, tool) => (isWebSearch(tool.type) ? isWebSearch(choice["type"]) : undefined),
};

export function openWebSearchKind(
  config: Config,
  documents = openDocumentReader(config),
  evaluator = new RobotsEvaluator({ reservePercent: config.FAIR_RESERVE_PERCENT }),
): ToolKind {
  const provider = openSearchProvider(config);
  const fetch = new GuardedFetch({ policy: new FetchPolicy(config.FETCH_ALLOWED_HOSTS) });
  const timeoutMs = config.WEB_SEARCH_TIMEOUT_MS;
  return {
    types: WEB_SEARCH_TYPES,
    open: async (tool, session) => {
      if (isOffline(tool as WebSearchTool)) return { ...createOpenTool([]), note: OFFLINE_NOTE };
      // Validation rejects a request that needs a search engine. The simulator may leave the tool unused.
      if (provider === undefined) return createOpenTool([]);
      const settings = readSearchSettings(tool as WebSearchTool);
      const { project } = session;
      const robots = config.WEB_SEARCH_HONOUR_ROBOTS
        ? new RobotsPolicy(fetch, evaluator, project, timeoutMs)
        : undefined;
      const reader = new PageReader({ fetch, documents, project, domains: settings.domains, robots, timeoutMs });
      const search = createSearchFunction(provider, settings);
      // The request allows only pages that the engine has indexed, so no page is fetched.
      const functions = isIndexedOnly(tool as WebSearchTool)
        ? [search]
        : [search, createOpenPageFunction(reader, settings), createFindInPageFunction(reader, settings)];
      return createOpenTool(functions.map((fn) => ({ ...fn, run: withErrorResults(fn, session) })));
    },
    [Symbol.asyncDispose]: () => documents[Symbol.asyncDispose](),
  };
}

/** A failed search or page becomes an error result for the model, and a log line. */
function withErrorResults(fn: ServerFunction, { logger }: ToolSession): ServerFunction["run"] {
  return async (call: ToolCall, options: ToolRunOptions): Promise<ToolResult> => {
    try {
      return await fn.run(call, options);
    } catch (error) {
      if (!(error instanceof SearchFailedError) && !(error instanceof PageError)) throw error;
      const isOurs = error instanceof SearchFailedError || isOurFailure(error.cause);
      const level = isOurs ? "warn" : "debug";
      logger[level]({ err: error, function: fn.definition.name }, "A web search call failed");
      return createToolError(error.message);
    }
  };
}

const OUR_FAILURES: ReadonlySet<DocumentFailure> = new Set(["timed_out", "busy", "unavailable"]);

/** A missing or broken page is normal on the web. The operator may have to give the reading of pages more. */
function isOurFailure(cause: unknown): boolean {
  return cause instanceof RobotsError || (cause instanceof DocumentError && OUR_FAILURES.has(cause.code));
}
