import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect, parseEnv } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { type Config, hashApiKey, readConfig, SETTINGS } from "../../../src/config/config.ts";
import { ConfigurationError } from "../../../src/config/configuration-error.ts";

const PROJECT = join(import.meta.dirname, "../../..");

function errorOf(environment: NodeJS.ProcessEnv): string {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message;
    throw error;
  }
  throw new Error("The configuration was not rejected.");
}

/** Reading settings from a given environment. */
function settingsOf(source: NodeJS.ProcessEnv): Omit<Config, "environment"> {
  const { environment: _source, ...settings } = readConfig(source);
  return settings;
}

describe("the settings", () => {
  test("appear in .env.example exactly, with their defaults", async () => {
    const example = await readFile(join(PROJECT, ".env.example"), "utf8");
    const uncommented = example.replaceAll(/^# (?=[A-Z_]+=)/gm, "");
    const environment = parseEnv(uncommented);
    expect(Object.keys(environment).toSorted()).toEqual(SETTINGS.toSorted());
    expect(settingsOf(environment)).toEqual(settingsOf({}));
  });

  test("are each explained in .env.example, which sets nothing", async () => {
    const example = await readFile(join(PROJECT, ".env.example"), "utf8");
    expect(parseEnv(example)).toEqual({});
    const explained = [...example.matchAll(/^# (?![A-Z_]+=).{10,}\n# ([A-Z_]+)=/gm)].map((match) => match[1]!);
    expect(explained.toSorted()).toEqual(SETTINGS.toSorted());
  });

  test("appear in README's table exactly", async () => {
    const readme = await readFile(join(PROJECT, "README.md"), "utf8");
    const named = [...readme.matchAll(/^\|\s*`([A-Z][A-Z0-9_]+)`/gm)].map((match) => match[1]!);
    expect(named.toSorted()).toEqual(SETTINGS.toSorted());
  });

  test.each([
    ["api", ["PORT"]],
    ["worker", ["WORKER_PORT"]],
  ])("are passed on by docker-compose.yml unless it sets them: %s", async (service, setByService) => {
    const { services } = parse(await readFile(join(PROJECT, "docker-compose.yml"), "utf8"), { merge: true });
    const environment: Record<string, string | null> = services[service].environment;
    const decided = ["API_KEYS", "HOST", "REDIS_URL", ...setByService];
    // One Redis has no replicas, and the image has no development dependencies.
    const senseless = ["LOG_PRETTY", "REDIS_CLUSTER", "REDIS_MIN_REPLICAS_ACKED", "REDIS_WAIT_TIMEOUT_MS"];
    const named = Object.keys(environment);
    const others = SETTINGS.filter((name) => !["PORT", "WORKER_PORT", ...decided, ...senseless].includes(name));
    expect(named.toSorted()).toEqual([...decided, ...others].toSorted());
    expect(named.filter((name) => environment[name] !== null).toSorted()).toEqual(decided.toSorted());
  });
});

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
  ])("that is invalid is rejected by its variable: %s=%s", (name, value) => {
    expect(errorOf({ [name]: value })).toContain(`${name}: `);
  });

  /** A longer timer fires after 1 ms in Node: a flood of heartbeats, or a drain without its grace. */
  test.each(SETTINGS.filter((name) => name.endsWith("_MS") && name !== "POLL_AFTER_MS"))(
    "longer than any timer is rejected: %s",
    (name) => {
      expect(errorOf({ [name]: String(2 ** 31) })).toContain(`${name}: `);
    },
  );

  test("is rejected together with every other invalid one", () => {
    expect(errorOf({ PORT: "x", MAX_ATTEMPTS: "y" })).toMatch(/PORT: [^]*MAX_ATTEMPTS: /);
  });

  test("that is empty gives the default, for numbers too", () => {
    const nothing = readConfig({ PORT: "", DRAIN_GRACE_MS: "", UPSTREAM_MAX_RETRIES: "" });
    expect(nothing).toMatchObject({ PORT: 8080, DRAIN_GRACE_MS: 10_000, UPSTREAM_MAX_RETRIES: 4 });
  });

  test("that is an empty string counts as unset", () => {
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

  test("of a lock's duration leaves time for two renewals", () => {
    expect(errorOf({ LOCK_DURATION_MS: "1000", STALLED_INTERVAL_MS: "501" })).toContain("LOCK_DURATION_MS");
  });
});

describe("API keys", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "background-responses-config-"));
  });
  afterAll(async () => await rm(folder, { recursive: true, force: true }));

  test("are project:key pairs, separated by commas or lines, and stored as hashes", () => {
    const { apiKeys, ...rest } = settingsOf({ API_KEYS: "one:key-1, two:key:2\nthree:key-3," });
    expect(apiKeys).toEqual([
      { project: "one", hash: hashApiKey("key-1") },
      { project: "two", hash: hashApiKey("key:2") },
      { project: "three", hash: hashApiKey("key-3") },
    ]);
    expect(JSON.stringify(rest)).not.toContain("key-1");
  });

  test("in a file may have comments, and add to the variable's keys", async () => {
    const path = join(folder, "keys");
    await writeFile(path, "# the first project\none:key-1\n\n  # and, another\ntwo:key-2\n");
    const { apiKeys } = readConfig({ API_KEYS: "zero:key-0", API_KEYS_FILE: path });
    expect(apiKeys.map((key) => key.project)).toEqual(["zero", "one", "two"]);
  });

  test("that cannot be read name the file", () => {
    const path = join(folder, "none");
    expect(errorOf({ API_KEYS_FILE: path })).toBe(`API_KEYS_FILE: cannot read ${path}.`);
  });

  test.each(["key-without-project", ":key", "project:", "pro ject:key", "one:key two"])(
    "of another form are rejected by position, without their text: %j",
    (entry) => {
      const error = errorOf({ API_KEYS: `good:key,${entry}` });
      expect(error).toBe("API_KEYS: entry 2 is not of the form project:key.");
    },
  );
});

