/** What of a request's tools is secret, as it is written and as it may be repeated by whoever is given it. */
import type { InputItem, OutputItem } from "../protocol/item.ts";
import type { Tool } from "../protocol/tool.ts";
import { headerSecrets, urlSecrets } from "../logging/redaction/secrets-of.ts";

export function toolSecrets(tools: readonly Tool[]): string[] {
  return tools.flatMap((tool) => {
    switch (tool.type) {
      case "mcp": {
        const { authorization = "", headers, server_url: url } = tool;
        return [...headerSecrets({ ...headers, authorization }), ...(url === undefined ? [] : urlSecrets(url))];
      }
      case "code_interpreter":
        return typeof tool.container === "string" ? [] : domainSecrets(tool.container);
      case "shell":
        return tool.environment?.type === "container_auto" ? domainSecrets(tool.environment) : [];
      default:
        return [];
    }
  });
}

/** Of the tools that items bring: they have no secret but their URLs. */
export function itemSecrets(items: readonly (InputItem | OutputItem)[]): string[] {
  return items.flatMap((item) =>
    item.type === "additional_tools" || item.type === "tool_search_output" ? toolSecrets(item.tools as Tool[]) : [],
  );
}

interface Container {
  network_policy?: { type: "disabled" } | { type: "allowlist"; domain_secrets?: { value: string }[] };
}

function domainSecrets({ network_policy: policy }: Container): string[] {
  return policy?.type === "allowlist" ? (policy.domain_secrets ?? []).map(({ value }) => value) : [];
}
