import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { readConfig } from "../../../src/config/config.ts";
import { configErrorOf } from "../../support/config-errors.ts";

describe("encryption keys", () => {
  const key = Buffer.alloc(32, 251);

  test.each([
    key.toString("base64"),
    key.toString("base64url"),
    key.toString("hex"),
    key.toString("hex").toUpperCase(),
  ])("are 32 bytes in base64 or hex, and stay secret: %s", (text) => {
    const config = readConfig({ ENCRYPTION_KEYS: `${text}, ${"00".repeat(32)},` });
    expect(config.encryptionKeys.map((each) => each.export())).toEqual([key, Buffer.alloc(32)]);
    for (const shown of [inspect(config, { depth: 10, showHidden: true }), JSON.stringify(config)]) {
      expect(shown).not.toContain(text.slice(0, 12));
      expect(shown).not.toContain("251");
      expect(shown).not.toContain("fb fb");
    }
  });

  test.each(["short", "ab".repeat(31), "ab".repeat(33), "A".repeat(42), `${"A".repeat(43)}==`, "zz".repeat(32)])(
    "of another form are rejected by position: %s",
    (text) => {
      const error = configErrorOf({ ENCRYPTION_KEYS: `${key.toString("hex")},${text}` });
      expect(error).toBe("ENCRYPTION_KEYS: key 2 is not 32 bytes in base64 or hex.");
    },
  );
});
