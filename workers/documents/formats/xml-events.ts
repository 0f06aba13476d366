/**
 * Reads XML as events. It never expands entities that a document declares, and nothing outside of the document is loaded:
 * a reference to such an entity is an error. Names have no prefix, because every program chooses its own.
 */
import { SaxesParser } from "saxes";
import { DocumentError } from "../document.ts";

export interface XmlElement {
  name: string;
  /** Both with and without their prefix. */
  attributes: Readonly<Record<string, string>>;
}

export interface XmlReceiver {
  open?: (element: XmlElement) => void;
  text?: (text: string) => void;
  close?: (name: string) => void;
  /** Whether the rest does not matter. */
  isDone?: () => boolean;
}

const CHUNK_LENGTH = 65_536;

/** Throws a DocumentError for XML that is not well-formed. */
export function readXml(bytes: Uint8Array, receiver: XmlReceiver): void {
  const parser = new SaxesParser();
  parser.on("error", (cause) => {
    throw new DocumentError("invalid_file", "The file is damaged: a part of it is not valid XML.", { cause });
  });
  parser.on("opentag", ({ name, attributes }) =>
    receiver.open?.({ name: localName(name), attributes: withLocalNames(attributes) }),
  );
  parser.on("text", (text) => receiver.text?.(text));
  parser.on("cdata", (text) => receiver.text?.(text));
  parser.on("closetag", ({ name }) => receiver.close?.(localName(name)));
  const decoder = new TextDecoder(detectEncoding(bytes));
  for (let at = 0; at < bytes.length; at += CHUNK_LENGTH) {
    if (receiver.isDone?.() === true) return;
    parser.write(decoder.decode(bytes.subarray(at, at + CHUNK_LENGTH), { stream: true }));
  }
  parser.write(decoder.decode());
  parser.close();
}

function localName(name: string): string {
  return name.slice(name.indexOf(":") + 1);
}

function withLocalNames(attributes: Record<string, string>): Record<string, string> {
  const all: Record<string, string> = { ...attributes };
  for (const [name, value] of Object.entries(attributes)) all[localName(name)] ??= value;
  return all;
}

/** Office and EPUB allow only these (ECMA-376 part 2 §6.1.4, EPUB 3.3 §3.2). */
function detectEncoding([first, second]: Uint8Array): string {
  if (first === 0xff && second === 0xfe) return "utf-16le";
  return first === 0xfe && second === 0xff ? "utf-16be" : "utf-8";
}
