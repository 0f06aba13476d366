/** The text of a message, as Markdown with footnotes, while it is written and after. */
import { useEffect, useRef } from "preact/hooks";
import type { MessagePart } from "../../../protocol/content.ts";
import { html } from "../ui/html.ts";
import { type Annotation, citeSources, type Source } from "./citations.ts";
import { renderReport } from "./render-report.ts";

/** A longer text is shown as it is. A finished one is rendered only once, so it may be longer. */
const MAX_MARKDOWN_LENGTH = 200_000;
const MAX_GROWING_LENGTH = 50_000;
/** Rendering takes at most this share of the time while a text grows. */
const RENDERING_SHARE = 0.1;
const MIN_PAUSE_MS = 80;

type TextPart = Extract<MessagePart, { type: "output_text" }>;

export function ReportPart({ part, isWriting }: { part: MessagePart; isWriting: boolean }) {
  if (part.type === "refusal") return html`<p class="refusal"><strong>Refused.</strong> ${part.refusal}</p>`;
  if (part.text.length > (isWriting ? MAX_GROWING_LENGTH : MAX_MARKDOWN_LENGTH))
    return html`<${PlainText} part=${part} />`;
  return html`<${MarkdownText} part=${part} isWriting=${isWriting} />`;
}

/** The end of the text, which is being written. */
const PLAIN_LENGTH = 20_000;

function PlainText({ part }: { part: TextPart }) {
  const hidden = Math.max(0, part.text.length - PLAIN_LENGTH);
  return html`<div>
    ${hidden > 0 && html`<p class="note">The last ${PLAIN_LENGTH} of ${part.text.length} characters. Copy the report to read all of it.</p>`}
    <pre class="plain" tabindex="0">${part.text.slice(hidden)}</pre>
  </div>`;
}

function MarkdownText({ part, isWriting }: { part: TextPart; isWriting: boolean }) {
  const place = useRef<HTMLDivElement>(null);
  const painter = useRef<Painter>(null);
  useEffect(() => {
    painter.current = new Painter(place.current!);
    return () => painter.current?.stop();
  }, []);
  useEffect(() => painter.current!.show(part.text, part.annotations, isWriting), [part, isWriting]);
  const { sources } = citeSources("", part.annotations);
  return html`<div>
    <div class="prose" ref=${place}></div>
    ${sources.length > 0 && html`<${SourceList} sources=${sources} />`}
  </div>`;
}

function SourceList({ sources }: { sources: readonly Source[] }) {
  return html`<section class="sources" aria-label="Sources">
    <h3>Sources</h3>
    <ol>
      ${sources.map(
        ({ url, title }) =>
          html`<li key=${url}>
            <a href=${url} target="_blank" rel="noopener noreferrer">${title}</a>
            ${" "}<span class="host">${new URL(url).host}</span>
          </li>`,
      )}
    </ol>
  </section>`;
}

/** Renders a growing text now and then, the less often the longer it takes. */
class Painter {
  readonly #place: HTMLElement;
  #pending: { text: string; annotations: readonly Annotation[] } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pauseMs = 0;

  constructor(place: HTMLElement) {
    this.#place = place;
  }

  show(text: string, annotations: readonly Annotation[], isWriting: boolean): void {
    this.#pending = { text, annotations };
    if (!isWriting) {
      this.stop();
      this.#paint();
    } else this.#timer ??= setTimeout(() => this.#paint(), this.#pauseMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #paint(): void {
    this.#timer = undefined;
    if (this.#pending === undefined) return;
    const start = performance.now();
    this.#place.replaceChildren(renderReport(citeSources(this.#pending.text, this.#pending.annotations)));
    this.#pending = undefined;
    this.#pauseMs = Math.max(MIN_PAUSE_MS, (performance.now() - start) / RENDERING_SHARE);
  }
}
