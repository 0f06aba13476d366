import { createCipheriv, randomBytes } from "node:crypto";
import { deflateRawSync } from "node:zlib";
import { inspect } from "node:util";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ContentSealer,
  isSealed,
  type SealedKind,
  UnreadableContentError,
} from "../../../src/sealing/content-sealer.ts";

const PROJECT = "alpha";
const KIND = "reasoning" satisfies SealedKind;
const REASONING = { summary: ["Short."], content: ["What nobody but the model should read. ".repeat(6)] };

const newSealer = () => new ContentSealer([randomBytes(32)]);

describe("sealed content", () => {
  const sealer = newSealer();

  test.each([null, 0, "", "a", "ü🜁", [], {}, [1, { a: [null] }], REASONING, "x".repeat(1_000_000)])(
    "opens to its original: %#",
    (value) => {
      const text = sealer.seal(PROJECT, KIND, value);
      expect(isSealed(text)).toBe(true);
      expect(sealer.unseal(PROJECT, KIND, text)).toEqual(value);
    },
  );

  test("opens to its original, for any JSON and project", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), (value, project) => {
        const text = sealer.seal(project, "compaction", value);
        expect(text).toMatch(/^[A-Za-z0-9_.-]+$/);
        expect(sealer.unseal(project, "compaction", text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(() => sealer.unseal(`${project}.`, "compaction", text)).toThrow(UnreadableContentError);
      }),
    );
  });

  test("reveals nothing, differs each time and is shorter than plain text", () => {
    const [first, second] = [sealer.seal(PROJECT, KIND, REASONING), sealer.seal(PROJECT, KIND, REASONING)];
    expect(first).not.toBe(second);
    expect(Buffer.from(first.split(".")[2]!, "base64url").toString("latin1")).not.toContain("nobody");
    expect(first.length).toBeLessThan(JSON.stringify(REASONING).length);
  });

  test.each([
    ["another project", "beta", KIND],
    ["a project whose name extends its own", `${PROJECT}"`, KIND],
    ["another kind", PROJECT, "compaction"],
  ] as const)("does not open for %s", (_case, project, kind) => {
    const text = sealer.seal(PROJECT, KIND, REASONING);
    expect(() => sealer.unseal(project, kind, text)).toThrow(UnreadableContentError);
    expect(() => sealer.verify(project, kind, text)).toThrow(UnreadableContentError);
    expect(() => sealer.verify(PROJECT, KIND, text)).not.toThrow();
  });

  test("does not open with any character changed, removed or doubled", () => {
    const text = sealer.seal(PROJECT, KIND, "a secret");
    for (let at = 0; at < text.length; at++) {
      const [before, original, after] = [text.slice(0, at), text[at]!, text.slice(at + 1)];
      for (const other of ["A", "B", "_", "-", ".", "=", "+", " ", "\n", "", `${original}${original}`]) {
        if (other === original) continue;
        expect(() => sealer.unseal(PROJECT, KIND, `${before}${other}${after}`)).toThrow(UnreadableContentError);
      }
    }
  });

  test("does not open with any bit changed", () => {
    const text = sealer.seal(PROJECT, KIND, "a secret");
    const start = text.lastIndexOf(".") + 1;
    const sealed = Buffer.from(text.slice(start), "base64url");
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Buffer.from(sealed);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      const tampered = text.slice(0, start) + changed.toString("base64url");
      expect(() => sealer.unseal(PROJECT, KIND, tampered)).toThrow(UnreadableContentError);
    }
  });

  test("does not open when cut off or followed by more", () => {
    const text = sealer.seal(PROJECT, KIND, "a secret");
    for (let end = 0; end < text.length; end++) {
      expect(() => sealer.unseal(PROJECT, KIND, text.slice(0, end))).toThrow(UnreadableContentError);
    }
    expect(() => sealer.unseal(PROJECT, KIND, `${text}.AAAA`)).toThrow(UnreadableContentError);
  });

  test.each(["", "gAAAAABo", "brs2.abcdefgh.AAAA", "hello", "brs1", "BRS1.a.b"])("is not confused with: %j", (text) => {
    expect(isSealed(text)).toBe(false);
    expect(() => sealer.unseal(PROJECT, KIND, text)).toThrow(UnreadableContentError);
  });

  test.each(["brs1.", "brs1..", "brs1.abcdefgh", "brs1.abcdefgh.", "brs1.abcdefgh.AAAA", "brs1.__proto__.AAAA"])(
    "that does not open is rejected: %j",
    (text) => {
      expect(isSealed(text)).toBe(true);
      expect(() => sealer.unseal(PROJECT, KIND, text)).toThrow(UnreadableContentError);
    },
  );

  test("opens to at most ten times its length, which bounds requests", () => {
    const key = randomBytes(32);
    const keyed = new ContentSealer([key]);
    const repetitive = keyed.seal(PROJECT, KIND, "1".repeat(1_000_000));
    expect(repetitive.length).toBeGreaterThan(100_000);

    const nonce = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", key, nonce);
    cipher.setAAD(Buffer.from(JSON.stringify(["brs1.", PROJECT, KIND])));
    const bomb = Buffer.concat([Buffer.of(1), deflateRawSync(Buffer.alloc(1_000_000, "1"))]);
    const sealed = Buffer.concat([nonce, cipher.update(bomb), cipher.final(), cipher.getAuthTag()]);
    const id = repetitive.split(".")[1]!;
    expect(() => keyed.unseal(PROJECT, KIND, `brs1.${id}.${sealed.toString("base64url")}`)).toThrow(
      expect.objectContaining({
        name: "UnreadableContentError",
        cause: expect.objectContaining({ code: "ERR_BUFFER_TOO_LARGE" }),
      }),
    );
  });
});

