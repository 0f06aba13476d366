/** The form of a new run, and the request that it makes. */
import type { Response } from "../../../protocol/response.ts";

export interface McpServer {
  label: string;
  /** Empty for a server that the operator has configured under its label. */
  url: string;
  token: string;
  asksFirst: boolean;
}

export interface RunForm {
  model: string;
  input: string;
  instructions: string;
  /** Empty for the model's own. */
  effort: string;
  isBackground: boolean;
  searchesWeb: boolean;
  runsPython: boolean;
  servers: readonly McpServer[];
  /** The response that it continues. */
  after: string;
  /** Further tools and metadata, of the example or the response that it continues. */
  otherTools: readonly object[];
  metadata: Readonly<Record<string, string>>;
}

export const EMPTY_FORM: RunForm = {
  model: "",
  input: "",
  instructions: "",
  effort: "",
  isBackground: true,
  searchesWeb: false,
  runsPython: false,
  servers: [],
  after: "",
  otherTools: [],
  metadata: {},
};

export function toRequest(form: RunForm): Record<string, unknown> {
  const tools = toolsOf(form);
  const include = [
    ...(form.searchesWeb ? ["web_search_call.action.sources"] : []),
    ...(form.runsPython ? ["code_interpreter_call.outputs"] : []),
  ];
  return {
    model: form.model,
    input: form.input,
    ...(form.instructions !== "" && { instructions: form.instructions }),
    ...(form.effort !== "" && { reasoning: { effort: form.effort, summary: "auto" } }),
    ...(tools.length > 0 && { tools }),
    ...(include.length > 0 && { include }),
    ...(form.after !== "" && { previous_response_id: form.after }),
    ...(Object.keys(form.metadata).length > 0 && { metadata: form.metadata }),
    background: form.isBackground,
  };
}

function toolsOf(form: RunForm): object[] {
  const servers = form.servers.filter(({ label }) => label !== "");
  return [
    ...(form.searchesWeb ? [{ type: "web_search" }] : []),
    ...(form.runsPython ? [{ type: "code_interpreter", container: { type: "auto" } }] : []),
    ...servers.map(({ label, url, token, asksFirst }) => ({
      type: "mcp",
      server_label: label,
      ...(url !== "" && { server_url: url }),
      ...(token !== "" && { authorization: token }),
      require_approval: asksFirst ? "always" : "never",
    })),
    ...form.otherTools,
  ];
}

/** The model, instructions and tools of a response that a new one continues. */
export function continueForm(response: Response): Partial<RunForm> {
  const { tools } = response;
  return {
    model: response.model,
    instructions: typeof response.instructions === "string" ? response.instructions : "",
    effort: response.reasoning.effort ?? "",
    searchesWeb: tools.some(({ type }) => type === "web_search"),
    runsPython: tools.some(({ type }) => type === "code_interpreter"),
    servers: tools.flatMap((tool) =>
      tool.type === "mcp"
        ? [
            {
              label: tool.server_label,
              url: tool.server_url ?? "",
              token: "",
              asksFirst: tool.require_approval !== "never",
            },
          ]
        : [],
    ),
    otherTools: tools.filter(({ type }) => !["web_search", "code_interpreter", "mcp"].includes(type)),
    after: response.id,
  };
}
