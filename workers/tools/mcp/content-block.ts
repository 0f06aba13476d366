/**
 * A block of a tool's answer, read by itself: as text, and as an image where a model can be shown one. Servers send blocks
 * that the protocol does not know (https://github.com/ElliotPadfield/unpaywall-mcp/issues/4) and fields of other names or
 * types; such a block is shown as what can be read of it, and costs no other block.
 */
import { detectBase64ImageType } from "../image-type.ts";
import { isRecord } from "./is-record.ts";

/** Text, or an image that a model can be shown. */
export type RenderedBlock = { text: string } | { image: string; text: string };

type Fields = Readonly<Record<string, unknown>>;

const DATA_URL = /^data:([^;,]*)(?:;[^,;]*)*;base64,/;
/** Types of bytes that are text all the same. */
const TEXT_TYPES =
  /^(text\/|application\/(.*[+-])?(json|xml|yaml|toml|javascript|ecmascript|sql|csv)\b|image\/svg\+xml)/;
/** A longer text of base64's letters alone, without a space, is not one that somebody wrote. */
const MIN_BYTES_CHARACTERS = 1_000;
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

/** Undefined if there is nothing in it to be shown: of an image without bytes a provider would refuse the whole request. */
export function renderBlock(block: unknown): RenderedBlock | undefined {
  if (typeof block === "string") return { text: block };
  if (!isRecord(block)) return { text: stringifySafely(block) };
  switch (block["type"]) {
    case "text":
      return typeof block["text"] === "string" ? { text: block["text"] } : renderUnknownBlock(block);
    case "image":
    case "audio":
      return renderMedia(block["type"], block);
    case "image_url":
      return renderMedia("image", block);
    case "resource_link":
      return { text: `[link to ${joinFields(block, "name", "uri", "mimeType")}]${onNewLine(block["description"])}` };
    case "resource":
      return isRecord(block["resource"]) ? renderResource(block["resource"]) : renderUnknownBlock(block);
    default:
      return renderUnknownBlock(block);
  }
}

/** Other bytes than an image's are named, and counted. Providers' own forms of images are what some servers send. */
function renderMedia(kind: "image" | "audio", block: Fields): RenderedBlock | undefined {
  const source = isRecord(block["source"]) ? block["source"] : block;
  const inner = block["image_url"];
  const data = [source["data"], isRecord(inner) ? inner["url"] : inner, source["url"]].find(isText);
  if (data === undefined) return renderUnknownBlock(block);
  if (kind === "image" && data.trim() === "") return undefined;
  if (/^https?:/i.test(data)) return { text: `[link to ${kind} ${data}]` };
  return renderBytes(kind, stringOrEmpty(block["mimeType"] ?? source["media_type"]), data);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function renderResource(resource: Fields): RenderedBlock {
  const name = `resource ${joinFields(resource, "uri", "mimeType")}`.trim();
  const { text, blob, uri: _uri, mimeType: _type, _meta, ...rest } = resource;
  if (typeof blob === "string" && text == null) return renderBytes(name, stringOrEmpty(resource["mimeType"]), blob);
  if (typeof text === "string") return { text: `[${name}]\n${text}` };
  const more = { ...(text != null && { text }), ...rest };
  return { text: Object.keys(more).length === 0 ? `[${name}]` : `[${name}]\n${stringifySafely(more, replaceBytes)}` };
}

function renderBytes(name: string, label: string, data: string): RenderedBlock {
  const url = DATA_URL.exec(data);
  const base64 = url === null ? data : data.slice(url[0].length);
  const said = label === "" ? (url?.[1] ?? "") : label;
  const image = detectBase64ImageType(base64);
  if (image !== undefined) return { image: `data:${image};base64,${base64.trim()}`, text: `[image: ${image}]` };
  if (TEXT_TYPES.test(said) && BASE64.test(base64.trim())) {
    return { text: `[${name}: ${said}]\n${Buffer.from(base64, "base64").toString()}` };
  }
  const bytes = Math.floor((base64.length * 3) / 4);
  return { text: `[${name}: ${said || "binary"}, ${bytes} bytes, not shown]` };
}

/** Its text, if it has one; or else all of it. */
function renderUnknownBlock(block: Fields): RenderedBlock {
  if (typeof block["text"] === "string" && block["text"] !== "") return { text: block["text"] };
  return { text: stringifySafely(block, replaceBytes) };
}

/** What nests too deeply to be written cannot be read by a model either. */
export function stringifySafely(value: unknown, show: (value: unknown) => unknown = (each) => each): string {
  try {
    return JSON.stringify(value, (_key, each: unknown) => show(each)) ?? "";
  } catch (error) {
    if (error instanceof RangeError) return "[nested too deeply to be shown]";
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
