/**
 * Resolves references to links elsewhere in a text: `[text][1]` and `[1]` with `[1]: url` (CommonMark 0.31 §4.7),
 * footnotes `[^1]`, and forms that models use: `[1, 2]`, `【1】` and `¹` with a numbered list of sources. The target of a
 * reference is known only when the text has ended.
 */
import type { MarkdownLink } from "./markdown-link.ts";
import type { Bracket } from "./bracket-links.ts";
import { toReferenceKey, toReferenceKeys, SUPERSCRIPT, parseSuperscript } from "./reference-keys.ts";
import { SourceLists, type SourceKind } from "./source-lists.ts";

interface ReferenceMarker {
  start: number;
  end: number;
  keys: readonly string[];
  /** A number: another number after it is a second reference, not its label. */
  isNumber: boolean;
}

type SourceLabel = ReferenceMarker & { kind: SourceKind; hasLink: boolean };

/** Maximum markers. Further brackets are text. */
const MAX_MARKERS = 5_000;
const MAX_CORNER_LENGTH = 40;
/** Characters that may precede a source's label in its line: quotes, list markers, emphasis. */
const LINE_PREFIX = /[\s>*•+-]/;
/** Replaces code, as an object within the text. */
const CODE_PLACEHOLDER = "\ufffc";
/** Separates a number from its source. */
const SEPARATOR = /[\s:=–—-]/;
/** `m²` and `km²` are units, not references. */
const MIN_WORD_LENGTH = 3;

export class References {
  #markers: ReferenceMarker[] = [];
  readonly #lists = new SourceLists();
  #label: SourceLabel | undefined;
  /** The index where the text of this line starts. */
  #lineStart: number | undefined;
  #isBlankLine = true;
  #number = "";
  #superscript: { start: number; digits: string } | undefined;
  #cornerBracket: { start: number; label: string } | undefined;
  /** The last reference, and the index where its link may follow. */
  #adjacent: { marker: ReferenceMarker; next: number | undefined } | undefined;
  #before = "";
  #wordLength = 0;

