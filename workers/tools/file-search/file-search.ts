/** File search. Only providers run it, but any model can continue a conversation that has its results. */
import type { ToolDefinition } from "../tool.ts";
import { RESULT_UNAVAILABLE } from "../tool-items.ts";

export const fileSearch: ToolDefinition = {
  items: {
    callTypes: [],
    render: (item) => {
      if (item.type !== "file_search_call") return undefined;
      return {
        kind: "call",
        name: "file_search",
        arguments: JSON.stringify({ queries: item.queries }),
        output: JSON.stringify(item.results ?? RESULT_UNAVAILABLE),
      };
    },
  },
};
