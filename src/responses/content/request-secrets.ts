/**
 * Secrets that a request brings for tools: what opens an MCP server, what a container sends to a host. The URL of an MCP
 * server is one: some are known to nobody else, and open the server to whoever has them. They wait in Redis
 * under a seal and are opened where the tools are used, in a worker. Items may bring tools too, and are listed as they
 * came: a tool in an item may have no secret but its URL.
 */
import { secretInItem } from "../../lifecycle/errors/requests.ts";
import type { CreateRequest } from "../../protocol/create-request.ts";
import type { InputItem, OutputItem } from "../../protocol/item.ts";
import type { Tool } from "../../protocol/tool.ts";
import { type ContentSealer, isSealed, UnreadableContentError } from "../../sealing/content-sealer.ts";
import { mapInTurns } from "../../concurrency/turns.ts";
import type { Storage } from "../storage.ts";

interface WithTools {
  tools?: CreateRequest["tools"];
}

export async function sealSecrets<R extends WithTools>(sealer: ContentSealer, project: string, request: R): Promise<R> {
  return await withSecrets(request, (secret) => sealer.seal(project, "secret", secret));
}

/** In the place of a URL that cannot be opened: no such name is ever resolved (RFC 6761). Without one, the label would be looked up. */
export const UNREADABLE_URL = "https://unreadable.invalid/";

/**
 * A secret whose key was taken away since is left out: whoever asked for it says that it is missing. A URL may have been
 * stored as it was sent, by a process of an older release.
 */
export async function openSecrets<R extends WithTools>(
  { sealer, logger }: Pick<Storage, "sealer" | "logger">,
  project: string,
  request: R,
): Promise<R> {
  return await withSecrets(request, (sealed, path) => {
    if (path === "server_url" && !isSealed(sealed)) return sealed;
    try {
      return String(sealer.open(project, "secret", sealed));
    } catch (error) {
      if (!(error instanceof UnreadableContentError)) throw error;
      logger.warn({ project }, "A secret was sealed with a key that is not configured any more");
      return undefined;
    }
  });
}

/** `param` is where the items stand. */
export function refuseSecrets(items: readonly (InputItem | OutputItem)[], param: string): void {
  for (const [place, item] of items.entries()) {
    if (item.type !== "additional_tools" && item.type !== "tool_search_output") continue;
    for (const [i, tool] of item.tools.entries()) {
      toolWithSecrets(tool, (secret, path) => {
        // Its own seal keeps it (item-urls.ts).
        if (path === "server_url") return secret;
        throw secretInItem(`${param}[${place}].tools[${i}].${path}`);
      });
    }
  }
}

/** `path` is where in the tool it stands. */
type Change = (secret: string, path: string) => string | undefined;

/**
 * Each secret is changed once, in turns with other requests: a request may bring a hundred thousand, and each takes some ten
 * microseconds. Then they are put in their places, in the order in which they were found.
 */
async function withSecrets<R extends WithTools>(request: R, change: Change): Promise<R> {
  const { tools } = request;
  if (tools == null) return request;
  const found: { secret: string; path: string }[] = [];
  const collect: Change = (secret, path) => {
    found.push({ secret, path });
    return secret;
  };
  await mapInTurns(tools, (tool) => void toolWithSecrets(tool, collect));
  const changed = await mapInTurns(found, ({ secret, path }) => change(secret, path));
  let next = 0;
  const put: Change = () => {
    next += 1;
    return changed[next - 1];
  };
  return { ...request, tools: await mapInTurns(tools, (tool) => toolWithSecrets(tool, put)) };
}

function toolWithSecrets(tool: Tool, change: Change): Tool {
  switch (tool.type) {
    case "mcp": {
      const { authorization, headers, server_url, ...rest } = tool;
      const changed = authorization === undefined ? undefined : change(authorization, "authorization");
      return {
        ...rest,
        ...(server_url !== undefined && { server_url: change(server_url, "server_url") ?? UNREADABLE_URL }),
        ...(changed !== undefined && { authorization: changed }),
        ...(headers !== undefined && { headers: headers && changedValues(headers, "headers", change) }),
      };
    }
    case "code_interpreter":
      return typeof tool.container === "string"
        ? tool
        : { ...tool, container: containerWithSecrets(tool.container, "container", change) };
    case "shell":
      return tool.environment?.type === "container_auto"
        ? { ...tool, environment: containerWithSecrets(tool.environment, "environment", change) }
        : tool;
    default:
      return tool;
  }
}

function changedValues(values: Record<string, string>, at: string, change: Change): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => {
      const changed = change(value, `${at}.${name}`);
      return changed === undefined ? [] : [[name, changed]];
    }),
  );
}

interface DomainSecret {
  domain: string;
  name: string;
  value: string;
}
interface Container {
  network_policy?:
    | { type: "disabled" }
    | { type: "allowlist"; allowed_domains: string[]; domain_secrets?: DomainSecret[] };
}

function containerWithSecrets<C extends Container>(container: C, at: string, change: Change): C {
  const policy = container.network_policy;
  if (policy?.type !== "allowlist" || policy.domain_secrets === undefined) return container;
  const domain_secrets = policy.domain_secrets.flatMap((secret, i) => {
    const value = change(secret.value, `${at}.network_policy.domain_secrets[${i}].value`);
    return value === undefined ? [] : [{ ...secret, value }];
  });
  return { ...container, network_policy: { ...policy, domain_secrets } };
}
