/**
 * URLs of MCP servers in items that bring tools. Items are kept as they came and are listed, so of such a URL they keep the
 * origin, and in its fragment, which is sent to nobody, the whole of it under a seal: `<origin>/#<sealed URL>`.
 */
import type { InputItem, OutputItem } from "../../protocol/item.ts";
import type { Tool } from "../../protocol/tool.ts";
import { type ContentSealer, isSealed } from "../../sealing/content-sealer.ts";
import { TimeSlice } from "../../concurrency/time-slice.ts";
import { tryUnsealSecret, UNREADABLE_URL } from "./request-secrets.ts";
import type { Storage } from "../storage.ts";

type Item = InputItem | OutputItem;

/** An item in which nothing is to be sealed stays the same; what is sealed already stays so, for a reference names what is kept. */
export async function sealItemUrls<T extends Item>(
  sealer: ContentSealer,
  project: string,
  items: readonly T[],
): Promise<T[]> {
  return await mapToolUrls(items, (address) => {
    if (!URL.canParse(address)) return address;
    const { origin, href, hash } = new URL(address);
    if (origin === "null" || href === `${origin}/` || isSealed(hash.slice(1))) return address;
    return `${origin}/#${sealer.seal(project, "secret", address)}`;
  });
}

/** For the model and for whoever calls the servers. */
export async function unsealItemUrls<T extends Item>(
  { sealer }: Pick<Storage, "sealer">,
  project: string,
  items: readonly T[],
): Promise<T[]> {
  return await mapToolUrls(items, (address) => {
    const sealed = address.slice(address.indexOf("#") + 1);
    if (!isSealed(sealed)) return address;
    return tryUnsealSecret(sealer, project, sealed) ?? UNREADABLE_URL;
  });
}

/** In turns with other work: items may bring a hundred thousand tools. */
async function mapToolUrls<T extends Item>(items: readonly T[], change: (address: string) => string): Promise<T[]> {
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
      const address = tool.type === "mcp" ? tool.server_url : undefined;
      tools.push(address === undefined ? tool : ({ ...tool, server_url: change(address) } as Tool));
    }
    changed.push({ ...item, tools });
  }
  return changed;
}
