/** The documents as pages. The first request renders all of them; later requests get the same pages. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PACKAGE_FOLDER } from "../../../package-folder.ts";
import { type Address, API_REFERENCE, type Documents, INDEX } from "./documents.ts";
import { documentPage, indexPage, type PageGroup, type PageLink } from "./page-layout.ts";
import { renderDocument } from "./render-document.ts";

export interface Page {
  html: string;
  etag: string;
}

const REFERENCE_LINK: PageLink = {
  address: API_REFERENCE,
  title: "API reference",
  summary: "Every endpoint, parameter, event and error, to read and to try.",
};

export class DocumentPages {
  readonly #documents: Documents;
  #pages: ReadonlyMap<Address, Page> | undefined;

  constructor(documents: Documents) {
    this.#documents = documents;
  }

  at(address: Address): Page | undefined {
    this.#pages ??= renderPages(this.#documents);
    return this.#pages.get(address);
  }

  /** The path of an image that a document shows. */
  imageAt(address: Address): string | undefined {
    const file = this.#documents.imageAt(address);
    return file === undefined ? undefined : join(PACKAGE_FOLDER, file);
  }
}

function renderPages(documents: Documents): ReadonlyMap<Address, Page> {
  const rendered = documents.groups.map(({ title, files }) => {
    const pages = files.map((file) => ({
      address: documents.addressOf(file)!,
      ...renderDocument(file, readFileSync(join(PACKAGE_FOLDER, file), "utf8"), documents),
    }));
    return { title, pages };
  });
  const groups: PageGroup[] = rendered.map(({ title, pages }) => ({
    title,
    pages: title === "Use" ? [...pages, REFERENCE_LINK] : pages,
  }));
  const pages = rendered
    .flatMap((group) => group.pages)
    .map((document) => [document.address, pageOf(documentPage(document.address, document, groups))] as const);
  return new Map([[INDEX, pageOf(indexPage(groups))], ...pages]);
}

function pageOf(html: string): Page {
  return { html, etag: `"${createHash("sha256").update(html).digest("base64url")}"` };
}
