/**
 * Converts texts, images and files into the SDK's parts. The vendor fetches URLs of images. Files by id or
 * by URL, and documents that the vendor does not read, have been replaced (workers/input-files/).
 */
import type { LanguageModelV4FilePart, LanguageModelV4TextPart } from "@ai-sdk/provider";
import type { z } from "zod";
import type { inputContentSchema } from "../../../src/protocol/content.ts";
import { InvalidPromptError } from "../invalid-prompt.ts";

type InputPart = z.infer<typeof inputContentSchema>;
type InputImage = Extract<InputPart, { type: "input_image" }>;
type InputFile = Extract<InputPart, { type: "input_file" }>;
export type ModelPart = LanguageModelV4TextPart | LanguageModelV4FilePart;

const MEDIA_TYPES: Record<string, string> = {
  gif: "image/gif",
  jpeg: "image/jpeg",
  jpg: "image/jpeg",
  pdf: "application/pdf",
  png: "image/png",
  webp: "image/webp",
};
/** Types that every vendor reads as plain text but hardly any accepts by name. */
const TEXTUAL = /^text\/|^application\/(?:json|xml|yaml|x-yaml|javascript|typescript|toml|sql|x-sh)$|\+(?:json|xml)$/;
const TEXTUAL_NAME = /\.(?:txt|md|csv|tsv|json|jsonl|xml|ya?ml|html?|css|m?[jt]sx?|py|sh|sql|toml|log)$/i;
const DATA_URL = /^data:([^;,]*)((?:;[^;,]*)*?)(;base64)?,/;

export function toModelPart(part: InputPart): ModelPart {
  switch (part.type) {
    case "input_text":
      return { type: "text", text: part.text };
    case "input_image":
      return toImagePart(part);
    case "input_file":
      return toFilePart(part);
  }
}

function toImagePart({ image_url: url }: InputImage): LanguageModelV4FilePart {
  if (url == null) throw new InvalidPromptError("An image needs an 'image_url' with this model's provider.");
  // Only some vendors need the media type of a URL. JPEG is the most likely one.
  return toLocatedPart(url, guessMediaType(url) ?? "image/jpeg", "image");
}

function toFilePart({ file_data: data, file_url: url, filename }: InputFile): LanguageModelV4FilePart {
  const named = filename == null ? {} : { filename };
  const byName = filename == null ? undefined : guessMediaType(filename);
  if (data != null) {
    const isBare = !data.startsWith("data:");
    const source = isBare ? `data:${byName ?? "application/pdf"};base64,${data}` : data;
    return { ...toLocatedPart(source, byName ?? "application/pdf", "file"), ...named };
  }
  if (url == null) throw new InvalidPromptError("A file needs 'file_data' or 'file_url' with this model's provider.");
  return { ...toLocatedPart(url, byName ?? guessMediaType(url) ?? "application/pdf", "file"), ...named };
}

function toLocatedPart(url: string, mediaType: string, what: "image" | "file"): LanguageModelV4FilePart {
  const match = DATA_URL.exec(url);
  if (match === null) {
    if (!URL.canParse(url)) throw new InvalidPromptError(`The address of the ${what} is not a URL.`);
    return { type: "file", mediaType, data: { type: "url", url: new URL(url) } };
  }
  const rest = url.slice(match[0].length);
  const data = match[3] === undefined ? Buffer.from(decodeURIComponent(rest)).toString("base64") : rest;
  return { type: "file", mediaType: normalizeMediaType(match[1] || mediaType), data: { type: "data", data } };
}

function guessMediaType(name: string): string | undefined {
  const path = name.replace(/[?#].*$/s, "");
  if (TEXTUAL_NAME.test(path)) return "text/plain";
  return MEDIA_TYPES[/\.(\w+)$/.exec(path)?.[1]?.toLowerCase() ?? ""];
}

function normalizeMediaType(mediaType: string): string {
  return TEXTUAL.test(mediaType) ? "text/plain" : mediaType;
}

/** No part for an empty text, which some vendors reject. */
export function toTextParts(text: string): LanguageModelV4TextPart[] {
  return text === "" ? [] : [{ type: "text", text }];
}
