/** WEBHOOKS_FILE: webhook endpoints that the operator configures, each for one project. */
import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { z } from "zod";
import {
  type WebhookEventType,
  WEBHOOK_EVENT_TYPES,
  webhookEventTypeSchema,
  webhookNameSchema,
} from "../protocol/webhook.ts";
import { ConfigurationError } from "./configuration-error.ts";
import { SettingsFile } from "./settings-file.ts";

const endpointSchema = z.strictObject({
  project: z.string().regex(/^[A-Za-z0-9_-]+$/),
  name: webhookNameSchema,
  url: z.url({ protocol: /^https?$/ }).refine((url) => new URL(url).username === "" && new URL(url).password === "", {
    message: "must contain no user name or password",
  }),
  event_types: z.array(webhookEventTypeSchema).min(1).default(WEBHOOK_EVENT_TYPES),
  /** The variable of the workers' environment that holds the signing secret. */
  secret_env: z.string().min(1),
});

const fileSchema = z.strictObject({ endpoints: z.array(endpointSchema) });

export interface OperatorEndpoint {
  /** The same in every process: a hash of project and name. */
  id: string;
  project: string;
  name: string;
  url: string;
  eventTypes: WebhookEventType[];
  secretVariable: string;
  /** The last change of the file, in Unix milliseconds. */
  changedAtMs: number;
}

const ID_DIGITS = 50;
const SECRET = /^whsec_(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Throws a ConfigurationError. */
export function readWebhooksFile(path: string | undefined, allowsHttp: boolean): OperatorEndpoint[] {
  if (path === undefined) return [];
  const file = new SettingsFile("WEBHOOKS_FILE", path);
  const { endpoints } = file.parse(fileSchema);
  const changedAtMs = statSync(path).mtimeMs;
  const seen = new Set<string>();
  return endpoints.map(({ project, name, url, event_types, secret_env }, index) => {
    const fail = (field: string, message: string) => file.createError([{ path: ["endpoints", index, field], message }]);
    if (!allowsHttp && new URL(url).protocol === "http:") throw fail("url", "must begin with https://");
    const id = `whe_${createHash("sha256").update(`${project}\n${name}`).digest("hex").slice(0, ID_DIGITS)}`;
    if (seen.has(id)) throw fail("name", "is the name of another endpoint of the project");
    seen.add(id);
    const eventTypes = [...new Set(event_types)];
    return { id, project, name, url, eventTypes, secretVariable: secret_env, changedAtMs };
  });
}

/** Only workers sign, so only they need the secrets. Throws a ConfigurationError for one that is missing or malformed. */
export function checkWebhookSecrets(endpoints: readonly OperatorEndpoint[], environment: NodeJS.ProcessEnv): void {
  for (const { name, secretVariable } of endpoints) {
    const secret = environment[secretVariable] ?? "";
    if (SECRET.test(secret)) continue;
    const problem = secret === "" ? "is not set" : "is not `whsec_` and a secret in base64";
    throw new ConfigurationError(`WEBHOOKS_FILE: endpoint '${name}': the variable ${secretVariable} ${problem}.`);
  }
}
