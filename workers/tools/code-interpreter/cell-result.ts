/** Converts the result of a cell for the item and for the model. */
import { z } from "zod";
import type { AnsweredContent } from "../../../src/protocol/content.ts";
import { codeInterpreterCallSchema } from "../../../src/protocol/items/hosted.ts";
import type { ToolResult } from "../../../src/store/run-journals.ts";
import type { PythonResult } from "./python-sandbox.ts";

export type CellOutputs = NonNullable<z.infer<typeof codeInterpreterCallSchema>["outputs"]>;

/** Images that models accept. Clients also receive the others. */
const MODEL_IMAGE_TYPES: ReadonlySet<string> = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);
const MAX_NAMES = 50;

const detailsSchema = z.object({ outputs: codeInterpreterCallSchema.shape.outputs.unwrap() });

export function toToolResult(result: PythonResult): ToolResult {
  const images = encodeImages(result);
  const printed = result.outputs.map((output) => (output.type === "logs" ? output.logs : "")).join("");
  const logs = printed + endWithNewline(result.error);
  const outputs: CellOutputs = [
    ...(logs === "" ? [] : [{ type: "logs" as const, logs }]),
    ...images.map(({ url }) => ({ type: "image" as const, url })),
  ];
  const text = [logs === "" ? "(no output)\n" : logs, ...describeFiles(result), ...describeImages(images)].join("");
  const visible = images.filter(({ mediaType }) => MODEL_IMAGE_TYPES.has(mediaType));
  const parts: AnsweredContent[] = [
    { type: "input_text", text },
    ...visible.map(({ url }) => ({ type: "input_image" as const, detail: "auto" as const, image_url: url })),
  ];
  const isError = result.error !== undefined && !isRaised(result.error);
  return { output: visible.length === 0 ? text : parts, isError, details: { outputs } };
}

/** The item's outputs. The result may come from the journal, or belong to a call that never ran. */
export function readCellOutputs({ output, details }: ToolResult): CellOutputs {
  const parsed = detailsSchema.safeParse(details);
  if (parsed.success) return parsed.data.outputs;
  return typeof output === "string" ? [{ type: "logs", logs: output }] : [];
}

/** Only a traceback has several lines: its cell ran to its end. A cell that was killed at a limit did not. */
function isRaised(error: string): boolean {
  return error.includes("\n");
}

interface ShownImage {
  url: string;
  mediaType: string;
}

function encodeImages({ outputs }: PythonResult): ShownImage[] {
  return outputs.flatMap((output) => {
    if (output.type !== "image") return [];
    const { bytes, mediaType } = output;
    return [{ mediaType, url: `data:${mediaType};base64,${Buffer.from(bytes).toString("base64")}` }];
  });
}

function describeFiles({ files, deletedFiles }: PythonResult): string[] {
  const written = files.map(({ name, bytes }) => `${name} (${bytes.length} bytes)`);
  return [
    ...(written.length === 0 ? [] : [`[Files written: ${joinNames(written)}]\n`]),
    ...(deletedFiles.length === 0 ? [] : [`[Files deleted: ${joinNames(deletedFiles)}]\n`]),
  ];
}

function describeImages(images: readonly ShownImage[]): string[] {
  if (images.length === 0) return [];
  const types = images.map(({ mediaType }) => mediaType).join(", ");
  return [`[Images shown to the user: ${images.length} (${types})]\n`];
}

function joinNames(names: readonly string[]): string {
  const more = names.length - MAX_NAMES;
  return names.slice(0, MAX_NAMES).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

function endWithNewline(text: string | undefined): string {
  if (text === undefined) return "";
  return text.endsWith("\n") ? text : `${text}\n`;
}