describe("API keys that admit unintended clients", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "background-responses-config-"));
  });
  afterAll(async () => await rm(folder, { recursive: true, force: true }));

  test("of two projects are rejected by their positions", async () => {
    expect(errorOf({ API_KEYS: "one:planted-key,two:key-2,three:planted-key" })).toBe(
      "API_KEYS: entry 3 has the key of another project (API_KEYS: entry 1). Give each its own.",
    );
    const path = join(folder, "keys");
    await writeFile(path, "# a comment\none:key-1\ntwo:planted-key\n");
    expect(errorOf({ API_KEYS: "one:planted-key", API_KEYS_FILE: path })).toBe(
      "API_KEYS_FILE: entry 2 has the key of another project (API_KEYS: entry 1). Give each its own.",
    );
    expect(readConfig({ API_KEYS: "one:planted-key,one:planted-key" }).apiKeys).toHaveLength(2);
  });

  test.each(["", "\n", "# no key yet\n", " ,\n"])("are required in a key file: %j", async (content) => {
    const path = join(folder, "none");
    await writeFile(path, content);
    expect(errorOf({ API_KEYS_FILE: path })).toBe("API_KEYS_FILE: there is no key in it.");
    expect(errorOf({ API_KEYS: "one:key-1", API_KEYS_FILE: path })).toBe("API_KEYS_FILE: there is no key in it.");
    expect(errorOf({ API_KEYS: "," })).toBe("API_KEYS: there is no key in it.");
  });

  test.each(["0.0.0.0", "::", "192.0.2.1", "example.test"])(
    "that are short are rejected beyond loopback: %s",
    (HOST) => {
      const long = "sixteen-letters!";
      expect(readConfig({ HOST, API_KEYS: `one:${long}` }).apiKeys).toHaveLength(1);
      const error = errorOf({ HOST, API_KEYS: `one:${long},two:${long.slice(1)}` });
      expect(error).toMatch(/^API_KEYS: entry 2 has a key of fewer than 16 characters/);
      expect(error).not.toContain("ixteen");
      expect(readConfig({ HOST: "localhost", API_KEYS: "one:k" }).apiKeys).toHaveLength(1);
    },
  );
});

describe("encryption keys", () => {
  const key = Buffer.alloc(32, 251);

  test.each([
    key.toString("base64"),
    key.toString("base64url"),
    key.toString("hex"),
    key.toString("hex").toUpperCase(),
  ])("are 32 bytes in base64 or hex, ordered, never printed or inherited: %s", (text) => {
    const config = readConfig({ ENCRYPTION_KEYS: `${text}, ${"00".repeat(32)},` });
    expect(config.encryptionKeys.map((each) => each.export())).toEqual([key, Buffer.alloc(32)]);
    for (const shown of [inspect(config, { depth: 10, showHidden: true }), JSON.stringify(config)]) {
      expect(shown).not.toContain(text.slice(0, 12));
      expect(shown).not.toContain("251");
      expect(shown).not.toContain("fb fb");
    }
  });

  test.each(["short", "ab".repeat(31), "ab".repeat(33), "A".repeat(42), `${"A".repeat(43)}==`, "zz".repeat(32)])(
    "of another form are rejected by position, without their text: %s",
    (text) => {
      const error = errorOf({ ENCRYPTION_KEYS: `${key.toString("hex")},${text}` });
      expect(error).toBe("ENCRYPTION_KEYS: key 2 is not 32 bytes in base64 or hex.");
    },
  );
});

