import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { allowsAnonymous, hashApiKey, readConfig } from "../../../src/config/config.ts";
import { configErrorOf, settingsOf } from "../../support/config-errors.ts";

describe("API keys", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "background-responses-config-"));
  });
  afterAll(async () => await rm(folder, { recursive: true, force: true }));

  test("are project:key pairs, kept as hashes", () => {
    const { apiKeys, ...rest } = settingsOf({ API_KEYS: "one:key-1, two:key:2\nthree:key-3," });
    expect(apiKeys).toEqual([
      { project: "one", hash: hashApiKey("key-1") },
      { project: "two", hash: hashApiKey("key:2") },
      { project: "three", hash: hashApiKey("key-3") },
    ]);
    expect(JSON.stringify(rest)).not.toContain("key-1");
  });

  test("in a file are added to the variable's", async () => {
    const path = join(folder, "keys");
    await writeFile(path, "# the first project\none:key-1\n\n  # and, another\ntwo:key-2\n");
    const { apiKeys } = readConfig({ API_KEYS: "zero:key-0", API_KEYS_FILE: path });
    expect(apiKeys.map((key) => key.project)).toEqual(["zero", "one", "two"]);
  });

  test("in an unreadable file are reported with its path", () => {
    const path = join(folder, "none");
    expect(configErrorOf({ API_KEYS_FILE: path })).toBe(`API_KEYS_FILE: cannot read ${path}.`);
  });

  test.each(["key-without-project", ":key", "project:", "pro ject:key", "one:key two"])(
    "of another form are rejected by position: %j",
    (entry) => {
      const error = configErrorOf({ API_KEYS: `good:key,${entry}` });
      expect(error).toBe("API_KEYS: entry 2 is not of the form project:key.");
    },
  );
});

describe("unsafe API keys", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "background-responses-config-"));
  });
  afterAll(async () => await rm(folder, { recursive: true, force: true }));

  test("shared by two projects are rejected by position", async () => {
    expect(configErrorOf({ API_KEYS: "one:planted-key,two:key-2,three:planted-key" })).toBe(
      "API_KEYS: entry 3 has the key of another project (API_KEYS: entry 1). Give each project its own key.",
    );
    const path = join(folder, "keys");
    await writeFile(path, "# a comment\none:key-1\ntwo:planted-key\n");
    expect(configErrorOf({ API_KEYS: "one:planted-key", API_KEYS_FILE: path })).toBe(
      "API_KEYS_FILE: entry 2 has the key of another project (API_KEYS: entry 1). Give each project its own key.",
    );
    expect(readConfig({ API_KEYS: "one:planted-key,one:planted-key" }).apiKeys).toHaveLength(2);
  });

  test.each(["", "\n", "# no key yet\n", " ,\n"])("are rejected when the list is empty: %j", async (content) => {
    const path = join(folder, "none");
    await writeFile(path, content);
    expect(configErrorOf({ API_KEYS_FILE: path })).toBe("API_KEYS_FILE: contains no key.");
    expect(configErrorOf({ API_KEYS: "one:key-1", API_KEYS_FILE: path })).toBe("API_KEYS_FILE: contains no key.");
    expect(configErrorOf({ API_KEYS: "," })).toBe("API_KEYS: contains no key.");
  });

  test.each(["0.0.0.0", "::", "192.0.2.1", "example.test"])(
    "that are short are rejected beyond loopback: %s",
    (HOST) => {
      const long = "sixteen-letters!";
      expect(readConfig({ HOST, API_KEYS: `one:${long}` }).apiKeys).toHaveLength(1);
      const error = configErrorOf({ HOST, API_KEYS: `one:${long},two:${long.slice(1)}` });
      expect(error).toMatch(/^API_KEYS: entry 2 has a key of fewer than 16 characters/);
      expect(error).not.toContain("ixteen");
      expect(readConfig({ HOST: "localhost", API_KEYS: "one:k" }).apiKeys).toHaveLength(1);
    },
  );
});

describe("admin keys", () => {
  test("are name:key pairs, kept as hashes and out of the environment", () => {
    const { adminKeys, environment } = readConfig({ ADMIN_KEYS: "ada:admin-key-1, bob:admin-key-2" });
    expect(adminKeys).toEqual([
      { name: "ada", hash: hashApiKey("admin-key-1") },
      { name: "bob", hash: hashApiKey("admin-key-2") },
    ]);
    expect(JSON.stringify(environment)).not.toContain("admin-key");
  });

  test("that are also a project's are rejected", () => {
    expect(configErrorOf({ API_KEYS: "one:shared-key", ADMIN_KEYS: "ada:shared-key" })).toBe(
      "ADMIN_KEYS: entry 1 has the key of a project (API_KEYS: entry 1). Give each admin a key that no project has.",
    );
  });

  test("of two admins are rejected if they are the same", () => {
    expect(configErrorOf({ ADMIN_KEYS: "ada:same-key,bob:same-key" })).toBe(
      "ADMIN_KEYS: entry 2 has the key of another admin (ADMIN_KEYS: entry 1). Give each admin its own key.",
    );
  });

  test("of another form are rejected by position", () => {
    expect(configErrorOf({ ADMIN_KEYS: "no-colon" })).toBe("ADMIN_KEYS: entry 1 is not of the form name:key.");
  });

  test("close the server to requests without a key, unless allowed", () => {
    const keys = { HOST: "0.0.0.0", ADMIN_KEYS: "ada:admin-key-of-sixteen" };
    expect(allowsAnonymous(readConfig(keys))).toBe(false);
    expect(allowsAnonymous(readConfig({ ...keys, ALLOW_ANONYMOUS: "true" }))).toBe(true);
  });
});
