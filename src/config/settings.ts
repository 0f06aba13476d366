/**
 * All settings, in the groups and the order in which docs/configuration.md and .env.example show them. Both are
 * generated from here (`npm run docs:configuration`).
 */
import { z } from "zod";
import { SETTING_NOTES, type SettingNote } from "./setting.ts";
import { knowledgeSettings } from "./settings/knowledge.ts";
import { fileSettings } from "./settings/files.ts";
import { documentSettings } from "./settings/documents.ts";
import { limitSettings } from "./settings/limits.ts";
import { providerSettings } from "./settings/providers.ts";
import { redisSettings } from "./settings/redis.ts";
import { retentionSettings } from "./settings/retention.ts";
import { runSettings } from "./settings/runs.ts";
import { securitySettings } from "./settings/security.ts";
import { serverSettings } from "./settings/server.ts";
import { streamSettings } from "./settings/streams.ts";
import { codeInterpreterSettings, imageSettings, mcpSettings, webSearchSettings } from "./settings/tools.ts";
import { tracingSettings } from "./settings/tracing.ts";
import { webhookSettings } from "./settings/webhooks.ts";
import { workerSettings } from "./settings/workers.ts";

type SettingValue = string | number | boolean | undefined;

const GROUPS: readonly [title: string, settings: Readonly<Record<string, z.ZodType<SettingValue>>>][] = [
  ["Server and logs", serverSettings],
  ["Redis", redisSettings],
  ["Security", securitySettings],
  ["Limits", limitSettings],
  ["Retention", retentionSettings],
  ["Files", fileSettings],
  ["Runs", runSettings],
  ["Streams and polling", streamSettings],
  ["Workers", workerSettings],
  ["Webhooks", webhookSettings],
  ["Providers", providerSettings],
  ["Embeddings and search", knowledgeSettings],
  ["Web search", webSearchSettings],
  ["Documents", documentSettings],
  ["MCP servers", mcpSettings],
  ["Code interpreter", codeInterpreterSettings],
  ["Image generation", imageSettings],
  ["Tracing", tracingSettings],
];

export const environmentSchema = z.object({
  ...serverSettings,
  ...redisSettings,
  ...securitySettings,
  ...limitSettings,
  ...retentionSettings,
  ...fileSettings,
  ...runSettings,
  ...streamSettings,
  ...workerSettings,
  ...webhookSettings,
  ...providerSettings,
  ...knowledgeSettings,
  ...webSearchSettings,
  ...documentSettings,
  ...mcpSettings,
  ...codeInterpreterSettings,
  ...imageSettings,
  ...tracingSettings,
});

export type Environment = z.infer<typeof environmentSchema>;
export const SETTINGS = Object.keys(environmentSchema.shape);

export interface DescribedSetting extends SettingNote {
  name: string;
  /** In the form of an environment variable; empty if there is none. */
  default: string;
}

export interface SettingGroup {
  title: string;
  settings: DescribedSetting[];
}

export function describeSettings(): SettingGroup[] {
  return GROUPS.map(([title, settings]) => ({
    title,
    settings: Object.entries(settings).map(([name, schema]) => ({
      name,
      default: String(schema.parse(undefined) ?? ""),
      ...(SETTING_NOTES.get(schema) ?? { description: "" }),
    })),
  }));
}
