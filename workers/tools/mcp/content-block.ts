/**
 * Renders one block of a tool's answer: as text, and as an image if a model can see it. Servers send blocks that the
 * protocol does not define (https://github.com/ElliotPadfield/unpaywall-mcp/issues/4), and fields with other names or
 * types. Such a block is rendered as far as possible, and does not affect other blocks.
 */
import { detectBase64ImageType } from "../image-type.ts";
import { isRecord } from "./is-record.ts";

/** Text, or an image that a model can see. */
export type RenderedBlock = { kind: "text"; text: string } | { kind: "image"; image: string; text: string };

type Fields = Readonly<Record<string, unknown>>;

const DATA_URL = /^data:([^;,]*)(?:;[^,;]*)*;base64,/;
/** Media types of bytes that are text. */
const TEXT_TYPES =
  /^(text\/|application\/(.*[+-])?(json|xml|yaml|toml|javascript|ecmascript|sql|csv)\b|image\/svg\+xml)/;
/** A longer text of base64 characters without a space is binary data. */
const MIN_BYTES_CHARACTERS = 1_000;
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

/** Undefined if there is nothing to show. A provider would reject a whole request for an image without bytes. */
export function renderBlock(block: unknown): RenderedBlock | undefined {
  if (typeof block === "string") return { kind: "text", text: block };
  if (!isRecord(block)) return { kind: "text", text: stringifySafely(block) };
  switch (block["type"]) {
    case "text":
      return typeof block["text"] === "string" ? { kind: "text", text: block["text"] } : renderUnknownBlock(block);
    case "image":
    case "audio":
      return renderMedia(block["type"], block);
    case "image_url":
      return renderMedia("image", block);
    case "resource_link":
      return {
        kind: "text",
        text: `[link to ${joinFields(block, "name", "uri", "mimeType")}]${onNewLine(block["description"])}`,
      };
    case "resource":
      return isRecord(block["resource"]) ? renderResource(block["resource"]) : renderUnknownBlock(block);
    default:
      return renderUnknownBlock(block);
  }
}

/** Names other bytes and counts them. Some servers send images in the form of model providers. */
function renderMedia(kind: "image" | "audio", block: Fields): RenderedBlock | undefined {
  const source = isRecord(block["source"]) ? block["source"] : block;
  const inner = block["image_url"];
  const data = [source["data"], isRecord(inner) ? inner["url"] : inner, source["url"]].find(isText);
  if (data === undefined) return renderUnknownBlock(block);
  if (kind === "image" && data.trim() === "") return undefined;
  if (/^https?:/i.test(data)) return { kind: "text", text: `[link to ${kind} ${data}]` };
  return renderBytes(kind, stringOrEmpty(block["mimeType"] ?? source["media_type"]), data);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function renderResource(resource: Fields): RenderedBlock {
  const name = `resource ${joinFields(resource, "uri", "mimeType")}`.trim();
  const { text, blob, uri: _uri, mimeType: _type, _meta, ...rest } = resource;
  if (typeof blob === "string" && text == null) return renderBytes(name, stringOrEmpty(resource["mimeType"]), blob);
  if (typeof text === "string") return { kind: "text", text: `[${name}]\n${text}` };
  const more = { ...(text != null && { text }), ...rest };
  return {
    kind: "text",
    text: Object.keys(more).length === 0 ? `[${name}]` : `[${name}]\n${stringifySafely(more, replaceBytes)}`,
  };
}

function renderBytes(name: string, label: string, data: string): RenderedBlock {
  const url = DATA_URL.exec(data);
  const base64 = url === null ? data : data.slice(url[0].length);
  const type = label === "" ? (url?.[1] ?? "") : label;
  const image = detectBase64ImageType(base64);
  if (image !== undefined)
    return { kind: "image", image: `data:${image};base64,${base64.trim()}`, text: `[image: ${image}]` };
  if (TEXT_TYPES.test(type) && BASE64.test(base64.trim())) {
    return { kind: "text", text: `[${name}: ${type}]\n${Buffer.from(base64, "base64").toString()}` };
  }
  const bytes = Math.floor((base64.length * 3) / 4);
  return { kind: "text", text: `[${name}: ${type || "binary"}, ${bytes} bytes, not shown]` };
}

/** The block's text if it has one, or else all of its JSON. */
function renderUnknownBlock(block: Fields): RenderedBlock {
  if (typeof block["text"] === "string" && block["text"] !== "") return { kind: "text", text: block["text"] };
  return { kind: "text", text: stringifySafely(block, replaceBytes) };
}

/** A value that nests too deeply for JSON is useless to a model too. */
export function stringifySafely(value: unknown, show: (value: unknown) => unknown = (each) => each): string {
  try {
    return JSON.stringify(value, (_key, each: unknown) => show(each)) ?? "";
  } catch (error) {
    if (error instanceof RangeError) return "[nested too deeply to show]";
    throw error;
  }
}

function replaceBytes(value: unknown): unknown {
  return isBytes(value) ? `[${value.length} characters of base64]` : value;
}

function isBytes(value: unknown): value is string {
  return typeof value === "string" && value.length > MIN_BYTES_CHARACTERS && BASE64.test(value.replace(DATA_URL, ""));
}

function joinFields(fields: Fields, ...keys: string[]): string {
  return keys
    .map((key) => stringOrEmpty(fields[key]))
    .filter((word) => word !== "")
    .join(" ");
}

function onNewLine(text: unknown): string {
  return typeof text === "string" && text !== "" ? `\n${text}` : "";
}

function stringOrEmpty(value: unknown): string {
  return typeof value === "string" ? value : "";
}
