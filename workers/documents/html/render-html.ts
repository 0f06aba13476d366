import { JSDOM, VirtualConsole } from "jsdom";
import { renderNodeText } from "./node-text.ts";

/** Renders HTML that is part of another document. Its links are kept if they are absolute. */
export function renderHtmlText(html: string, maxLength: number): string {
  const { window } = new JSDOM(html, { contentType: "text/html", virtualConsole: new VirtualConsole() });
  const text = renderNodeText(window.document.body, maxLength);
  window.close();
  return text;
}
