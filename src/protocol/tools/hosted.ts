/** Tools for code, files, screens and images. Source: openai 7.59.0. */
import { z } from "zod";
import { bounded } from "../bounded.ts";
import { reasoningEffortSchema } from "../request-options.ts";
import {
  containerAutoSchema,
  containerFields,
  containerReferenceSchema,
  localEnvironmentSchema,
} from "./environment.ts";
import { allowedCallersSchema } from "./function.ts";

export const codeInterpreterToolSchema = z.strictObject({
  type: z.literal("code_interpreter"),
  container: z.union([bounded.identifier, z.strictObject({ type: z.literal("auto"), ...containerFields })]),
  allowed_callers: allowedCallersSchema.exactOptional(),
});

export const shellToolSchema = z.strictObject({
  type: z.literal("shell"),
  allowed_callers: allowedCallersSchema.exactOptional(),
  environment: z
    .discriminatedUnion("type", [containerAutoSchema, localEnvironmentSchema, containerReferenceSchema])
    .nullable()
    .exactOptional(),
});

export const localShellToolSchema = z.strictObject({ type: z.literal("local_shell") });

export const applyPatchToolSchema = z.strictObject({
  type: z.literal("apply_patch"),
  allowed_callers: allowedCallersSchema.exactOptional(),
});

export const computerToolSchema = z.strictObject({ type: z.literal("computer") });

export const computerUsePreviewToolSchema = z.strictObject({
  type: z.literal("computer_use_preview"),
  display_height: z.int(),
  display_width: z.int(),
  environment: z.enum(["windows", "mac", "linux", "ubuntu", "browser"]),
});

/** Limits from the published descriptions of `partial_images` and `output_compression`. */
export const imageGenerationToolSchema = z.strictObject({
  type: z.literal("image_generation"),
  action: z.enum(["generate", "edit", "auto"]).exactOptional(),
  background: z.enum(["transparent", "opaque", "auto"]).exactOptional(),
  complexity: z.enum(["low", "medium", "high"]).exactOptional(),
  frame_count: z.int().exactOptional(),
  frame_duration_ms: z.int().exactOptional(),
  input_fidelity: z.enum(["high", "low"]).nullable().exactOptional(),
  input_image_mask: z
    .strictObject({ file_id: bounded.identifier.exactOptional(), image_url: bounded.data.exactOptional() })
    .exactOptional(),
  model: bounded.name.exactOptional(),
  moderation: z.enum(["auto", "low"]).exactOptional(),
  output_compression: z.int().min(0).max(100).exactOptional(),
  output_format: z.enum(["png", "webp", "jpeg", "gif", "svg"]).exactOptional(),
  partial_images: z.int().min(0).max(3).exactOptional(),
  quality: z.enum(["low", "medium", "high", "xhigh", "max", "auto"]).exactOptional(),
  size: bounded.name.exactOptional(),
  svg: z
    .strictObject({
      model: bounded.name.exactOptional(),
      reasoning: z.strictObject({ effort: reasoningEffortSchema.exactOptional() }).nullable().exactOptional(),
    })
    .exactOptional(),
});
