/** Reads a PDF's outline: the headings that its author named, with the pages that they lead to. */
import type { PDFDocumentProxy } from "./pdf-types.ts";

export interface OutlineEntry {
  level: number;
  title: string;
}

const MAX_ENTRIES = 1_000;
const MAX_LEVEL = 6;

/** By page, from 0. Empty if the outline cannot be read. */
export async function readOutline(document: PDFDocumentProxy): Promise<Map<number, OutlineEntry[]>> {
  const byPage = new Map<number, OutlineEntry[]>();
  type Nodes = NonNullable<Awaited<ReturnType<PDFDocumentProxy["getOutline"]>>>;
  const waiting: { nodes: Nodes; level: number }[] = [{ nodes: await document.getOutline().catch(() => []), level: 1 }];
  let entries = 0;
  for (const { nodes, level } of waiting) {
    for (const { title, dest, items } of nodes ?? []) {
      if ((entries += 1) > MAX_ENTRIES) return byPage;
      const page = await findPageIndex(document, dest);
      if (page !== undefined) byPage.set(page, [...(byPage.get(page) ?? []), { level, title }]);
      if (level < MAX_LEVEL && items.length > 0) waiting.push({ nodes: items as Nodes, level: level + 1 });
    }
  }
  return byPage;
}

async function findPageIndex(document: PDFDocumentProxy, destination: unknown): Promise<number | undefined> {
  try {
    const named = typeof destination === "string" ? await document.getDestination(destination) : destination;
    const [page]: unknown[] = Array.isArray(named) ? named : [];
    if (typeof page === "number") return page;
    if (typeof page !== "object" || page === null) return undefined;
    return await document.getPageIndex(page as Parameters<PDFDocumentProxy["getPageIndex"]>[0]);
  } catch {
    return undefined;
  }
}
