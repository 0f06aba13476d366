/** Untrusted text in a box that scrolls. */
import { html } from "./html.ts";

/** A page with megabytes in one box would not scroll smoothly. */
const SHOWN_LENGTH = 20_000;

export function TextBox({ name, text }: { name: string; text: string }) {
  return html`<figure>
    <figcaption>${name}</figcaption>
    <pre tabindex="0" aria-label=${name}>${clip(formatJson(text), "start")}</pre>
  </figure>`;
}

/** JSON in several lines, where the text is JSON. */
function formatJson(text: string): string {
  if (text.length > SHOWN_LENGTH || !/^\s*[{[]/.test(text)) return text;
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}

/** `end` shows the newest part of a text that grows. */
export function clip(text: string, part: "start" | "end"): string {
  if (text.length <= SHOWN_LENGTH) return text;
  const note = `[${text.length - SHOWN_LENGTH} of ${text.length} characters are not shown here. The JSON has them all.]`;
  return part === "start" ? `${text.slice(0, SHOWN_LENGTH)}\n${note}` : `${note}\n${text.slice(-SHOWN_LENGTH)}`;
}