  accept(character: string, position: number, isCode: boolean): void {
    const text = isCode ? CODE_PLACEHOLDER : character;
    if (text === "\n") this.#endLine();
    if (!/\s/.test(text)) this.#isBlankLine = false;
    if (this.#lineStart === undefined && !LINE_PREFIX.test(text)) {
      this.#lineStart = position;
      this.#number = "";
    }
    if (text === ":" && this.#label?.kind === "listed" && this.#label.end === position) this.#label.kind = "defined";
    if (this.#adjacent !== undefined && position >= this.#adjacent.marker.end && !SEPARATOR.test(text)) {
      this.#adjacent.next ??= position;
    }
    this.#readNumber(text, position);
    this.#readSuperscript(text, position);
    this.#readCorner(text, position);
    this.#wordLength = /\p{L}/u.test(text) ? this.#wordLength + 1 : 0;
    this.#before = text;
  }

  /** Adds a bracket. `end` is the index after its closing bracket. */
  addBracket({ start, isImage, label }: Bracket, end: number): void {
    if (isImage) return;
    const known = label === undefined ? { keys: [], isNumber: false } : toReferenceKeys(label);
    this.#add({ start, end, ...known }, "listed");
  }

  /** True if the link is the target of a definition, which readers do not see. */
  addLink(link: MarkdownLink): boolean {
    // The brackets belong to a link's text, so they are no reference.
    while (this.#markers.length > 0 && this.#markers.at(-1)!.start >= link.start) this.#markers.pop();
    this.#addAdjacent(link);
    const label = this.#label;
    if (label === undefined) return false;
    if (link.start <= label.start) {
      this.#label = undefined;
      return false;
    }
    // A word in brackets is a label only if a colon follows it.
    const isListed = label.kind !== "listed" || label.isNumber || label.keys.some((key) => key.startsWith("^"));
    if (label.hasLink || link.start < label.end || !isListed) return false;
    if (label.keys[0] === "") return false;
    label.hasLink = true;
    this.#lists.add(label.kind, label.keys, link);
    return label.kind === "defined";
  }

  /** Ends the text. Returns the references in order, and the definitions that no reference uses. */
  end(position: number): MarkdownLink[] {
    this.#readSuperscript(" ", position);
    this.#endLabel();
    const byStart = new Map(this.#markers.map((marker) => [marker.start, marker]));
    const links: MarkdownLink[] = [];
    for (const marker of this.#markers) {
      if (!byStart.has(marker.start)) continue;
      const label = marker.isNumber ? undefined : byStart.get(marker.end);
      const isCollapsed = label?.keys[0] === "";
      const named = label === undefined ? [] : this.#lists.find(isCollapsed ? marker.keys : label.keys);
      const isWhole = isCollapsed || named.length > 0;
      if (label !== undefined && isWhole) byStart.delete(label.start);
      const urls = isWhole ? named : this.#lists.find(marker.keys);
      const end = label !== undefined && isWhole ? label.end : marker.end;
      for (const url of urls) links.push({ start: marker.start, end, url });
    }
    const all = [...links, ...this.#lists.listUnused()];
    return all.sort((one, other) => one.start - other.start).slice(0, MAX_MARKERS);
  }

  #add(marker: ReferenceMarker, kind: SourceKind): void {
    if (marker.start === this.#lineStart) {
      this.#endLabel();
      this.#label = { ...marker, kind, hasLink: false };
    } else {
      if (this.#label !== undefined && !this.#label.hasLink && this.#label.end === marker.start) this.#endLabel();
      this.#push(marker);
    }
  }

  #push(marker: ReferenceMarker): void {
    if (this.#markers.length >= MAX_MARKERS) return;
    this.#markers.push(marker);
    this.#adjacent = { marker, next: undefined };
  }

  /** Reads sources on one line: `Sources: [1] url, [2] url`. */
  #addAdjacent({ start, end, url }: MarkdownLink): void {
    const { marker, next } = this.#adjacent ?? {};
    if (marker === undefined || next !== start || !marker.isNumber || this.#markers.at(-1) !== marker) return;
    this.#adjacent = undefined;
    this.#markers.pop();
    this.#lists.add("beside", marker.keys, { start, end, url });
  }

  /** A label without a link is a reference itself. */
  #endLabel(): void {
    const label = this.#label;
    this.#label = undefined;
    if (label !== undefined && !label.hasLink && label.kind !== "numbered") this.#push(label);
  }

  #endLine(): void {
    if (this.#isBlankLine) this.#endLabel();
    this.#isBlankLine = true;
    this.#lineStart = undefined;
  }

  /** Reads `1.` or `1)` at the start of a line's text. */
  #readNumber(text: string, position: number): void {
    if (this.#lineStart === undefined || position - this.#lineStart > 5) return;
    if (/\s/.test(text) && /^\d{1,3}[.)]$/.test(this.#number)) {
      const keys = [toReferenceKey(this.#number.slice(0, -1))];
      this.#add({ start: this.#lineStart, end: position, keys, isNumber: true }, "numbered");
    }
    this.#number += text;
  }

  #readSuperscript(text: string, position: number): void {
    if (SUPERSCRIPT.test(text)) {
      const isUnit = /[\p{N}⁻⁺^]/u.test(this.#before) || (this.#wordLength > 0 && this.#wordLength < MIN_WORD_LENGTH);
      if (this.#superscript !== undefined) this.#superscript.digits += text;
      else if (!isUnit) this.#superscript = { start: position, digits: text };
      return;
    }
    if (this.#superscript === undefined) return;
    const { start, digits } = this.#superscript;
    this.#superscript = undefined;
    if (digits.length > 3) return;
    this.#add({ start, end: position, keys: [parseSuperscript(digits)], isNumber: true }, "listed");
  }

  #readCorner(text: string, position: number): void {
    if (text === "【") {
      this.#cornerBracket = { start: position, label: "" };
    } else if (text === "】" && this.#cornerBracket !== undefined) {
      const { start, label } = this.#cornerBracket;
      this.#cornerBracket = undefined;
      // In `【1†source】`, a position within the page follows the dagger.
      this.#add({ start, end: position + 1, ...toReferenceKeys(label.split("†")[0]!) }, "listed");
    } else if (this.#cornerBracket !== undefined) {
      this.#cornerBracket.label += text;
      if (this.#cornerBracket.label.length > MAX_CORNER_LENGTH) this.#cornerBracket = undefined;
    }
  }
}
