/** Lists the secrets in a request's tools, in every form in which a provider or tool may repeat them. */
import type { InputItem, OutputItem } from "../protocol/item.ts";
import type { Tool } from "../protocol/tool.ts";
import { listHeaderSecrets, listUrlSecrets } from "../logging/redaction/list-secrets.ts";

export function listToolSecrets(tools: readonly Tool[]): string[] {
  return tools.flatMap((tool) => {
    switch (tool.type) {
      case "mcp": {
        const { authorization = "", headers, server_url: url } = tool;
        return [...listHeaderSecrets({ ...headers, authorization }), ...(url === undefined ? [] : listUrlSecrets(url))];
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

/** The secrets of tools in items: only their URLs. */
export function listItemSecrets(items: readonly (InputItem | OutputItem)[]): string[] {
  return items.flatMap((item) =>
    item.type === "additional_tools" || item.type === "tool_search_output" ? listToolSecrets(item.tools as Tool[]) : [],
  );
}

interface ContainerSettings {
  network_policy?: { type: "disabled" } | { type: "allowlist"; domain_secrets?: { value: string }[] };
}

function domainSecrets({ network_policy: policy }: ContainerSettings): string[] {
  return policy?.type === "allowlist" ? (policy.domain_secrets ?? []).map(({ value }) => value) : [];
}
