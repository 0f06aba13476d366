import { describe, expect, test } from "vitest";
import { readConfig, SETTINGS } from "../../../src/config/config.ts";
import { configErrorOf, settingsOf } from "../../support/config-errors.ts";

describe("a value", () => {
  test.each([
    ["PORT", "eighty"],
    ["PORT", "-1"],
    ["PORT", "70000"],
    ["OPENAI_BASE_URL", "foo"],
    ["MAX_ATTEMPTS", "0"],
    ["MAX_ATTEMPTS", "1.5"],
    ["LOG_LEVEL", "loud"],
    ["REDIS_CLUSTER", "maybe"],
    ["KEY_PREFIX", "a:b"],
  ])("that is invalid is rejected by name: %s=%s", (name, value) => {
    expect(configErrorOf({ [name]: value })).toContain(`${name}: `);
  });

  /** Node replaces a longer timer by one of 1 ms: a flood of heartbeats, or a drain without its grace. */
  test.each(SETTINGS.filter((name) => name.endsWith("_MS") && name !== "POLL_AFTER_MS"))(
    "longer than any timer is rejected: %s",
    (name) => {
      expect(configErrorOf({ [name]: String(2 ** 31) })).toContain(`${name}: `);
    },
  );

  test("is reported together with other invalid values", () => {
    expect(configErrorOf({ PORT: "x", MAX_ATTEMPTS: "y" })).toMatch(/PORT: [^]*MAX_ATTEMPTS: /);
  });

  test("that is an empty number becomes the default", () => {
    const nothing = readConfig({ PORT: "", DRAIN_GRACE_MS: "", UPSTREAM_MAX_RETRIES: "" });
    expect(nothing).toMatchObject({ PORT: 8080, DRAIN_GRACE_MS: 10_000, UPSTREAM_MAX_RETRIES: 4 });
  });

  test("that is empty text counts as unset", () => {
    expect(settingsOf({ OPENAI_API_KEY: "", DEFAULT_PROVIDER: " " })).toEqual(settingsOf({}));
  });

  test.each([
    ["true", true],
    ["1", true],
    ["false", false],
    ["0", false],
    ["", false],
  ])("of a switch may be %j", (value, expected) => {
    expect(readConfig({ REDIS_CLUSTER: value }).REDIS_CLUSTER).toBe(expected);
  });

  test("of a lock leaves time for two checks", () => {
    expect(configErrorOf({ LOCK_DURATION_MS: "1000", STALLED_INTERVAL_MS: "501" })).toContain("LOCK_DURATION_MS");
  });
});

describe("without API keys", () => {
  test.each(["127.0.0.1", "localhost", "::1"])("the server accepts loopback: %s", (host) => {
    expect(readConfig({ HOST: host }).apiKeys).toEqual([]);
  });

  test.each(["0.0.0.0", "::", "192.0.2.1", "example.test"])("the server rejects another address: %s", (host) => {
    expect(configErrorOf({ HOST: host })).toContain("API_KEYS");
  });

  test("another address needs ALLOW_ANONYMOUS or keys", () => {
    expect(readConfig({ HOST: "0.0.0.0", ALLOW_ANONYMOUS: "true" }).HOST).toBe("0.0.0.0");
    expect(readConfig({ HOST: "0.0.0.0", API_KEYS: "one:a-key-of-sixteen" }).HOST).toBe("0.0.0.0");
  });

  test("CORS_ORIGINS=* is rejected on loopback", () => {
    for (const CORS_ORIGINS of ["*", "https://app.example, *"]) {
      expect(configErrorOf({ CORS_ORIGINS })).toContain("CORS_ORIGINS=* without API_KEYS");
      expect(readConfig({ CORS_ORIGINS, API_KEYS: "one:key-1" }).CORS_ORIGINS).toBe(CORS_ORIGINS);
      expect(readConfig({ CORS_ORIGINS, HOST: "0.0.0.0", ALLOW_ANONYMOUS: "true" }).CORS_ORIGINS).toBe(CORS_ORIGINS);
    }
    expect(readConfig({ CORS_ORIGINS: "https://app.example" }).CORS_ORIGINS).toBe("https://app.example");
  });
});

test.each(["", " "])("empty settings get their defaults: %j", (nothing) => {
  const empty = Object.fromEntries(SETTINGS.map((name) => [name, nothing]));
  const { environment: _, processName: __, ...defaults } = readConfig({});
  const { environment: ___, processName: ____, ...read } = readConfig(empty);
  expect(read).toEqual(defaults);
});

describe("the token of metrics", () => {
  test("is kept as a hash only", () => {
    const config = readConfig({ METRICS_TOKEN: "token-of-prometheus" });
    expect(config.metricsTokenHash).toHaveLength(32);
    expect(JSON.stringify({ ...config, metricsTokenHash: "" })).not.toContain("token-of-prometheus");
  });

  test("is long where other machines could guess it", () => {
    const open = { HOST: "0.0.0.0", API_KEYS: "p:key-of-sixteen-or-more" };
    expect(configErrorOf({ ...open, METRICS_TOKEN: "short" })).toContain("METRICS_TOKEN has fewer than 16 characters");
    expect(readConfig({ METRICS_TOKEN: "short" }).metricsTokenHash).toHaveLength(32);
  });
});
