/** Shells and patches: the model's commands and changes, and their results. Source: openai 7.59.0. */
import { z } from "zod";
import { bounded } from "../bounded.ts";
import { callerSchema, callIdSchema, madeBy } from "./caller.ts";
import { cutOff, itemStatusSchema } from "./status.ts";
import { containerReferenceSchema, localEnvironmentSchema } from "../tools/environment.ts";

export const localShellCallSchema = z.object({
  type: z.literal("local_shell_call"),
  id: z.string(),
  call_id: z.string(),
  action: z.object({
    type: z.literal("exec"),
    command: z.array(z.string()),
    env: z.record(z.string(), z.string()),
    timeout_ms: z.number().nullable().exactOptional(),
    user: z.string().nullable().exactOptional(),
    working_directory: z.string().nullable().exactOptional(),
  }),
  status: itemStatusSchema,
});

export const localShellCallOutputSchema = z.object({
  type: z.literal("local_shell_call_output"),
  id: z.string(),
  output: z.string(),
  status: itemStatusSchema.nullable().exactOptional(),
});

const inputFields = {
  id: bounded.identifier.nullish(),
  call_id: callIdSchema,
  caller: callerSchema.nullish(),
};

/** Codex and `@ai-sdk/openai` omit fields that the published type requires: id, status, environment. */
export const inputLocalShellCallSchema = z.object({
  type: z.literal("local_shell_call"),
  id: bounded.identifier.nullish(),
  call_id: callIdSchema,
  action: z.object({
    type: z.literal("exec"),
    command: z.array(bounded.text),
    env: z.record(bounded.name, bounded.text).nullish(),
    timeout_ms: z.number().nullish(),
    user: bounded.identifier.nullish(),
    working_directory: bounded.address.nullish(),
  }),
  status: itemStatusSchema.nullish(),
});

/** The published type identifies the call by `id`; `@ai-sdk/openai` uses `call_id`, as all other outputs do. */
export const inputLocalShellCallOutputSchema = z.object({
  type: z.literal("local_shell_call_output"),
  id: bounded.identifier.nullish(),
  call_id: callIdSchema.nullish(),
  output: bounded.text,
  status: itemStatusSchema.nullish(),
});

export const inputShellCallSchema = z.object({
  type: z.literal("shell_call"),
  ...inputFields,
  action: z.object({
    commands: z.array(bounded.text),
    max_output_length: z.int().nullish(),
    timeout_ms: z.int().nullish(),
  }),
  environment: z.discriminatedUnion("type", [localEnvironmentSchema, containerReferenceSchema]).nullish(),
  status: itemStatusSchema.nullish(),
});

export const shellCallSchema = z.object({
  type: z.literal("shell_call"),
  id: z.string(),
  call_id: z.string(),
  action: z.object({
    commands: z.array(z.string()),
    max_output_length: z.int().nullable(),
    timeout_ms: z.int().nullable(),
  }),
  environment: z
    .discriminatedUnion("type", [z.object({ type: z.literal("local") }), containerReferenceSchema])
    .nullable(),
  status: itemStatusSchema,
  ...madeBy,
});

const outcomeSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("timeout") }),
  z.object({ type: z.literal("exit"), exit_code: z.int() }),
]);

/** The output of one command. */
export const shellOutputSchema = z.object({
  outcome: outcomeSchema,
  stdout: bounded.text,
  stderr: bounded.text,
  created_by: bounded.identifier.exactOptional(),
});
export type ShellOutput = z.infer<typeof shellOutputSchema>;

export const inputShellCallOutputSchema = z.object({
  type: z.literal("shell_call_output"),
  ...inputFields,
  output: z.array(shellOutputSchema),
  max_output_length: z.int().nullish(),
  status: itemStatusSchema.nullish(),
});

export const shellCallOutputSchema = z.object({
  type: z.literal("shell_call_output"),
  id: z.string(),
  call_id: z.string(),
  output: z.array(shellOutputSchema),
  max_output_length: z.int().nullable(),
  status: itemStatusSchema,
  ...madeBy,
});

const patchOperationSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("create_file"), path: bounded.address, diff: bounded.text }),
  z.object({ type: z.literal("delete_file"), path: bounded.address }),
  z.object({ type: z.literal("update_file"), path: bounded.address, diff: bounded.text }),
]);

const patchStatusSchema = z.union([z.enum(["in_progress", "completed"]), cutOff.status.unwrap()]);
const patchOutputStatusSchema = z.union([z.enum(["completed", "failed"]), cutOff.status.unwrap()]);

export const inputApplyPatchCallSchema = z.object({
  type: z.literal("apply_patch_call"),
  ...inputFields,
  operation: patchOperationSchema,
  status: patchStatusSchema,
});

export const applyPatchCallSchema = z.object({
  type: z.literal("apply_patch_call"),
  id: z.string(),
  call_id: z.string(),
  operation: patchOperationSchema,
  status: patchStatusSchema,
  ...madeBy,
});

export const inputApplyPatchCallOutputSchema = z.object({
  type: z.literal("apply_patch_call_output"),
  ...inputFields,
  output: bounded.text.nullish(),
  status: patchOutputStatusSchema,
});

export const applyPatchCallOutputSchema = z.object({
  type: z.literal("apply_patch_call_output"),
  id: z.string(),
  call_id: z.string(),
  output: z.string().nullable().exactOptional(),
  status: patchOutputStatusSchema,
  ...madeBy,
});
