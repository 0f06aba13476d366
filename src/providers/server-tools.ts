/**
 * Tools of a request that nobody could run are refused when the request is made, with the setting that is missing, and not
 * in the middle of a run. A tool is the client's, the provider's, or this server's.
 */
import type { Config } from "../config.ts";
import type { Tool } from "../protocol/tool.ts";
import type { ResolvedModel } from "./catalog.ts";
import { runsTool } from "./hosted-tools.ts";

/** Why this server cannot run a tool; undefined if it can. */
type Refusal<T extends Tool> = (tool: T, config: Config) => string | undefined;
type Refusals = { [Type in Tool["type"]]?: Refusal<Extract<Tool, { type: Type }>> };

/** For the tools that are not the client's to run. */
const REFUSALS: Refusals = {
  file_search: () => "This server has no vector stores. Leave it to a provider that runs it.",
  shell: ({ environment }) =>
    environment == null || environment.type === "local"
      ? undefined
      : "This server has no containers for a shell. Use an environment of type 'local', or a provider that runs it.",
};

export interface UnavailableTool {
  place: number;
  type: string;
  reason: string;
}

/** The first tool that nobody can run. */
export function unavailableTool(
  tools: readonly Tool[],
  { provider }: ResolvedModel,
  config: Config,
): UnavailableTool | undefined {
  // The simulator is a model that may leave any tool unused: clients are tested with it, without what tools need.
  if (provider.kind === "simulator") return undefined;
  for (const [place, tool] of tools.entries()) {
    if (runsTool(provider, tool.type)) continue;
    const refusal = REFUSALS[tool.type] as Refusal<Tool> | undefined;
    const reason = refusal?.(tool, config);
    if (reason !== undefined) return { place, type: tool.type, reason };
  }
  return undefined;
}
