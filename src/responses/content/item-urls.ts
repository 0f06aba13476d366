/**
 * URLs of MCP servers in items that define tools. Clients can list these items, and a URL may be a secret. A stored item
 * therefore has `<origin>/#<sealed URL>`: the visible origin, and the sealed URL as a fragment, which HTTP never sends.
 */
import type { InputItem, OutputItem } from "../../protocol/item.ts";
import type { Tool } from "../../protocol/tool.ts";
import { type ContentSealer, isSealed } from "../../sealing/content-sealer.ts";
import { TimeSlice } from "../../concurrency/time-slice.ts";
import { tryUnsealSecret, UNREADABLE_URL } from "./request-secrets.ts";
import type { Storage } from "../storage.ts";

type Item = InputItem | OutputItem;

/** Leaves sealed URLs as they are: a reference can name a stored item. */
export async function sealItemUrls<T extends Item>(
  sealer: ContentSealer,
  project: string,
  items: readonly T[],
): Promise<T[]> {
  return await mapToolUrls(items, (url) => {
    if (!URL.canParse(url)) return url;
    const { origin, href, hash } = new URL(url);
    if (origin === "null" || href === `${origin}/` || isSealed(hash.slice(1))) return url;
    return `${origin}/#${sealer.seal(project, "secret", url)}`;
  });
}

/** Unseals the URLs for a run, which shows the items to the model and calls the servers. */
export async function unsealItemUrls<T extends Item>(
  { sealer }: Pick<Storage, "sealer">,
  project: string,
  items: readonly T[],
): Promise<T[]> {
  return await mapToolUrls(items, (url) => {
    const sealed = url.slice(url.indexOf("#") + 1);
    if (!isSealed(sealed)) return url;
    return tryUnsealSecret(sealer, project, sealed) ?? UNREADABLE_URL;
  });
}

/** Yields to other work: items may define a hundred thousand tools. */
async function mapToolUrls<T extends Item>(items: readonly T[], change: (url: string) => string): Promise<T[]> {
  const slice = new TimeSlice();
  const changed: T[] = [];
  for (const item of items) {
    if (item.type !== "additional_tools" && item.type !== "tool_search_output") {
      changed.push(item);
      continue;
    }
    const tools: Tool[] = [];
    for (const tool of item.tools as Tool[]) {
      if (slice.isOver) await slice.yieldToOthers();
      const url = tool.type === "mcp" ? tool.server_url : undefined;
      tools.push(url === undefined ? tool : ({ ...tool, server_url: change(url) } as Tool));
    }
    changed.push({ ...item, tools });
  }
  return changed;
}
