/**
 * Secrets that a request sends for its tools: credentials of MCP servers, and values that a container sends to hosts. The
 * URL of an MCP server counts as a secret, because some URLs alone grant access. Secrets are sealed in Redis and unsealed
 * in the worker that runs the tools. Tools inside items may have no secret except the URL, because clients can list items.
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

/**
 * Replaces a URL that cannot be unsealed. `.invalid` never resolves (RFC 6761). Without a URL, the worker would look up the
 * server's label in the operator's configuration instead.
 */
export const UNREADABLE_URL = "https://unreadable.invalid/";

/** Leaves out secrets whose key has been removed from the configuration. An older release may have stored plain URLs. */
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

/** `param` is the parameter that holds the items. */
export function rejectSecrets(items: readonly (InputItem | OutputItem)[], param: string): void {
  for (const [index, item] of items.entries()) {
    if (item.type !== "additional_tools" && item.type !== "tool_search_output") continue;
    for (const [i, tool] of item.tools.entries()) {
      mapToolSecrets(tool, (secret, path) => {
        // Sealed separately (item-urls.ts).
        if (path === "server_url") return secret;
        throw secretInItem(`${param}[${index}].tools[${i}].${path}`);
      });
    }
  }
}

/** `path` is the secret's position in the tool. */
type SecretMapper = (secret: string, path: string) => string | undefined;

/**
 * Collects the secrets, changes each once, and puts them back in the same order. Yields to other requests in between: a
 * request may hold a hundred thousand secrets, and each takes about ten microseconds.
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
  const putBack: SecretMapper = () => {
    next += 1;
    return changed[next - 1];
  };
  return { ...request, tools: await mapInSlices(tools, (tool) => mapToolSecrets(tool, putBack)) };
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

function mapValues(values: Record<string, string>, path: string, change: SecretMapper): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => {
      const changed = change(value, `${path}.${name}`);
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

function mapContainerSecrets<C extends ContainerSettings>(container: C, path: string, change: SecretMapper): C {
  const policy = container.network_policy;
  if (policy?.type !== "allowlist" || policy.domain_secrets === undefined) return container;
  const domain_secrets = policy.domain_secrets.flatMap((secret, i) => {
    const value = change(secret.value, `${path}.network_policy.domain_secrets[${i}].value`);
    return value === undefined ? [] : [{ ...secret, value }];
  });
  return { ...container, network_policy: { ...policy, domain_secrets } };
}