describe("keys", () => {
  const [older, newer] = [randomBytes(32), randomBytes(32)];

  test("rotate: older ones still open, and the first seals", () => {
    const before = new ContentSealer([older]).seal(PROJECT, KIND, "before");
    const rotated = new ContentSealer([newer, older]);
    const after = rotated.seal(PROJECT, KIND, "after");
    expect(rotated.unseal(PROJECT, KIND, before)).toBe("before");
    expect(new ContentSealer([newer]).unseal(PROJECT, KIND, after)).toBe("after");
    expect(() => new ContentSealer([older]).unseal(PROJECT, KIND, after)).toThrow(UnreadableContentError);
    expect(() => new ContentSealer([newer]).unseal(PROJECT, KIND, before)).toThrow(UnreadableContentError);
  });

  test("are named in the text, which another name does not open", () => {
    const sealer = new ContentSealer([newer, older]);
    const name = (key: Buffer) => new ContentSealer([key]).seal(PROJECT, KIND, "").split(".")[1]!;
    const text = sealer.seal(PROJECT, KIND, "a");
    expect(text.split(".")[1]).toBe(name(newer));
    expect(() => sealer.unseal(PROJECT, KIND, text.replace(name(newer), name(older)))).toThrow(UnreadableContentError);
  });

  test("never appear, in a sealer or in its errors", () => {
    const sealer = new ContentSealer([newer, older]);
    const shown = [inspect(sealer, { depth: 10, showHidden: true }), JSON.stringify(sealer)];
    try {
      sealer.unseal(PROJECT, KIND, `${sealer.seal(PROJECT, KIND, "a").slice(0, -2)}AA`);
    } catch (error) {
      shown.push(inspect(error, { depth: 10 }));
    }
    expect(shown).toHaveLength(3);
    for (const key of [older, newer]) {
      for (const form of ["hex", "base64", "base64url"] as const) {
        expect(shown.join("\n")).not.toContain(key.toString(form).slice(0, 12));
      }
    }
  });

  test("are required, each of them complete", () => {
    expect(() => new ContentSealer([])).toThrow(RangeError);
    const short = new ContentSealer([newer]);
    expect(() => short.unseal(PROJECT, KIND, newSealer().seal(PROJECT, KIND, "a"))).toThrow(UnreadableContentError);
  });
});

test("give a text the same name in every process, per project and key", () => {
  const names = [1, 1, 2].map((byte) => new ContentSealer([Buffer.alloc(32, byte)]).nameOf("alpha", "text"));
  expect(names[0]).toMatch(/^[0-9a-f]{24}$/);
  expect(names[0]).toBe(names[1]);
  const others = [
    names[2],
    ...["beta", "alpha"].map((project, i) => new ContentSealer([Buffer.alloc(32, 1)]).nameOf(project, `text${i}`)),
  ];
  expect(new Set([names[0], ...others]).size).toBe(4);
});
