/**
 * Makes `url_citation` annotations of the Markdown links in an answer that lead to what this response's tools have found.
 * It stands between a model and the log: the text stays as it is, and each annotation follows the delta that completes its
 * link. Ranges count characters (code points), like those of the service whose API this is: `end_index` is behind the
 * link's last one. Other links are only text: what no tool has returned is not a source.
 */
import { z } from "zod";
import type { ItemEventDraft } from "../src/protocol/event.ts";
import type { MessagePart } from "../src/protocol/content.ts";
import type { MadeCall } from "./model-context.ts";
import { LinkScanner, type MarkdownLink } from "./link-scanner.ts";
import type { ServerFunction } from "./tool.ts";
import type { Upstream, UpstreamEvent } from "./upstream.ts";

const citedSourceSchema = z.object({ url: z.string(), title: z.string() });
export type CitedSource = z.infer<typeof citedSourceSchema>;
const detailsSchema = z.object({ sources: z.array(citedSourceSchema) });

/** What a call of web search has found, as it is in the `details` of its result. They may come from an older journal. */
export function citedSources(details: unknown): CitedSource[] {
  return detailsSchema.safeParse(details).data?.sources ?? [];
}

/** What the calls that were made have found, by what tells one page from another. */
export function sourcesOf(
  made: ReadonlyMap<string, MadeCall>,
  functions: ReadonlyMap<string, ServerFunction>,
): Map<string, CitedSource> {
  const sources = new Map<string, CitedSource>();
  for (const { call, result } of made.values()) {
    if (functions.get(call.name)?.itemType !== "web_search_call") continue;
    for (const source of citedSources(result.details)) {
      const key = pageKey(source.url);
      // A page that was opened has its own title; a search may have had none.
      if (source.title !== "" || !sources.has(key)) sources.set(key, source);
    }
  }
  return sources;
}

/** Models leave out the slash at the end, and point to a place within a page. */
function pageKey(url: string): string {
  if (!URL.canParse(url)) return url;
  const parsed = new URL(url);
  parsed.hash = "";
  return parsed.href.replace(/\/$/, "");
}

/** The same upstream if there is nothing to cite. */
export function withCitations(upstream: Upstream, sources: ReadonlyMap<string, CitedSource>): Upstream {
  if (sources.size === 0) return upstream;
  return {
    async *run(call, signal) {
      const stage = new CitationStage(sources);
      for await (const event of upstream.run(call, signal)) yield* stage.accept(event);
    },
  };
}

type OutputText = Extract<MessagePart, { type: "output_text" }>;
type Annotation = OutputText["annotations"][number];
type AnnotationEvent = Extract<ItemEventDraft, { type: "response.output_text.annotation.added" }>;

interface CitedText {
  scanner: LinkScanner;
  /** What was scanned of the text, in UTF-16 code units. */
  length: number;
  annotations: Annotation[];
  /** How many of them the upstream has sent itself. */
  given: number;
}

type Place = Pick<AnnotationEvent, "item_id" | "output_index" | "content_index">;

class CitationStage {
  readonly #sources: ReadonlyMap<string, CitedSource>;
  /** By item and part. */
  readonly #texts = new Map<string, CitedText>();

  constructor(sources: ReadonlyMap<string, CitedSource>) {
    this.#sources = sources;
  }

  accept(event: UpstreamEvent): UpstreamEvent[] {
    switch (event.type) {
      case "response.output_text.delta":
        return [event, ...this.#scan(event, event.delta)];
      case "response.output_text.annotation.added":
        return [this.#renumbered(event)];
      case "response.output_text.done":
        // A text may come whole, without deltas.
        return [...this.#scan(event, event.text.slice(this.#textAt(event).length)), event];
      case "response.content_part.done":
        if (event.part.type !== "output_text") return [event];
        return [{ ...event, part: this.#annotated(event, event.part) }];
      case "response.output_item.done":
        return [this.#finish(event)];
      default:
        return [event];
    }
  }

  #textAt({ output_index, content_index }: Omit<Place, "item_id">): CitedText {
    const key = `${output_index} ${content_index}`;
    let text = this.#texts.get(key);
    if (text === undefined) {
      text = { scanner: new LinkScanner(), length: 0, annotations: [], given: 0 };
      this.#texts.set(key, text);
    }
    return text;
  }

  #scan({ item_id, output_index, content_index }: Place, piece: string): AnnotationEvent[] {
    const text = this.#textAt({ output_index, content_index });
    text.length += piece.length;
    return text.scanner.feed(piece).flatMap((link) => {
      const annotation = this.#citationOf(link);
      if (annotation === undefined) return [];
      const annotation_index = text.annotations.push(annotation) - 1;
      const type = "response.output_text.annotation.added" as const;
      return [{ type, item_id, output_index, content_index, annotation_index, annotation }];
    });
  }

  #citationOf({ start, end, url }: MarkdownLink): Annotation | undefined {
    const source = this.#sources.get(pageKey(url));
    if (source === undefined) return undefined;
    return { type: "url_citation", url, title: source.title || url, start_index: start, end_index: end };
  }

  /** An upstream that annotates by itself counts from 0 without ours. */
  #renumbered(event: AnnotationEvent): AnnotationEvent {
    if (event.annotation === null) return event;
    const text = this.#textAt(event);
    text.given += 1;
    return { ...event, annotation_index: text.annotations.push(event.annotation) - 1 };
  }

  #annotated(place: Omit<Place, "item_id">, part: OutputText): OutputText {
    const text = this.#textAt(place);
    return { ...part, annotations: [...text.annotations, ...part.annotations.slice(text.given)] };
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
      this.#scan({ ...place, item_id: item.id }, part.text.slice(this.#textAt(place).length));
      return this.#annotated(place, part);
    });
    for (const place of content.keys()) this.#texts.delete(`${output_index} ${place}`);
    return { ...event, item: { ...item, content } };
  }
}
