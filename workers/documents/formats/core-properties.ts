import { toOneLine } from "../one-line.ts";
import { readXml } from "./xml-events.ts";
import type { ZipArchive } from "./zip-archive.ts";

/** The title in the properties of a document of Office (ECMA-376 part 2 §8). */
export function readCoreTitle(archive: ZipArchive): string | undefined {
  const part = archive.take("docProps/core.xml");
  if (part === undefined) return undefined;
  let isTitle = false;
  let title = "";
  readXml(part, {
    open: ({ name }) => (isTitle = name === "title"),
    text: (text) => {
      if (isTitle) title += text;
    },
    close: () => (isTitle = false),
  });
  return toOneLine(title) || undefined;
}
