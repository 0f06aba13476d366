import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { describeSettings, SETTINGS } from "../../../src/config/settings.ts";
import { configurationPage, exampleFile } from "../../configuration-page/write.ts";
import { settingsOf } from "../../support/config-errors.ts";

const PROJECT = join(import.meta.dirname, "../../..");

describe("the settings", () => {
  test("appear in .env.example with their defaults", async () => {
    const example = await readFile(join(PROJECT, ".env.example"), "utf8");
    const uncommented = example.replaceAll(/^# (?=[A-Z][A-Z0-9_]*=)/gm, "");
    const environment = parseEnv(uncommented);
    expect(Object.keys(environment).toSorted()).toEqual(SETTINGS.toSorted());
    expect(settingsOf(environment)).toEqual(settingsOf({}));
  });

  test("are commented out in .env.example", async () => {
    expect(parseEnv(await readFile(join(PROJECT, ".env.example"), "utf8"))).toEqual({});
  });

  test("appear in docs/configuration.md", async () => {
    const page = await readFile(join(PROJECT, "docs/configuration.md"), "utf8");
    const named = [...page.matchAll(/^\|\s*`([A-Z][A-Z0-9_]+)`/gm)].map((match) => match[1]!);
    expect(named.toSorted()).toEqual(SETTINGS.toSorted());
  });

  test.each([
    ["docs/configuration.md", configurationPage],
    [".env.example", exampleFile],
  ])("generate %s (npm run docs:configuration)", async (file, generate) => {
    expect(await readFile(join(PROJECT, file), "utf8")).toBe(generate());
  });

  test.each(describeSettings().flatMap(({ settings }) => settings))(
    "have descriptions that are sentences: $name",
    ({ description }) => {
      expect(description).toMatch(/^[A-Z][^]{9,}\.$/);
    },
  );

  test.each([
    ["api", ["PORT"]],
    ["worker", ["WORKER_PORT"]],
  ])("are passed on by docker-compose.yml: %s", async (service, own) => {
    const { services } = parse(await readFile(join(PROJECT, "docker-compose.yml"), "utf8"), { merge: true });
    const environment: Record<string, string | null> = services[service].environment;
    const fixed = ["API_KEYS", "HOST", "REDIS_URL", ...own];
    // Its one Redis has no replicas, and the image has no development dependencies.
    const useless = ["LOG_PRETTY", "REDIS_CLUSTER", "REDIS_MIN_REPLICAS_ACKED", "REDIS_WAIT_TIMEOUT_MS"];
    const named = Object.keys(environment);
    const others = SETTINGS.filter((name) => !["PORT", "WORKER_PORT", ...fixed, ...useless].includes(name));
    expect(named.toSorted()).toEqual([...fixed, ...others].toSorted());
    expect(named.filter((name) => environment[name] !== null).toSorted()).toEqual(fixed.toSorted());
  });
});
