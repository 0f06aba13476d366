/** Calls of the functions of web search, without a model and without a run. */
import { pino } from "pino";
import { readConfig } from "../../src/config/config.ts";
import type { ServerFunction, ToolResult } from "../../workers/tools/tool.ts";
import { openWebSearchKind } from "../../workers/tools/web-search/web-search.ts";
import { DocumentReader } from "../../workers/documents/document-reader.ts";
import type { WebSearchTool } from "../../workers/tools/web-search/search-settings.ts";

/** One for all tests of a file: its processes take a while to start. */
const DOCUMENTS = new DocumentReader();

export interface OpenedWebSearch {
  functions: readonly ServerFunction[];
  call: (name: string, args: object, signal?: AbortSignal) => Promise<ToolResult & { output: string }>;
}

export async function openWebSearch(
  environment: Record<string, string>,
  tool: Partial<WebSearchTool> = {},
): Promise<OpenedWebSearch> {
  const kind = openWebSearchKind(readConfig({ WEB_SEARCH_HONOUR_ROBOTS: "false", ...environment }), DOCUMENTS);
  const { functions } = await kind.open(
    { type: "web_search", ...tool },
    {
      responseId: "resp_test",
      project: "default",
      request: { model: "simulator/default" },
      context: [],
      requestItems: [],
      responseItems: [],
      containers: {
        readVersion: () => Promise.resolve(undefined),
        read: () => Promise.resolve(undefined),
        write: () => Promise.resolve(false),
      },
      signal: new AbortController().signal,
      logger: pino({ level: "silent" }),
      trackListing: (_type, _server, run) => run(),
      nextIndex: () => 0,
      writeEvents: () => Promise.resolve(),
    },
  );
  return {
    functions,
    call: async (name, args, signal = new AbortController().signal) => {
      const fn = functions.find(({ definition }) => definition.name === name)!;
      const call = { callId: "call_test", name, arguments: JSON.stringify(args) };
      const result = await fn.run(call, { signal, reportProgress: () => {} });
      return { ...result, output: result.output as string };
    },
  };
}
