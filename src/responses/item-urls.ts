/**
 * URLs of MCP servers in items that bring tools. Items are kept as they came and are listed, so of such a URL they keep the
 * origin, and in its fragment, which is sent to nobody, the whole of it under a seal: `<origin>/#<sealed URL>`.
 */
import type { InputItem, OutputItem } from "../protocol/item.ts";
import type { Tool } from "../protocol/tool.ts";
import { type ContentSealer, isSealed, UnreadableContentError } from "../sealing/content-sealer.ts";
import { UNREADABLE_URL } from "./request-secrets.ts";
import type { Storage } from "./storage.ts";

type Item = InputItem | OutputItem;

/** The same items where there is nothing to seal, or where it is sealed already: a reference names what is kept. */
export function sealItemUrls<T extends Item>(sealer: ContentSealer, project: string, items: readonly T[]): T[] {
  return items.map((item) =>
    withUrls(item, (address) => {
      if (!URL.canParse(address)) return address;
      const { origin, href, hash } = new URL(address);
      if (origin === "null" || href === `${origin}/` || isSealed(hash.slice(1))) return address;
      return `${origin}/#${sealer.seal(project, "secret", address)}`;
    }),
  );
}

/** For the model and for whoever calls the servers. */
export function openItemUrls<T extends Item>(
  { sealer, logger }: Pick<Storage, "sealer" | "logger">,
  project: string,
  items: readonly T[],
): T[] {
  return items.map((item) =>
    withUrls(item, (address) => {
      const sealed = address.slice(address.indexOf("#") + 1);
      if (!isSealed(sealed)) return address;
      try {
        return String(sealer.open(project, "secret", sealed));
      } catch (error) {
        if (!(error instanceof UnreadableContentError)) throw error;
        logger.warn({ project, itemId: item.id }, "A URL was sealed with a key that is not configured any more");
        return UNREADABLE_URL;
      }
    }),
  );
}

function withUrls<T extends Item>(item: T, change: (address: string) => string): T {
  if (item.type !== "additional_tools" && item.type !== "tool_search_output") return item;
  const tools = (item.tools as Tool[]).map((tool) =>
    tool.type === "mcp" && tool.server_url !== undefined ? { ...tool, server_url: change(tool.server_url) } : tool,
  );
  return { ...item, tools };
}
