/**
 * Environments for code and commands. Source: openai 7.59.0 `ContainerAuto`, `LocalEnvironment`, `ContainerReference`.
 */
import { z } from "zod";
import { bounded } from "../bounded.ts";

const networkPolicySchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("disabled") }),
  z.strictObject({
    type: z.literal("allowlist"),
    allowed_domains: z.array(bounded.address),
    domain_secrets: z
      .array(z.strictObject({ domain: bounded.address, name: bounded.name, value: bounded.address }))
      .exactOptional(),
  }),
]);

/** Settings shared by all containers that a request creates. */
export const containerFields = {
  file_ids: z.array(bounded.identifier).exactOptional(),
  memory_limit: z.enum(["1g", "4g", "16g", "64g"]).nullable().exactOptional(),
  network_policy: networkPolicySchema.exactOptional(),
};

const skillSchema = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("skill_reference"),
    skill_id: bounded.identifier,
    version: bounded.identifier.exactOptional(),
  }),
  z.strictObject({
    type: z.literal("inline"),
    name: bounded.name,
    description: bounded.description,
    source: z.strictObject({ type: z.literal("base64"), media_type: z.literal("application/zip"), data: bounded.data }),
  }),
]);

export const containerAutoSchema = z.strictObject({
  type: z.literal("container_auto"),
  ...containerFields,
  skills: z.array(skillSchema).exactOptional(),
});

export const localEnvironmentSchema = z.strictObject({
  type: z.literal("local"),
  skills: z
    .array(z.strictObject({ name: bounded.name, description: bounded.description, path: bounded.address }))
    .exactOptional(),
});

export const containerReferenceSchema = z.strictObject({
  type: z.literal("container_reference"),
  container_id: bounded.identifier,
});
