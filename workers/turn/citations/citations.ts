/**
 * Adds `url_citation` annotations for the links in an answer that lead to pages which the conversation's tools have read.
 * The text does not change. Each annotation follows the delta that completes its link; those of reference links follow the
 * last delta. Ranges count code points, as in the hosted API, and `end_index` is exclusive. All other links remain plain text.
 */
import type { ItemEventDraft } from "../../../src/protocol/event.ts";
import type { MessagePart } from "../../../src/protocol/content.ts";
import type { CitablePages } from "./citable-pages.ts";
import { LinkScanner } from "./link-scanner.ts";
import type { MarkdownLink } from "./markdown-link.ts";
import { readFragment, toPageKey } from "./page-key.ts";

type OutputText = Extract<MessagePart, { type: "output_text" }>;
type Annotation = OutputText["annotations"][number];
type UrlCitation = Extract<Annotation, { type: "url_citation" }>;
type AnnotationEvent = Extract<ItemEventDraft, { type: "response.output_text.annotation.added" }>;

interface CitedText {
  scanner: LinkScanner;
  /** In UTF-16 code units. */
  scannedLength: number;
  /** Whether the whole text has been scanned. */
  isComplete: boolean;
  annotations: Annotation[];
  /** Range and page of each citation. */
  cited: Set<string>;
  /** Number of annotations that the upstream has sent. */
  providerCount: number;
}

type PartLocation = Pick<AnnotationEvent, "item_id" | "output_index" | "content_index">;

/** Undefined if there is nothing to cite: the upstream's own annotations then stay as they are. */
export function createCitationAnnotator(pages: CitablePages): CitationAnnotator | undefined {
  return pages.size === 0 ? undefined : new CitationAnnotator(pages);
}

export class CitationAnnotator {
  readonly #pages: CitablePages;
  /** By item and part. */
  readonly #texts = new Map<string, CitedText>();

  constructor(pages: CitablePages) {
    this.#pages = pages;
  }

  accept(event: ItemEventDraft): ItemEventDraft[] {
    switch (event.type) {
      case "response.output_text.delta":
        return [event, ...this.#scan(event, event.delta)];
      case "response.output_text.annotation.added":
        return this.#renumber(event);
      case "response.output_text.done":
        // A provider may send the text without deltas.
        return [...this.#scanRest(event, event.text), event];
      case "response.content_part.done":
        if (event.part.type !== "output_text") return [event];
        return [{ ...event, part: this.#annotatePart(event, event.part) }];
      case "response.output_item.done":
        return [this.#finish(event)];
      default:
        return [event];
    }
  }

  #textAt({ output_index, content_index }: Omit<PartLocation, "item_id">): CitedText {
    const key = `${output_index} ${content_index}`;
    let text = this.#texts.get(key);
    if (text === undefined) {
      text = {
        scanner: new LinkScanner(),
        scannedLength: 0,
        isComplete: false,
        annotations: [],
        cited: new Set(),
        providerCount: 0,
      };
      this.#texts.set(key, text);
    }
    return text;
  }

  #scan(part: PartLocation, piece: string): AnnotationEvent[] {
    const text = this.#textAt(part);
    text.scannedLength += piece.length;
    return this.#cite(part, text.scanner.feed(piece));
  }

  /** Scans the rest of a complete text, once. */
  #scanRest(part: PartLocation, whole: string): AnnotationEvent[] {
    const text = this.#textAt(part);
    if (text.isComplete) return [];
    text.isComplete = true;
    const events = this.#scan(part, whole.slice(text.scannedLength));
    return [...events, ...this.#cite(part, text.scanner.end())];
  }

  #cite(part: PartLocation, links: readonly MarkdownLink[]): AnnotationEvent[] {
    const { item_id, output_index, content_index } = part;
    const { annotations } = this.#textAt(part);
    return links.flatMap((link) => {
      const annotation = this.#toCitation(link);
      if (annotation === undefined || !this.#isNew(part, annotation)) return [];
      const annotation_index = annotations.push(annotation) - 1;
      const type = "response.output_text.annotation.added" as const;
      return [{ type, item_id, output_index, content_index, annotation_index, annotation }];
    });
  }

  /** Whether no citation of this page has this range. */
  #isNew(part: Omit<PartLocation, "item_id">, { url, start_index, end_index }: UrlCitation): boolean {
    const { cited } = this.#textAt(part);
    const key = `${start_index} ${end_index} ${toPageKey(url)}`;
    if (cited.has(key)) return false;
    cited.add(key);
    return true;
  }

  /** Cites the URL that the tool read, with the fragment of the written link. */
  #toCitation({ start, end, url: written }: MarkdownLink): UrlCitation | undefined {
    const page = this.#pages.find(written);
    if (page === undefined) return undefined;
    const url = page.url.split("#")[0]! + readFragment(written);
    return { type: "url_citation", url, title: page.title || url, start_index: start, end_index: end };
  }

  /** Renumbers an annotation of the upstream, which does not count ours, and drops a duplicate citation. */
  #renumber(event: AnnotationEvent): AnnotationEvent[] {
    const { annotation } = event;
    if (annotation === null) return [event];
    const text = this.#textAt(event);
    text.providerCount += 1;
    if (annotation.type === "url_citation" && !this.#isNew(event, annotation)) return [];
    return [{ ...event, annotation_index: text.annotations.push(annotation) - 1 }];
  }

  #annotatePart(location: Omit<PartLocation, "item_id">, part: OutputText): OutputText {
    const text = this.#textAt(location);
    return { ...part, annotations: [...text.annotations, ...part.annotations.slice(text.providerCount)] };
  }

  #finish(
    event: Extract<ItemEventDraft, { type: "response.output_item.done" }>,
  ): Extract<ItemEventDraft, { type: "response.output_item.done" }> {
    const { item, output_index } = event;
    if (item.type !== "message") return event;
    const content = item.content.map((part, content_index) => {
      if (part.type !== "output_text") return part;
      const location = { output_index, content_index };
      // An item that came without deltas has not been scanned.
      this.#scanRest({ ...location, item_id: item.id }, part.text);
      return this.#annotatePart(location, part);
    });
    for (const content_index of content.keys()) this.#texts.delete(`${output_index} ${content_index}`);
    return { ...event, item: { ...item, content } };
  }
}
