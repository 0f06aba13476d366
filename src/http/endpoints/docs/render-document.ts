/** A Markdown document of the repository as HTML. */
import { posix } from "node:path";
import { lexer, Parser, Renderer, type Token, type Tokens } from "marked";
import { type Address, type Documents, relativeAddress } from "./documents.ts";
import { HeadingIds } from "./heading-ids.ts";

export interface Heading {
  depth: number;
  id: string;
  text: string;
}

export interface RenderedDocument {
  title: string;
  /** The text of the first paragraph. */
  summary: string;
  headings: Heading[];
  html: string;
}

export function renderDocument(file: string, markdown: string, documents: Documents): RenderedDocument {
  const tokens = lexer(markdown);
  const renderer = new DocumentRenderer((href) => linkFrom(file, href, documents));
  const html = new Parser({ renderer }).parse(tokens);
  const summary = tokens.find((token) => token.type === "paragraph");
  return {
    title: renderer.headings.find(({ depth }) => depth === 1)?.text ?? file,
    summary: summary === undefined ? "" : plainText([summary]),
    headings: renderer.headings,
    html,
  };
}

/** `undefined`: the server does not serve this file of the repository. */
function linkFrom(file: string, href: string, documents: Documents): string | undefined {
  if (/^(?:[a-z]+:|#)/.test(href)) return href;
  const [, path = "", fragment = ""] = /^([^#]*)(#.*)?$/.exec(href) ?? [];
  const from: Address | undefined = documents.addressOf(file);
  const to = documents.addressOf(posix.join(posix.dirname(file), path));
  return from === undefined || to === undefined ? undefined : `${relativeAddress(from, to)}${fragment}`;
}

class DocumentRenderer extends Renderer {
  readonly headings: Heading[] = [];
  readonly #ids = new HeadingIds();
  readonly #linkTo: (href: string) => string | undefined;

  constructor(linkTo: (href: string) => string | undefined) {
    super();
    this.#linkTo = linkTo;
  }

  override heading({ depth, tokens }: Tokens.Heading): string {
    const text = plainText(tokens);
    const id = this.#ids.next(text);
    this.headings.push({ depth, id, text });
    const anchor = `<a class="anchor" href="#${id}" aria-label="Link to this section">#</a>`;
    return `<h${depth} id="${id}">${this.parser.parseInline(tokens)} ${anchor}</h${depth}>\n`;
  }

  override link(token: Tokens.Link): string {
    const href = this.#linkTo(token.href);
    if (href !== undefined) return super.link({ ...token, href });
    return `<span class="file" title="${escapeHtml(token.href)}">${this.parser.parseInline(token.tokens)}</span>`;
  }

  override image(token: Tokens.Image): string {
    return super.image({ ...token, href: this.#linkTo(token.href) ?? token.href });
  }

  /** The wrapper lets a wide table scroll without the page. */
  override table(token: Tokens.Table): string {
    return `<div class="table" tabindex="0">${super.table(token)}</div>\n`;
  }

  override html({ text }: Tokens.HTML | Tokens.Tag): string {
    return text
      .replaceAll(/<!--[^]*?-->/g, "")
      .replaceAll(
        /\b(src|srcset|href)="([^"]*)"/g,
        (_match, name: string, href: string) => `${name}="${this.#linkTo(href) ?? href}"`,
      );
  }
}

function plainText(tokens: readonly Token[]): string {
  return tokens
    .map((token) => {
      if ("tokens" in token && token.tokens !== undefined) return plainText(token.tokens);
      return token.type === "html" || !("text" in token) ? "" : String(token.text);
    })
    .join("");
}

export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
