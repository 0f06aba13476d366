/** Where code and commands run. Source: openai 7.59.0 `ContainerAuto`, `LocalEnvironment`, `ContainerReference`. */
import { z } from "zod";

const networkPolicySchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("disabled") }),
  z.strictObject({
    type: z.literal("allowlist"),
    allowed_domains: z.array(z.string()),
    domain_secrets: z
      .array(z.strictObject({ domain: z.string(), name: z.string(), value: z.string() }))
      .exactOptional(),
  }),
]);

/** What every container that is made for a request can be told. */
export const containerFields = {
  file_ids: z.array(z.string()).exactOptional(),
  memory_limit: z.enum(["1g", "4g", "16g", "64g"]).nullable().exactOptional(),
  network_policy: networkPolicySchema.exactOptional(),
};

const skillSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("skill_reference"), skill_id: z.string(), version: z.string().exactOptional() }),
  z.strictObject({
    type: z.literal("inline"),
    name: z.string(),
    description: z.string(),
    source: z.strictObject({ type: z.literal("base64"), media_type: z.literal("application/zip"), data: z.string() }),
  }),
]);

export const containerAutoSchema = z.strictObject({
  type: z.literal("container_auto"),
  ...containerFields,
  skills: z.array(skillSchema).exactOptional(),
});

export const localEnvironmentSchema = z.strictObject({
  type: z.literal("local"),
  skills: z.array(z.strictObject({ name: z.string(), description: z.string(), path: z.string() })).exactOptional(),
});

export const containerReferenceSchema = z.strictObject({
  type: z.literal("container_reference"),
  container_id: z.string(),
});
