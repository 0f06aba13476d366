/** Reads EPUB books: their chapters in the order of the spine, each as a web page is read. */
import { DocumentError } from "../document.ts";
import { renderHtmlText } from "../html/render-html.ts";
import { toOneLine } from "../one-line.ts";
import { decodeLabelled } from "../decode-text.ts";
import type { FormatReader } from "../process/format-reader.ts";
import { resolveName } from "./relationships.ts";
import { readXml } from "./xml-events.ts";
import { ZipArchive } from "./zip-archive.ts";

interface Book {
  title: string;
  chapters: string[];
}

const CHAPTER_TYPES: ReadonlySet<string> = new Set(["application/xhtml+xml", "text/html"]);
/** Algorithms that only obfuscate fonts (EPUB 3.3 §4.2.6.3.1.4 and Adobe's older one). */
const FONT_OBFUSCATION = /^http:\/\/(?:www\.idpf\.org\/2008\/embedding|ns\.adobe\.com\/pdf\/enc#RC)$/;

// oxlint-disable-next-line typescript/require-await -- the contract is asynchronous
export const readEpub: FormatReader = async ({ bytes, request, text }) => {
  const { maxUnpackedBytes, maxPages, maxTextLength } = request.limits;
  const archive = new ZipArchive(bytes, maxUnpackedBytes);
  if (isEncrypted(archive)) throw new DocumentError("encrypted_file", "The book is encrypted.");
  const book = readBook(archive);
  for (const [i, name] of book.chapters.entries()) {
    if (text.isFull || i >= maxPages) {
      text.markTruncated();
      break;
    }
    const chapter = archive.take(name);
    // A book may list a chapter that it lacks.
    if (chapter !== undefined) text.writeMarkdown(renderHtmlText(decodeLabelled(chapter, []), maxTextLength + 1));
  }
  return { title: toOneLine(book.title) || text.headings[0]?.text };
};

/** Whether content is encrypted, and not only fonts (EPUB 3.3 §4.2.6.3). */
function isEncrypted(archive: ZipArchive): boolean {
  const part = archive.take("META-INF/encryption.xml");
  if (part === undefined) return false;
  let isContent = false;
  readXml(part, {
    open: ({ name, attributes }) => {
      if (name === "EncryptionMethod" && !FONT_OBFUSCATION.test(attributes["Algorithm"] ?? "")) isContent = true;
    },
  });
  return isContent;
}

function readBook(archive: ZipArchive): Book {
  const packageName = findPackage(archive);
  const chapters = new Map<string, string>();
  const spine: string[] = [];
  let title = "";
  let isTitle = false;
  readXml(archive.takeRequired(packageName), {
    open: ({ name, attributes: { id, href, idref, "media-type": type = "" } }) => {
      isTitle = name === "title" && title === "";
      if (name === "item" && id !== undefined && href !== undefined && CHAPTER_TYPES.has(type))
        chapters.set(id, resolveName(packageName, decodePath(href)));
      if (name === "itemref" && idref !== undefined) spine.push(idref);
    },
    text: (text) => {
      if (isTitle) title += text;
    },
    close: () => (isTitle = false),
  });
  // A chapter counts once, however often the spine names it.
  return { title, chapters: [...new Set(spine.flatMap((id) => chapters.get(id) ?? []))] };
}

function findPackage(archive: ZipArchive): string {
  let name: string | undefined;
  readXml(archive.takeRequired("META-INF/container.xml"), {
    open: (element) => {
      if (element.name === "rootfile") name ??= element.attributes["full-path"];
    },
  });
  if (name === undefined) throw new DocumentError("invalid_file", "The book is damaged: it names no package.");
  return resolveName("", name);
}

function decodePath(href: string): string {
  const [path = ""] = href.split("#");
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
