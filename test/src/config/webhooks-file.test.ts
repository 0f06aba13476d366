import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readConfig } from "../../../src/config/config.ts";
import { checkWebhookSecrets } from "../../../src/config/webhooks-file.ts";
import { configErrorOf } from "../../support/config-errors.ts";

const folder = mkdtempSync(join(tmpdir(), "webhooks-file-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, "webhooks.json");

const ENDPOINT = { project: "alpha", name: "Reports", url: "https://example.com/hook", secret_env: "HOOK_SECRET" };

function environmentOf(...endpoints: object[]): NodeJS.ProcessEnv {
  writeFileSync(file, JSON.stringify({ endpoints }, null, 1));
  return { WEBHOOKS_FILE: file };
}

test("an endpoint has all events and a stable id by default", () => {
  const [endpoint] = readConfig(environmentOf(ENDPOINT)).operatorWebhooks;
  expect(endpoint).toMatchObject({ project: "alpha", name: "Reports", secretVariable: "HOOK_SECRET" });
  expect(endpoint!.eventTypes).toHaveLength(4);
  const moved = readConfig(environmentOf({ ...ENDPOINT, url: "https://example.com/other" })).operatorWebhooks;
  expect(moved[0]!.id).toBe(endpoint!.id);
});

test.each([
  [{ ...ENDPOINT, url: "http://example.com" }, /line \d+: endpoints\.0\.url: must begin with https/],
  [{ ...ENDPOINT, url: "https://a:b@example.com" }, /must contain no user name/],
  [{ ...ENDPOINT, event_types: ["batch.completed"] }, /endpoints\.0\.event_types\.0/],
  [{ ...ENDPOINT, event_types: [] }, /endpoints\.0\.event_types/],
  [{ ...ENDPOINT, secret: "whsec_abc" }, /endpoints\.0\.secret: unknown/],
  [{ ...ENDPOINT, secret_env: undefined }, /endpoints\.0\.secret_env/],
])("%j is rejected", (endpoint, message) => {
  expect(configErrorOf(environmentOf(endpoint))).toMatch(message);
});

test("two endpoints of a project have different names", () => {
  expect(configErrorOf(environmentOf(ENDPOINT, ENDPOINT))).toMatch(/endpoints\.1\.name: is the name of another/);
  expect(readConfig(environmentOf(ENDPOINT, { ...ENDPOINT, project: "beta" })).operatorWebhooks).toHaveLength(2);
});

test("plain HTTP needs permission", () => {
  const environment = { ...environmentOf({ ...ENDPOINT, url: "http://10.0.0.7/" }), WEBHOOKS_ALLOW_HTTP: "true" };
  expect(readConfig(environment).operatorWebhooks).toHaveLength(1);
});

test.each([
  ["", "is not set"],
  ["whsec_", "is not `whsec_` and a secret in base64"],
  ["secret", "is not `whsec_` and a secret in base64"],
  ["whsec_not base64", "is not `whsec_` and a secret in base64"],
])("the secret '%s' is rejected", (HOOK_SECRET, message) => {
  const { operatorWebhooks } = readConfig(environmentOf(ENDPOINT));
  expect(() => checkWebhookSecrets(operatorWebhooks, { HOOK_SECRET })).toThrow(message);
});

test("a secret in base64 is accepted", () => {
  const { operatorWebhooks } = readConfig(environmentOf(ENDPOINT));
  const HOOK_SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
  expect(() => checkWebhookSecrets(operatorWebhooks, { HOOK_SECRET })).not.toThrow();
});
