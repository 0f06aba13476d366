import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readConfig } from "../../../src/config/config.ts";
import { configErrorOf } from "../../support/config-errors.ts";

const PROJECT = join(import.meta.dirname, "../../..");

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
    [
      "redis+sentinel://:secret@localhost:26379/main?role=slave",
      'it has no option "role": the options are db, sentinel_',
    ],
    ["redis+sentinel://:secret@localhost:99999/main", "there is no port above 65535"],
    ["redis+sentinel://:secret%@localhost/main", "must be written as %25"],
  ])("is rejected without being repeated: %s", (url, message) => {
    const error = configErrorOf({ REDIS_URL: url });
    expect(error).toMatch(/^REDIS_URL: /);
    expect(error).toContain(message);
    expect(error).not.toContain("secret");
  });

  test("of a cluster lists nodes without a database", () => {
    const cluster = { REDIS_CLUSTER: "true" };
    expect(readConfig({ ...cluster, REDIS_URL: "redis://a:1, redis://b:2" }).REDIS_CLUSTER).toBe(true);
    expect(configErrorOf({ ...cluster, REDIS_URL: "redis://a:1,b:2" })).toContain("REDIS_URL: must be redis://");
    expect(configErrorOf({ ...cluster, REDIS_URL: "redis://a:1/2" })).toContain(
      "REDIS_URL: a cluster has only database 0",
    );
    expect(configErrorOf({ REDIS_URL: "redis://a:1,redis://b:2" })).toContain("REDIS_URL: must be redis://");
    expect(configErrorOf({ ...cluster, REDIS_URL: "redis+sentinel://a/main" })).toContain("a cluster has no Sentinels");
  });

  test("with TLS has files, read at the start", () => {
    const tls = { REDIS_URL: "rediss://localhost" };
    expect(configErrorOf({ REDIS_TLS_CA_FILE: "/nowhere" })).toBe(
      "REDIS_TLS_CA_FILE: /nowhere cannot be read (ENOENT).",
    );
    const settings = join(PROJECT, "package.json");
    expect(configErrorOf({ ...tls, REDIS_TLS_KEY_FILE: settings })).toContain("is not a PEM file with a key");
    expect(configErrorOf({ ...tls, REDIS_TLS_CERT_FILE: settings })).toContain("is not a PEM file with a certificate");
  });
});
