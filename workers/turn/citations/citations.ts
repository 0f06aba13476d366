/**
 * Makes `url_citation` annotations of the links in an answer that lead to pages which the conversation's tools have read.
 * It stands between a model and the log: the text stays as it is, and each annotation follows the delta that completes its
 * link, those of references the last one. Ranges count characters (code points), like those of the service whose API this
 * is: `end_index` is behind the link's last one. Other links are only text: what no tool has read is not a source.
 */
import type { ItemEventDraft } from "../../../src/protocol/event.ts";
import type { MessagePart } from "../../../src/protocol/content.ts";
import { readFragment, toPageKey } from "../../tools/page-key.ts";
import type { CitablePages } from "../../tools/citable-pages.ts";
import { LinkScanner, type MarkdownLink } from "./link-scanner.ts";
import type { Upstream, UpstreamEvent } from "../../upstreams/upstream.ts";

/** The same upstream if there is nothing to cite. */
export function addCitations(upstream: Upstream, pages: CitablePages): Upstream {
  if (pages.size === 0) return upstream;
  return {
    async *run(call, signal) {
      const stage = new CitationAnnotator(pages);
      for await (const event of upstream.run(call, signal)) yield* stage.accept(event);
    },
  };
}

type OutputText = Extract<MessagePart, { type: "output_text" }>;
type Annotation = OutputText["annotations"][number];
type UrlCitation = Extract<Annotation, { type: "url_citation" }>;
type AnnotationEvent = Extract<ItemEventDraft, { type: "response.output_text.annotation.added" }>;

interface CitedText {
  scanner: LinkScanner;
  /** What was scanned of the text, in UTF-16 code units. */
  scannedLength: number;
  /** Whether there is nothing more to scan. */
  isComplete: boolean;
  annotations: Annotation[];
  /** Ranges and pages of those that cite. */
  cited: Set<string>;
  /** How many of them the upstream has sent itself. */
  providerCount: number;
}

type PartLocation = Pick<AnnotationEvent, "item_id" | "output_index" | "content_index">;

class CitationAnnotator {
  readonly #pages: CitablePages;
  /** By item and part. */
  readonly #texts = new Map<string, CitedText>();

  constructor(pages: CitablePages) {
    this.#pages = pages;
  }

  accept(event: UpstreamEvent): UpstreamEvent[] {
    switch (event.type) {
      case "response.output_text.delta":
        return [event, ...this.#scan(event, event.delta)];
      case "response.output_text.annotation.added":
        return this.#renumber(event);
      case "response.output_text.done":
        // A text may come whole, without deltas.
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

  #scan(place: PartLocation, piece: string): AnnotationEvent[] {
    const text = this.#textAt(place);
    text.scannedLength += piece.length;
    return this.#cite(place, text.scanner.feed(piece));
  }

  /** The text is whole. Its end is looked at once. */
  #scanRest(place: PartLocation, whole: string): AnnotationEvent[] {
    const text = this.#textAt(place);
    if (text.isComplete) return [];
    text.isComplete = true;
    const events = this.#scan(place, whole.slice(text.scannedLength));
    return [...events, ...this.#cite(place, text.scanner.end())];
  }

  #cite(place: PartLocation, links: readonly MarkdownLink[]): AnnotationEvent[] {
    const { item_id, output_index, content_index } = place;
    const { annotations } = this.#textAt(place);
    return links.flatMap((link) => {
      const annotation = this.#toCitation(link);
      if (annotation === undefined || !this.#isNew(place, annotation)) return [];
      const annotation_index = annotations.push(annotation) - 1;
      const type = "response.output_text.annotation.added" as const;
      return [{ type, item_id, output_index, content_index, annotation_index, annotation }];
    });
  }

  /** No citation of this page has this range yet. */
  #isNew(place: Omit<PartLocation, "item_id">, { url, start_index, end_index }: UrlCitation): boolean {
    const { cited } = this.#textAt(place);
    const key = `${start_index} ${end_index} ${toPageKey(url)}`;
    if (cited.has(key)) return false;
    cited.add(key);
    return true;
  }

  /** It names the page as the tool read it, at the place that the link points to. */
  #toCitation({ start, end, url: written }: MarkdownLink): UrlCitation | undefined {
    const page = this.#pages.find(written);
    if (page === undefined) return undefined;
    const url = page.url.split("#")[0]! + readFragment(written);
    return { type: "url_citation", url, title: page.title || url, start_index: start, end_index: end };
  }

  /** An upstream that annotates by itself counts from 0 without ours. A citation that is there already is not made again. */
  #renumber(event: AnnotationEvent): AnnotationEvent[] {
    const { annotation } = event;
    if (annotation === null) return [event];
    const text = this.#textAt(event);
    text.providerCount += 1;
    if (annotation.type === "url_citation" && !this.#isNew(event, annotation)) return [];
    return [{ ...event, annotation_index: text.annotations.push(annotation) - 1 }];
  }

  #annotatePart(place: Omit<PartLocation, "item_id">, part: OutputText): OutputText {
    const text = this.#textAt(place);
    return { ...part, annotations: [...text.annotations, ...part.annotations.slice(text.providerCount)] };
  }

  #finish(
    event: Extract<ItemEventDraft, { type: "response.output_item.done" }>,
  ): Extract<ItemEventDraft, { type: "response.output_item.done" }> {
    const { item, output_index } = event;
    if (item.type !== "message") return event;
    const content = item.content.map((part, content_index) => {
      if (part.type !== "output_text") return part;
      const place = { output_index, content_index };
      // Of an item that came whole, nothing was scanned yet.
      this.#scanRest({ ...place, item_id: item.id }, part.text);
      return this.#annotatePart(place, part);
    });
    for (const place of content.keys()) this.#texts.delete(`${output_index} ${place}`);
    return { ...event, item: { ...item, content } };
  }
}