describe("without API keys", () => {
  test.each(["127.0.0.1", "localhost", "::1"])("loopback is served: %s", (host) => {
    expect(readConfig({ HOST: host }).apiKeys).toEqual([]);
  });

  test.each(["0.0.0.0", "::", "192.0.2.1", "example.test"])("another address is rejected: %s", (host) => {
    expect(errorOf({ HOST: host })).toContain("API_KEYS");
  });

  test("a public address needs an explicit setting", () => {
    expect(readConfig({ HOST: "0.0.0.0", ALLOW_ANONYMOUS: "true" }).HOST).toBe("0.0.0.0");
    expect(readConfig({ HOST: "0.0.0.0", API_KEYS: "one:a-key-of-sixteen" }).HOST).toBe("0.0.0.0");
  });

  test("pages in this machine's browser are rejected", () => {
    for (const CORS_ORIGINS of ["*", "https://app.example, *"]) {
      expect(errorOf({ CORS_ORIGINS })).toContain("CORS_ORIGINS=* without API_KEYS");
      expect(readConfig({ CORS_ORIGINS, API_KEYS: "one:key-1" }).CORS_ORIGINS).toBe(CORS_ORIGINS);
      expect(readConfig({ CORS_ORIGINS, HOST: "0.0.0.0", ALLOW_ANONYMOUS: "true" }).CORS_ORIGINS).toBe(CORS_ORIGINS);
    }
    expect(readConfig({ CORS_ORIGINS: "https://app.example" }).CORS_ORIGINS).toBe("https://app.example");
  });
});

describe("the address of Redis", () => {
  test.each([
    "redis://localhost",
    "rediss://user:pass@10.0.0.1:6380/3",
    "redis://[::1]:6379/",
    "/run/redis.sock",
    "redis+sentinel://one,two:26380,[::1]:26381/main",
    "rediss+sentinel://user:p%40ss@one/main?db=2&sentinel_username=watch&sentinel_password=word",
  ])("may be %s", (url) => {
    expect(readConfig({ REDIS_URL: url }).REDIS_URL).toBe(url);
  });

  test.each([
    ["localhost", "must be redis://"],
    ["http://secret@localhost:6379", "must be redis://"],
    ["redis://:secret@localhost:99999", "must be redis://"],
    ["redis://:secret@localhost:6379/main", "must be a number"],
    ["redis://:secret@localhost:6379?db=1", 'it has no option "db": the database is the number behind the last /'],
    ["redis://:secret@localhost:6379?tls=true", "files for TLS are REDIS_TLS_CA_FILE"],
    ["redis+sentinel://:secret@localhost:26379", "redis+sentinel://host:port,host:port/name"],
    ["redis+sentinel://:secret@localhost:26379/main/1", "redis+sentinel://host:port,host:port/name"],
    ["redis+sentinel://:secret@localhost:26379/main?db=x", "db must be a number"],
    ["redis+sentinel://:secret@localhost:26379/main?role=slave", 'it has no option "role": there are db, sentinel_'],
    ["redis+sentinel://:secret@localhost:99999/main", "there is no port above 65535"],
    ["redis+sentinel://:secret%@localhost/main", "must be written as %25"],
  ])("is rejected without its text: %s", (url, message) => {
    const error = errorOf({ REDIS_URL: url });
    expect(error).toMatch(/^REDIS_URL: /);
    expect(error).toContain(message);
    expect(error).not.toContain("secret");
  });

  test("lists a cluster's nodes, separated by commas, without a database", () => {
    const cluster = { REDIS_CLUSTER: "true" };
    expect(readConfig({ ...cluster, REDIS_URL: "redis://a:1, redis://b:2" }).REDIS_CLUSTER).toBe(true);
    expect(errorOf({ ...cluster, REDIS_URL: "redis://a:1,b:2" })).toContain("REDIS_URL: must be redis://");
    expect(errorOf({ ...cluster, REDIS_URL: "redis://a:1/2" })).toContain("REDIS_URL: a cluster has only database 0");
    expect(errorOf({ REDIS_URL: "redis://a:1,redis://b:2" })).toContain("REDIS_URL: must be redis://");
    expect(errorOf({ ...cluster, REDIS_URL: "redis+sentinel://a/main" })).toContain("a cluster has no Sentinels");
  });

  test("with TLS names files that are read at the start", () => {
    const tls = { REDIS_URL: "rediss://localhost" };
    expect(errorOf({ REDIS_TLS_CA_FILE: "/nowhere" })).toBe("REDIS_TLS_CA_FILE: /nowhere cannot be read (ENOENT).");
    const settings = join(PROJECT, "package.json");
    expect(errorOf({ ...tls, REDIS_TLS_KEY_FILE: settings })).toContain("is not a PEM file of a key");
    expect(errorOf({ ...tls, REDIS_TLS_CERT_FILE: settings })).toContain("is not a PEM file of a certificate");
  });
});

test.each(["", " "])("an empty setting has its default: %j", (nothing) => {
  const empty = Object.fromEntries(SETTINGS.map((name) => [name, nothing]));
  const { environment: _, processName: __, ...defaults } = readConfig({});
  const { environment: ___, processName: ____, ...read } = readConfig(empty);
  expect(read).toEqual(defaults);
});
