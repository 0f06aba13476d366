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
import { type ContentSealer, isSealed } from "../../sealing/content-sealer.ts";
import { mapInSlices } from "../../concurrency/time-slice.ts";
import type { Storage } from "../storage.ts";

interface WithTools {
  tools?: CreateRequest["tools"];
}

export async function sealSecrets<R extends WithTools>(sealer: ContentSealer, project: string, request: R): Promise<R> {
  return await mapSecrets(request, (secret) => sealer.seal(project, "secret", secret));
}

/** In the place of a URL that cannot be opened: no such name is ever resolved (RFC 6761). Without one, the label would be looked up. */
export const UNREADABLE_URL = "https://unreadable.invalid/";

/**
 * A secret whose key was taken away since is left out: whoever asked for it says that it is missing. A URL may have been
 * stored as it was sent, by a process of an older release.
 */
export async function unsealSecrets<R extends WithTools>(
  { sealer }: Pick<Storage, "sealer">,
  project: string,
  request: R,
): Promise<R> {
  return await mapSecrets(request, (sealed, path) => {
    if (path === "server_url" && !isSealed(sealed)) return sealed;
    return tryUnsealSecret(sealer, project, sealed);
  });
}

/** Undefined if the key that sealed it has been removed from the configuration. */
export function tryUnsealSecret(sealer: ContentSealer, project: string, sealed: string): string | undefined {
  const secret = sealer.tryUnseal(project, "secret", sealed);
  return typeof secret === "string" ? secret : undefined;
}

/** `param` is where the items stand. */
export function rejectSecrets(items: readonly (InputItem | OutputItem)[], param: string): void {
  for (const [index, item] of items.entries()) {
    if (item.type !== "additional_tools" && item.type !== "tool_search_output") continue;
    for (const [i, tool] of item.tools.entries()) {
      mapToolSecrets(tool, (secret, path) => {
        // Its own seal keeps it (item-urls.ts).
        if (path === "server_url") return secret;
        throw secretInItem(`${param}[${index}].tools[${i}].${path}`);
      });
    }
  }
}

/** `path` is where in the tool it stands. */
type SecretMapper = (secret: string, path: string) => string | undefined;

/**
 * Each secret is changed once, in turns with other requests: a request may bring a hundred thousand, and each takes some ten
 * microseconds. Then they are put in their places, in the order in which they were found.
 */
async function mapSecrets<R extends WithTools>(request: R, change: SecretMapper): Promise<R> {
  const { tools } = request;
  if (tools == null) return request;
  const found: { secret: string; path: string }[] = [];
  const collect: SecretMapper = (secret, path) => {
    found.push({ secret, path });
    return secret;
  };
  await mapInSlices(tools, (tool) => void mapToolSecrets(tool, collect));
  const changed = await mapInSlices(found, ({ secret, path }) => change(secret, path));
  let next = 0;
  const put: SecretMapper = () => {
    next += 1;
    return changed[next - 1];
  };
  return { ...request, tools: await mapInSlices(tools, (tool) => mapToolSecrets(tool, put)) };
}

function mapToolSecrets(tool: Tool, change: SecretMapper): Tool {
  switch (tool.type) {
    case "mcp": {
      const { authorization, headers, server_url, ...rest } = tool;
      const changed = authorization === undefined ? undefined : change(authorization, "authorization");
      return {
        ...rest,
        ...(server_url !== undefined && { server_url: change(server_url, "server_url") ?? UNREADABLE_URL }),
        ...(changed !== undefined && { authorization: changed }),
        ...(headers !== undefined && { headers: headers && mapValues(headers, "headers", change) }),
      };
    }
    case "code_interpreter":
      return typeof tool.container === "string"
        ? tool
        : { ...tool, container: mapContainerSecrets(tool.container, "container", change) };
    case "shell":
      return tool.environment?.type === "container_auto"
        ? { ...tool, environment: mapContainerSecrets(tool.environment, "environment", change) }
        : tool;
    default:
      return tool;
  }
}

function mapValues(values: Record<string, string>, at: string, change: SecretMapper): Record<string, string> {
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
interface ContainerSettings {
  network_policy?:
    | { type: "disabled" }
    | { type: "allowlist"; allowed_domains: string[]; domain_secrets?: DomainSecret[] };
}

function mapContainerSecrets<C extends ContainerSettings>(container: C, at: string, change: SecretMapper): C {
  const policy = container.network_policy;
  if (policy?.type !== "allowlist" || policy.domain_secrets === undefined) return container;
  const domain_secrets = policy.domain_secrets.flatMap((secret, i) => {
    const value = change(secret.value, `${at}.network_policy.domain_secrets[${i}].value`);
    return value === undefined ? [] : [{ ...secret, value }];
  });
  return { ...container, network_policy: { ...policy, domain_secrets } };
}
