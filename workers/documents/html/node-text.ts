/**
 * Renders an HTML tree as text for a model: headings, lists, tables, code and links as in Markdown. It does not
 * recurse, because pages may nest deeper than the stack.
 */

/** Elements that are not text, or that readers do not see. */
const SKIPPED: ReadonlySet<string> = new Set(
  "script style template noscript svg math iframe object embed canvas audio video select datalist head".split(" "),
);
const BLOCKS: ReadonlySet<string> = new Set(
  "address article aside blockquote details dialog div dl fieldset figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr main nav ol p pre section summary table ul".split(
    " ",
  ),
);
const LINES: ReadonlySet<string> = new Set("li dt dd tr caption figcaption option legend".split(" "));
const MARKDOWN_PREFIXES: Readonly<Record<string, string>> = {
  h1: "# ",
  h2: "## ",
  h3: "### ",
  h4: "#### ",
  h5: "##### ",
  h6: "###### ",
  li: "- ",
  blockquote: "> ",
};

const ELEMENT = 1;
const TEXT = 3;

class TextWriter {
  #pieces: string[] = [];
  #length = 0;
  #breaks = 0;
  #space = false;
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get isFull(): boolean {
    return this.#length >= this.#limit;
  }

  get text(): string {
    return this.#pieces.join("").trim().slice(0, this.#limit);
  }

  /** The position of the next piece. */
  get position(): number {
    return this.#pieces.length;
  }

  breakLines(lines: number): void {
    if (lines === 0) return;
    this.#breaks = Math.max(this.#breaks, lines);
    this.#space = false;
  }

  /** Writes text in which spaces and line breaks have no meaning. */
  writeFlow(text: string): void {
    const words = text.replace(/\s+/g, " ");
    if (words === "") return;
    if (words === " ") {
      this.#space = true;
      return;
    }
    if (words.startsWith(" ")) this.#space = true;
    this.#separate();
    this.#push(words.trim());
    this.#space = words.endsWith(" ");
  }

  /** Writes text unchanged. */
  writeExact(text: string): void {
    this.#separate();
    this.#push(text);
  }

  /** Replaces the text written since `position`, unless there is none. The separator before it stays. */
  replaceSince(position: number, replace: (text: string) => string): void {
    const written = this.#pieces.splice(position).join("");
    this.#length -= written.length;
    const text = written.trimStart();
    this.#push(written.slice(0, written.length - text.length));
    if (text !== "") this.#push(replace(text));
  }

  #separate(): void {
    if (this.#length > 0) {
      if (this.#breaks > 0) this.#push("\n".repeat(this.#breaks));
      else if (this.#space) this.#push(" ");
    }
    this.#breaks = 0;
    this.#space = false;
  }

  #push(text: string): void {
    if (text === "") return;
    this.#pieces.push(text);
    this.#length += text.length;
  }
}

export function renderNodeText(root: Node, limit: number): string {
  const writer = new TextWriter(limit);
  const stack: (Node | (() => void))[] = [root];
  for (let next = stack.pop(); next !== undefined && !writer.isFull; next = stack.pop()) {
    if (typeof next === "function") next();
    else if (next.nodeType === TEXT) writeText(next, writer);
    else if (next.nodeType === ELEMENT) enter(next as Element, writer, stack);
    else if (next.hasChildNodes()) pushChildren(next, stack);
  }
  return writer.text;
}

function pushChildren(node: Node, stack: (Node | (() => void))[]): void {
  for (let child = node.lastChild; child !== null; child = child.previousSibling) stack.push(child);
}

function writeText(node: Node, writer: TextWriter): void {
  writer.writeFlow(node.nodeValue ?? "");
}

function enter(element: Element, writer: TextWriter, stack: (Node | (() => void))[]): void {
  const name = element.localName;
  if (SKIPPED.has(name) || isHidden(element)) return;
  if (name === "br") return writer.breakLines(1);
  if (name === "pre") return writePreformatted(element, writer);
  const lines = countBreaks(element);
  writer.breakLines(lines);
  const from = writer.position;
  stack.push(() => {
    const mark = MARKDOWN_PREFIXES[name];
    if (mark !== undefined) writer.replaceSince(from, (text) => mark + text);
    else if (name === "a") writeLink(from, element, writer);
    else if (CELLS.has(name)) writer.replaceSince(from, (text) => `${text.replace(/\n+/g, " ")} |`);
    writer.breakLines(lines);
    if (CELLS.has(name)) writer.writeFlow(" ");
  });
  pushChildren(element, stack);
}

const CELLS: ReadonlySet<string> = new Set(["td", "th"]);

/** Line breaks before and after. A paragraph that is alone in a list item or a cell is its text. */
function countBreaks(element: Element): number {
  const name = element.localName;
  if (name === "p" && element.parentElement?.childElementCount === 1) {
    const parent = element.parentElement.localName;
    if (parent === "li" || CELLS.has(parent)) return 0;
  }
  return BLOCKS.has(name) ? 2 : LINES.has(name) ? 1 : 0;
}

function isHidden(element: Element): boolean {
  if (element.hasAttribute("hidden")) return true;
  const style = element.getAttribute("style");
  return style !== null && /display\s*:\s*none|visibility\s*:\s*hidden/i.test(style);
}

/** Writes the element's text without its markup. */
function writePreformatted(element: Element, writer: TextWriter): void {
  const text = (element.textContent ?? "").replace(/^\n|\s+$/g, "");
  if (text === "") return;
  writer.breakLines(2);
  writer.writeExact(`\`\`\`\n${text}\n\`\`\``);
  writer.breakLines(2);
}

function writeLink(from: number, element: Element, writer: TextWriter): void {
  const { href } = element as HTMLAnchorElement;
  if (!/^https?:/.test(href ?? "")) return;
  // A link within the page leads nowhere here. A link over several blocks belongs to its first line.
  if (element.getAttribute("href")!.startsWith("#")) return;
  writer.replaceSince(from, (text) => (text.includes("\n") ? text : `[${text}](${href})`));
}
